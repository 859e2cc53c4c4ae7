/** The padlocks and the page's other icons. */
import type { EdgeState } from '../mesh/graph/edge-state.ts';
import { lockBox, lockShapes, type Part } from './shapes.ts';

const states: readonly EdgeState[] = ['mtls', 'mixed', 'plaintext', 'unknown', 'refused'];

/** The points of the edges' arrows, for every edge of the page. */
export function ArrowHeads() {
  return (
    <svg className="shapes" aria-hidden="true">
      {states.map((state) => (
        <marker
          key={state}
          id={`arrow-${state}`}
          className={`state-${state}`}
          viewBox="0 0 10 10"
          refX="8"
          refY="5"
          markerWidth="11"
          markerHeight="11"
          markerUnits="userSpaceOnUse"
          orient="auto"
        >
          <path className="arrow" d="M1 1l8 4-8 4z" />
        </marker>
      ))}
    </svg>
  );
}

export function Lock({ state, size = lockBox }: { readonly state: EdgeState; readonly size?: number }) {
  return (
    <svg
      className={`lock state-${state}`}
      width={size}
      height={size}
      viewBox={`0 0 ${lockBox} ${lockBox}`}
      aria-hidden="true"
    >
      <LockParts state={state} />
    </svg>
  );
}

/** A padlock within an SVG. Not by `<use>`: five hundred of these cost as much as the rest of a moving picture. */
export function LockParts({ state }: { readonly state: EdgeState }) {
  return lockShapes[state].map((part: Part) => (
    <path
      key={part.path}
      className={`lock-${part.draw}${part.dashed === true ? ' lock-dash' : ''}`}
      d={part.path}
      transform={part.turned === undefined ? undefined : `rotate(${part.turned.join(' ')})`}
    />
  ));
}

const paths = {
  graph: 'M4 6a2 2 0 1 0 0-.1M14 4a2 2 0 1 0 0-.1M13 15a2 2 0 1 0 0-.1M6 6l6-1.6M5.6 7.4l6 6.2M14 6l-.8 7',
  findings: 'M9 3l7 12H2zM9 7.5v3.5M9 12.9v.2',
  certificates: 'M3 3h12v8H3zM6 6h6M6 8.4h3M12 11v5l-1.8-1.4L8.4 16v-5',
  rollout: 'M3 9h9M9 5.5L12.5 9 9 12.5M15 4v10',
  events: 'M2.5 9h3L8 4l3 10 2-5h2.5',
  evidence: 'M4 2.5h7L14.5 6v9.5H4zM11 2.5V6h3.5M6.5 11l1.7 1.7 3-3.4',
  find: 'M7.8 12.6a4.8 4.8 0 1 1 0-9.6 4.8 4.8 0 0 1 0 9.6zM11.4 11.4L15.5 15.5',
  close: 'M4.5 4.5l9 9M13.5 4.5l-9 9',
  sun: 'M9 6a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM9 1.5v2M9 14.5v2M1.5 9h2M14.5 9h2M3.7 3.7l1.4 1.4M12.9 12.9l1.4 1.4M14.3 3.7l-1.4 1.4M5.1 12.9l-1.4 1.4',
  moon: 'M14.5 11.2A6.2 6.2 0 0 1 6.8 3.5a6.2 6.2 0 1 0 7.7 7.7z',
  open: 'M6.5 7.2L9 9.8l2.5-2.6',
  fold: 'M4 9h10',
  unfold: 'M4 9h10M9 4v10',
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name, size = 18 }: { readonly name: IconName; readonly size?: number }) {
  return (
    <svg className="icon" width={size} height={size} viewBox="0 0 18 18" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  );
}
