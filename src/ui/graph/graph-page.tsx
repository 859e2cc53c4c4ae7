/** The graph: picture or table, toolbar, legend, and the panel about what is selected. */
import { useCallback, useEffect, useMemo, useState } from 'react';
import type { DashboardState } from '../../server/wire.ts';
import type { Dashboard, Observing } from '../use-dashboard.ts';
import { plural } from '../words.ts';
import type { MeshSummary } from '../worker/protocol.ts';
import { Details } from './details-panel.tsx';
import { findIds } from './find.tsx';
import { Legend } from './legend.tsx';
import { Picture } from './picture.tsx';
import type { Selection } from './selection.ts';
import { Tables } from './table.tsx';
import { Toolbar } from './toolbar.tsx';
import { useView } from './use-view.ts';
import { WhatIf } from './what-if-panel.tsx';

export interface GraphPageProps {
  readonly dashboard: Dashboard;
  readonly mesh: MeshSummary;
  readonly state: DashboardState;
  readonly theme: 'light' | 'dark';
  /** Another page is open: what was chosen here is kept. */
  readonly hidden: boolean;
}

export function GraphPage({ dashboard, mesh, state, theme, hidden }: GraphPageProps) {
  const { worker } = dashboard;
  const view = useView(worker, mesh, state.namespaces);
  const [selection, setSelection] = useState<Selection>();
  const [table, setTable] = useState(false);
  const [whatIf, setWhatIf] = useState(false);
  const [text, setText] = useState('');
  const [goTo, setGoTo] = useState<{ readonly id: string; readonly number: number }>();
  const ids = useMemo(() => findIds(mesh, text), [mesh, text]);
  const found = useMemo(() => drawnAs(ids, mesh, view.collapsed), [ids, mesh, view.collapsed]);
  const select = useCallback(
    (next: Selection | undefined) => setSelection((before) => (sameSelection(before, next) ? before : next)),
    [],
  );
  const closeWhatIf = (): void => {
    setWhatIf(false);
    view.setChoice(undefined);
  };
  useEscape(() => {
    if (selection !== undefined) setSelection(undefined);
    else if (whatIf) closeWhatIf();
  });
  const goToFound = (): void => {
    const [id] = ids;
    const workload = mesh.workloads.find((one) => one.id === id);
    if (workload === undefined) return;
    view.show(workload.namespace, true);
    view.collapse(workload.namespace, false);
    setSelection({ kind: 'node', id: workload.id });
    setGoTo((before) => ({ id: workload.id, number: (before?.number ?? 0) + 1 }));
  };
  if (hidden) return null;
  return (
    <div className="graph-page">
      <h1 className="visually-hidden">Graph</h1>
      <Toolbar
        mesh={mesh}
        view={view}
        find={{ text, matches: ids.length }}
        observing={dashboard.observing}
        live={state.live}
        table={table}
        whatIf={whatIf}
        setFind={setText}
        goToFound={goToFound}
        setTable={setTable}
        setWhatIf={(open) => (open ? setWhatIf(true) : closeWhatIf())}
      />
      <div className="stage">
        <div className="canvas">
          {view.view === undefined ? (
            <p className="reading">Drawing</p>
          ) : table ? (
            <Tables view={view.view} found={found} searching={text !== ''} select={select} />
          ) : (
            <>
              <Picture
                view={view.view}
                selection={selection}
                found={found}
                goTo={goTo}
                theme={theme}
                choosing={view.choice !== undefined}
                select={select}
                collapse={view.collapse}
              />
              <div className="foot">
                <Notes
                  view={view.view}
                  nextLimit={view.nextLimit}
                  drawMore={view.drawMore}
                  choosing={view.choice !== undefined}
                  only={view.only}
                  observing={dashboard.observing}
                />
                <Legend totals={view.view.totals} />
              </div>
            </>
          )}
        </div>
        {selection !== undefined ? (
          <Details
            worker={worker}
            mesh={mesh}
            state={state}
            selection={selection}
            select={select}
            openNamespace={(namespace) => {
              view.collapse(namespace, false);
              setSelection(undefined);
            }}
          />
        ) : whatIf ? (
          <WhatIf
            worker={worker}
            mesh={mesh}
            asked={state.namespaces}
            choice={view.choice}
            choose={view.setChoice}
            close={closeWhatIf}
          />
        ) : null}
      </div>
    </div>
  );
}

interface NotesProps {
  readonly view: {
    readonly left: number;
    readonly nodes: readonly unknown[];
    readonly edges: readonly unknown[];
  };
  readonly choosing: boolean;
  readonly only: 'all' | 'not-mtls';
  readonly observing: Observing;
  readonly nextLimit: number | undefined;
  readonly drawMore: () => void;
}

/** What the picture does not show is said. */
function Notes({ view, choosing, only, observing, nextLimit, drawMore }: NotesProps) {
  const empty = view.edges.length === 0 && only === 'not-mtls';
  return (
    <div className="notes" aria-live="polite">
      <Observed observing={observing} />
      {choosing ? <p className="note strong">This is what would be, not what is.</p> : null}
      {view.left > 0 ? (
        <p className="note">
          {plural(view.left, 'line')} not drawn: the worst are. A filter shows the others.{' '}
          {nextLimit === undefined ? null : (
            <button type="button" className="link" onClick={drawMore}>
              Draw up to {nextLimit.toLocaleString('en')}
            </button>
          )}
        </p>
      ) : null}
      {empty ? <p className="note good">Everything shown is mutual TLS.</p> : null}
      {view.nodes.length === 0 && !empty ? (
        <p className="note">There is nothing to draw in the chosen namespaces.</p>
      ) : null}
    </div>
  );
}

function Observed({ observing: { on, view, error } }: { readonly observing: Observing }) {
  if (!on) return null;
  if (error !== undefined) return <p className="note">Traffic cannot be observed: {error}</p>;
  if (view === undefined) return <p className="note">Reading the proxies’ counters and access logs</p>;
  const time = (text: string): string => new Date(text).toLocaleTimeString('en-GB');
  return (
    <details className="note">
      <summary>
        {view.calls.length === 0 ? 'No traffic seen' : 'Traffic seen'} from {time(view.from)} to{' '}
        {time(view.to)}
        {view.unseen.length > 0 ? `, ${plural(view.unseen.length, 'gap')}` : ''}
      </summary>
      <ul>
        {[...view.sources, ...view.unseen].map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
      <p className="hint">
        Seeing no plaintext proves nothing; Evidence does. Access logs are read ten minutes back.
      </p>
    </details>
  );
}

/** Where a workload is drawn: as itself, or as its collapsed namespace. */
function drawnAs(
  ids: readonly string[],
  mesh: MeshSummary,
  collapsed: ReadonlySet<string>,
): ReadonlySet<string> {
  if (ids.length === 0) return new Set();
  const namespaces = new Map(mesh.workloads.map(({ id, namespace }) => [id, namespace]));
  return new Set(
    ids.map((id) => {
      const namespace = namespaces.get(id) ?? '';
      return collapsed.has(namespace) ? `ns:${namespace}` : id;
    }),
  );
}

function sameSelection(a: Selection | undefined, b: Selection | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function useEscape(act: () => void): void {
  useEffect(() => {
    const pressed = ({ key }: KeyboardEvent): void => {
      if (key === 'Escape') act();
    };
    addEventListener('keydown', pressed);
    return () => removeEventListener('keydown', pressed);
  });
}
