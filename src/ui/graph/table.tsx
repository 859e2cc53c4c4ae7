/** The same facts as the picture, as tables: for reading aloud, for searching, and for many of them. */
import { useState } from 'react';
import type { ViewEdge, ViewNode } from '../../mesh/graph/view.ts';
import { Lock } from '../icons.tsx';
import { countWords, dataplaneWords, namespaceLabel, nodeWords, plural, stateWords } from '../words.ts';
import type { LaidOutView } from '../worker/protocol.ts';
import type { Selection } from './selection.ts';

export interface TableProps {
  readonly view: LaidOutView;
  readonly found: ReadonlySet<string>;
  readonly searching: boolean;
  readonly select: (selection: Selection) => void;
}

const step = 200;

export function Tables({ view, found, searching, select }: TableProps) {
  const nodes = searching ? view.nodes.filter(({ id }) => found.has(id)) : view.nodes;
  const edges = searching
    ? view.edges.filter(({ source, target }) => found.has(source) || found.has(target))
    : view.edges;
  const names = new Map(view.nodes.map((node) => [node.id, nameOf(node)]));
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by the keyboard
    <section className="tables" aria-label="The mesh as tables" tabIndex={0}>
      <h2>
        Workloads <span className="count">{nodes.length}</span>
      </h2>
      <Rows
        columns={['Namespace', 'Workload', 'Proxy', 'Accepts', 'Ports']}
        rows={nodes}
        row={(node) => (
          <tr key={node.id}>
            <td>{namespaceLabel(node.namespace)}</td>
            <td>
              <button type="button" className="link" onClick={() => select({ kind: 'node', id: node.id })}>
                {node.workload === undefined ? 'all its workloads' : node.label}
              </button>
            </td>
            <td>{node.workload === undefined ? '' : dataplaneWords[node.workload.dataplane]}</td>
            <td>
              <Lock state={node.state} size={16} /> {nodeWords[node.state]}
            </td>
            <td>
              {node.workload?.ports
                .map(({ port, mode, captured }) => `${port} ${captured ? mode : 'not captured'}`)
                .join(', ')}
            </td>
          </tr>
        )}
      />
      <h2>
        Calls <span className="count">{edges.length}</span>
      </h2>
      {view.left > 0 ? (
        <p className="hint">{plural(view.left, 'more line')} are not drawn; a filter shows them.</p>
      ) : null}
      <Rows
        columns={['From', 'To', 'State', 'Pairs of workloads', 'Known from']}
        rows={edges}
        row={(edge: ViewEdge) => (
          <tr key={edge.id}>
            <td>{names.get(edge.source)}</td>
            <td>{names.get(edge.target)}</td>
            <td>
              <button
                type="button"
                className={`link state-${edge.state}`}
                onClick={() => select({ kind: 'edge', source: edge.source, target: edge.target })}
              >
                <Lock state={edge.state} size={16} /> {stateWords[edge.state]}
                {edge.refusals && edge.state !== 'refused' ? ', some refused' : ''}
              </button>
            </td>
            <td>{countWords(edge.pairs)}</td>
            <td>
              {[edge.observed ? 'traffic' : '', edge.declared ? 'configuration' : '']
                .filter(Boolean)
                .join(', ')}
            </td>
          </tr>
        )}
      />
    </section>
  );
}

function nameOf({ workload, namespace, label }: ViewNode): string {
  return workload === undefined || namespace === '' ? label : `${namespace}/${label}`;
}

interface RowsProps<Row> {
  readonly columns: readonly string[];
  readonly rows: readonly Row[];
  readonly row: (row: Row) => React.ReactNode;
}

function Rows<Row>({ columns, rows, row }: RowsProps<Row>) {
  const [shown, setShown] = useState(step);
  return (
    <>
      <table>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{rows.slice(0, shown).map(row)}</tbody>
      </table>
      {rows.length > shown ? (
        <button type="button" onClick={() => setShown(shown + step)}>
          Show {Math.min(step, rows.length - shown)} more of {rows.length - shown}
        </button>
      ) : null}
    </>
  );
}
