/** What the shapes, lines and colours mean. */
import type { EdgeState } from '../../mesh/graph/edge-state.ts';
import type { PairCounts } from '../../mesh/graph/view.ts';
import { Lock } from '../icons.tsx';
import { stateMeanings, stateWords } from '../words.ts';

const states: readonly EdgeState[] = ['mtls', 'mixed', 'plaintext', 'unknown', 'refused'];

export function Legend({ totals }: { readonly totals: PairCounts }) {
  return (
    <section className="legend" aria-label="Legend">
      <ul>
        {states.map((state) => (
          <li key={state} title={stateMeanings[state]}>
            <Lock state={state} size={16} />
            <svg className={`legend-line call state-${state}`} width="34" height="8" aria-hidden="true">
              <path className="call-line" d="M0 4h34" />
            </svg>
            <span>{stateWords[state]}</span>
            <span className="count">{totals[state].toLocaleString('en')}</span>
          </li>
        ))}
      </ul>
      <p>
        Pairs of workloads by what may be called. A thick line was seen in traffic, a thin one follows from
        configuration.
      </p>
    </section>
  );
}
