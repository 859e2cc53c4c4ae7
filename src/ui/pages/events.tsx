/** What happens, newest first. */
import type { NumberedEvent } from '../use-dashboard.ts';
import { PageFrame, type PageProps } from './page.tsx';

export function EventsPage({ dashboard, state }: PageProps) {
  const { events } = dashboard;
  return (
    <PageFrame
      title="Events"
      lead={
        state.live
          ? 'Policy changes and refused connections as they happen, since the dashboard was started.'
          : 'A snapshot is looked at: nothing happens in it.'
      }
    >
      {events.length === 0 && state.live ? <p>Nothing has happened yet.</p> : null}
      <ol className="events" aria-live="polite" aria-relevant="additions">
        {events.map((event) => (
          <li key={event.number} className={`event-${event.kind}`}>
            <time dateTime={event.at}>{new Date(event.at).toLocaleTimeString('en-GB')}</time>
            <span className="tag">{kindWords[event.kind]}</span>
            <span>{textOf(event)}</span>
          </li>
        ))}
      </ol>
    </PageFrame>
  );
}

const kindWords = {
  snapshot: 'mesh',
  policy: 'policy',
  refused: 'refused',
  rollout: 'rollout',
  connection: 'dashboard',
} as const satisfies Record<NumberedEvent['kind'], string>;

export function textOf(event: NumberedEvent): string {
  switch (event.kind) {
    case 'snapshot':
      return 'the mesh was read anew';
    case 'policy':
      return `${event.resource} was ${event.change}${event.says === '' ? '' : `: ${event.says}`}`;
    case 'refused':
      return `${event.text}${event.port === undefined ? '' : ` on port ${event.port}`}`;
    case 'rollout':
      return `${event.namespace}: ${event.says}`;
    case 'connection':
      return event.says;
  }
}
