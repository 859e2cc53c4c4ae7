/** What is shown of the mesh. */
import { useEffect, useRef } from 'react';
import { Icon } from '../icons.tsx';
import type { Observing } from '../use-dashboard.ts';
import { namespaceLabel, plural } from '../words.ts';
import type { MeshSummary } from '../worker/protocol.ts';
import { Find } from './find.tsx';
import type { ViewState } from './use-view.ts';

export interface ToolbarProps {
  readonly mesh: MeshSummary;
  readonly view: ViewState;
  readonly find: { readonly text: string; readonly matches: number };
  readonly observing: Observing;
  readonly live: boolean;
  readonly table: boolean;
  readonly whatIf: boolean;
  readonly setFind: (text: string) => void;
  readonly goToFound: () => void;
  readonly setTable: (table: boolean) => void;
  readonly setWhatIf: (open: boolean) => void;
}

export function Toolbar(props: ToolbarProps) {
  const { mesh, view, find, table, whatIf, observing, live } = props;
  return (
    <div className="toolbar" role="toolbar" aria-label="What is shown">
      <Find mesh={mesh} text={find.text} matches={find.matches} change={props.setFind} go={props.goToFound} />
      <div className="switch">
        <button type="button" aria-pressed={view.only === 'all'} onClick={() => view.setOnly('all')}>
          All
        </button>
        <button
          type="button"
          aria-pressed={view.only === 'not-mtls'}
          onClick={() => view.setOnly('not-mtls')}
          title="Only what is not mutual TLS"
        >
          Not mutual TLS
        </button>
      </div>
      <Namespaces mesh={mesh} view={view} />
      <button
        type="button"
        aria-pressed={observing.on}
        className="toggle"
        disabled={!live}
        title="Reads the proxies' counters and access logs; changes nothing"
        onClick={() => observing.turn(!observing.on)}
      >
        {observing.on ? 'Observing traffic' : 'Observe traffic'}
      </button>
      {observing.on || mesh.observed || view.observedOnly ? (
        <label className="check">
          <input
            type="checkbox"
            checked={view.observedOnly}
            disabled={!mesh.observed}
            onChange={({ target }) => view.setObservedOnly(target.checked)}
          />
          Observed only
        </label>
      ) : null}
      <span className="space" />
      <div className="switch">
        <button type="button" aria-pressed={!table} onClick={() => props.setTable(false)}>
          Picture
        </button>
        <button type="button" aria-pressed={table} onClick={() => props.setTable(true)}>
          Table
        </button>
      </div>
      <button
        type="button"
        className="primary"
        aria-pressed={whatIf}
        onClick={() => props.setWhatIf(!whatIf)}
      >
        What if…
      </button>
    </div>
  );
}

function Namespaces({ mesh, view }: { readonly mesh: MeshSummary; readonly view: ViewState }) {
  const menu = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    // It lies over the picture: whoever turns to something else is done with it.
    const pressed = ({ target }: PointerEvent): void => {
      const { current } = menu;
      if (current?.open === true && target instanceof Node && !current.contains(target)) current.open = false;
    };
    addEventListener('pointerdown', pressed, true);
    return () => removeEventListener('pointerdown', pressed, true);
  }, []);
  return (
    <details
      className="menu"
      ref={menu}
      onKeyDown={(event) => {
        if (event.key !== 'Escape' || !event.currentTarget.open) return;
        event.stopPropagation();
        event.currentTarget.open = false;
        event.currentTarget.querySelector('summary')?.focus();
      }}
    >
      <summary>
        {plural(view.shown.size, 'namespace')} <Icon name="open" size={14} />
      </summary>
      <div className="menu-body">
        <div className="menu-buttons">
          <button type="button" onClick={() => view.collapseAll(false)}>
            Open all
          </button>
          <button type="button" onClick={() => view.collapseAll(true)}>
            Collapse all
          </button>
        </div>
        <ul>
          {mesh.namespaces.map(({ name, workloads }) => (
            <li key={name}>
              <label>
                <input
                  type="checkbox"
                  checked={view.shown.has(name)}
                  onChange={({ target }) => view.show(name, target.checked)}
                />
                {namespaceLabel(name)}
              </label>
              <span>{workloads}</span>
            </li>
          ))}
        </ul>
      </div>
    </details>
  );
}
