/** What every page but the graph has: a title, a sentence, and a place for what went wrong. */
import type { ReactNode } from 'react';
import type { DashboardState } from '../../server/wire.ts';
import type { Dashboard } from '../use-dashboard.ts';
import type { MeshSummary } from '../worker/protocol.ts';
import type { Loaded } from './use-loaded.ts';

export interface PageProps {
  readonly dashboard: Dashboard;
  readonly mesh: MeshSummary;
  readonly state: DashboardState;
}

interface FrameProps {
  readonly title: string;
  readonly lead: string;
  readonly children: ReactNode;
  readonly actions?: ReactNode;
}

export function PageFrame({ title, lead, children, actions }: FrameProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by the keyboard
    <section className="page" tabIndex={0} aria-label={title}>
      <div className="page-head">
        <div>
          <h1>{title}</h1>
          <p className="lead">{lead}</p>
        </div>
        {actions}
      </div>
      {children}
    </section>
  );
}

/** The answer, or why there is none. */
export function Answer<Type>({
  loaded,
  children,
}: {
  readonly loaded: Loaded<Type>;
  readonly children: (value: Type) => ReactNode;
}) {
  const { value, loading, error } = loaded;
  return (
    <>
      {error === undefined ? null : (
        <p className="caution" role="alert">
          {error.message}
          {error.hint === undefined ? '' : `: ${error.hint}`}
        </p>
      )}
      {value === undefined ? loading ? <p className="reading">Reading</p> : null : children(value)}
    </>
  );
}
