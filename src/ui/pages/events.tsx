/** What happens, newest first, and whose refusals cannot be told. */
import { useState } from 'react';
import type { RefusalsView } from '../../server/wire.ts';
import { getJson } from '../api.ts';
import type { NumberedEvent } from '../use-dashboard.ts';
import { plural } from '../words.ts';
import { PageFrame, type PageProps } from './page.tsx';
import { useLoaded } from './use-loaded.ts';
import { useTick } from './use-tick.ts';

type Kind = NumberedEvent['kind'];

export function EventsPage({ dashboard, state }: PageProps) {
  const { events } = dashboard;
  const [only, setOnly] = useState<Kind | 'all'>('all');
  const shown = events.filter(({ kind }) => only === 'all' || kind === only);
  if (!state.live) {
    return (
      <PageFrame title="Events" lead="Files are looked at: nothing happens in them.">
        <p className="empty">
          Start the dashboard on a cluster to see changes and refused connections as they happen.
        </p>
      </PageFrame>
    );
  }
  return (
    <PageFrame
      title="Events"
      lead="Refused plaintext connections, and changes of what decides about mutual TLS, since the dashboard was started."
    >
      <Coverage boot={state.boot} />
      <div className="switch">
        {choices.map(([kind, words]) => (
          <button key={kind} type="button" aria-pressed={only === kind} onClick={() => setOnly(kind)}>
            {words}
          </button>
        ))}
      </div>
      {shown.length === 0 ? (
        <p className="empty">
          {events.length === 0 ? 'Nothing has happened yet.' : 'Nothing of this kind has happened yet.'}
        </p>
      ) : null}
      <ol className="events" aria-live="polite" aria-relevant="additions">
        {shown.map((event) => (
          <li key={event.number} className={`event-${event.kind}`}>
            <time dateTime={event.at}>{new Date(event.at).toLocaleTimeString('en-GB')}</time>
            <span className="tag">{kindWords[event.kind]}</span>
            <span className="event-text">{textOf(event)}</span>
          </li>
        ))}
      </ol>
    </PageFrame>
  );
}

const choices = [
  ['all', 'All'],
  ['refused', 'Refused'],
  ['policy', 'Policies'],
  ['mesh', 'Workloads, Services'],
  ['rollout', 'Rollouts'],
] as const satisfies readonly (readonly [Kind | 'all', string])[];

const kindWords = {
  snapshot: 'mesh',
  policy: 'policy',
  mesh: 'mesh',
  refused: 'refused',
  rollout: 'rollout',
  connection: 'dashboard',
} as const satisfies Record<Kind, string>;

function textOf(event: NumberedEvent): string {
  switch (event.kind) {
    case 'snapshot':
      return 'the mesh was read anew';
    case 'policy':
    case 'mesh':
      return `${event.resource} was ${event.change}${event.says === '' ? '' : `: ${event.says}`}`;
    case 'refused':
      return `${event.text}${event.port === undefined ? '' : ` on port ${event.port}`}`;
    case 'rollout':
      return `${event.namespace}: ${event.says}`;
    case 'connection':
      return event.says;
  }
}

const lookEveryMs = 5_000;

/** Silence means something only where somebody listens. */
function Coverage({ boot }: { readonly boot: string }) {
  const tick = useTick(lookEveryMs);
  const { value, error } = useLoaded<RefusalsView>(
    (signal) => getJson('/api/refusals', signal),
    `${boot} ${tick}`,
  );
  if (value === undefined) return error === undefined ? null : <p className="caution">{error.message}</p>;
  const { proxies, everySeconds, forbidden, failed, silent } = value;
  if (proxies === undefined) return <p className="hint">Reading the sidecars’ access logs</p>;
  const gaps = [
    ...forbidden.map(({ namespace, why }) => `${namespace}: ${why}`),
    ...failed.map(({ pod, why }) => `${pod}: ${why}`),
    ...silent.map((pod) => `${pod}: its proxy does not log what it refuses (access logging is off)`),
  ];
  return (
    <div className="coverage">
      <p className="hint">
        {proxies === 0
          ? 'No sidecar runs in what is looked at, so there is nobody to refuse plaintext.'
          : `Refused connections are read from the access logs of ${plural(proxies, 'sidecar')}, each about every ${Math.max(1, everySeconds)} s.`}
      </p>
      {gaps.length === 0 ? null : (
        <details className="caution">
          <summary>
            {silent.length + failed.length >= proxies || forbidden.length > 0
              ? 'Some or all refusals cannot be seen'
              : `Refusals of ${plural(gaps.length, 'sidecar')} cannot be seen`}
          </summary>
          <ul>
            {gaps.map((gap) => (
              <li key={gap}>{gap}</li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}
