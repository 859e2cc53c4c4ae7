/** Findings, worst first, each with what follows from it and what mends it. */
import { useState } from 'react';
import type { FindingsView, FindingView } from '../../server/wire.ts';
import { getJson } from '../api.ts';
import { CopyButton } from '../copy-button.tsx';
import { plural } from '../words.ts';
import { Answer, PageFrame, type PageProps } from './page.tsx';
import { Prose } from './prose.tsx';
import { useLoaded } from './use-loaded.ts';

const severities = ['error', 'warning', 'info'] as const;
const words = { error: 'error', warning: 'warning', info: 'note' } as const;

export function FindingsPage({ state }: PageProps) {
  const loaded = useLoaded<FindingsView>(
    (signal) => getJson('/api/findings', signal),
    `${state.boot} ${state.revision}`,
  );
  return (
    <PageFrame
      title="Findings"
      lead="What is wrong with the policies, why it matters, and the smallest change that mends it."
    >
      <Answer loaded={loaded}>{(view) => <List view={view} />}</Answer>
    </PageFrame>
  );
}

function List({ view }: { readonly view: FindingsView }) {
  const [only, setOnly] = useState<FindingView['severity'] | 'all'>('all');
  const count = (severity: FindingView['severity']): number =>
    view.findings.filter((finding) => finding.severity === severity).length;
  const shown = view.findings.filter(({ severity }) => only === 'all' || severity === only);
  if (view.findings.length === 0) return <p className="headline good">Nothing was found.</p>;
  return (
    <>
      <div className="switch">
        <button type="button" aria-pressed={only === 'all'} onClick={() => setOnly('all')}>
          All {view.findings.length}
        </button>
        {severities.map((severity) => (
          <button
            key={severity}
            type="button"
            aria-pressed={only === severity}
            onClick={() => setOnly(severity)}
          >
            {plural(count(severity), words[severity])}
          </button>
        ))}
      </div>
      {view.suppressed > 0 ? (
        <p className="hint">{view.suppressed} more are suppressed by annotations.</p>
      ) : null}
      <ul className="findings">
        {shown.map((finding) => (
          <li
            key={`${finding.code} ${finding.resource} ${finding.message}`}
            className={`severity-${finding.severity}`}
          >
            <details>
              <summary>
                <span className={`tag severity-${finding.severity}`}>{words[finding.severity]}</span>
                <span className="finding-text">
                  <strong>
                    <Prose text={finding.message} />
                  </strong>
                  <span className="source">
                    {finding.code} · {finding.resource}
                    {finding.place === undefined ? '' : ` · ${finding.place}`}
                  </span>
                </span>
              </summary>
              <p>
                <Prose text={finding.why} />
              </p>
              <h2>What mends it</h2>
              <p>
                <Prose text={finding.fix} />
              </p>
              {finding.changes.map(({ text, language }) => (
                <div key={text} className="code">
                  <pre>{text}</pre>
                  <CopyButton text={text} what={language === 'yaml' ? 'YAML' : 'command'} />
                </div>
              ))}
              {finding.affected.length > 0 ? (
                <p className="source">Affects {finding.affected.join(', ')}</p>
              ) : null}
            </details>
          </li>
        ))}
      </ul>
    </>
  );
}
