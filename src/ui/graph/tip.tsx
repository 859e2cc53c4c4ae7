/** What is under the mouse or focused, in words; beside it, and never outside the picture. */
import { useLayoutEffect, useRef } from 'react';
import { Lock } from '../icons.tsx';
import { countWords, namespaceLabel, nodeWords, plural, stateWords } from '../words.ts';
import type { LaidOutView } from '../worker/protocol.ts';
import type { Point } from './curve.ts';
import type { DrawnEdge } from './elements.ts';

export type Tipped =
  | { readonly kind: 'edge'; readonly edge: DrawnEdge }
  | { readonly kind: 'node'; readonly node: LaidOutView['nodes'][number] };

export interface TipProps {
  readonly tipped: Tipped;
  /** In the window. */
  readonly at: Point;
}

const away = 14;

export function Tip({ tipped, at }: TipProps) {
  const tip = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const { current } = tip;
    const ground = current?.parentElement?.getBoundingClientRect();
    if (current === null || ground === undefined) return;
    const { width, height } = current.getBoundingClientRect();
    const x = at.x - ground.left + away;
    const y = at.y - ground.top + away;
    const left = x + width > ground.width ? at.x - ground.left - away - width : x;
    const top = y + height > ground.height ? at.y - ground.top - away - height : y;
    current.style.transform = `translate(${Math.round(Math.max(4, left))}px, ${Math.round(Math.max(4, top))}px)`;
  });
  return (
    <div ref={tip} className="tip" role="tooltip">
      {tipped.kind === 'edge' ? <EdgeTip edge={tipped.edge} /> : <NodeTip node={tipped.node} />}
    </div>
  );
}

function EdgeTip({ edge }: { readonly edge: DrawnEdge }) {
  const total = Object.values(edge.pairs).reduce((sum, count) => sum + count, 0);
  const from = edge.observed
    ? edge.declared
      ? 'seen in traffic'
      : 'seen in traffic only'
    : 'from configuration, not seen in traffic';
  return (
    <>
      <p className="tip-ends">
        <span>{endName(edge.source)}</span> <span aria-hidden="true">→</span>
        <span className="visually-hidden">calls</span> <span>{endName(edge.target)}</span>
      </p>
      <p className="tip-state">
        <Lock state={edge.state} size={16} />
        <strong>{stateWords[edge.state]}</strong>
        {edge.refusals && edge.state !== 'refused' ? ', some refused' : ''}
      </p>
      {edge.before === undefined ? null : <p>now: {stateWords[edge.before]}</p>}
      {total > 1 ? <p>{countWords(edge.pairs)}</p> : null}
      <p className="tip-source">{from}</p>
    </>
  );
}

function NodeTip({ node }: { readonly node: LaidOutView['nodes'][number] }) {
  const total = Object.values(node.members ?? {}).reduce((sum, count) => sum + count, 0);
  return (
    <>
      <p className="tip-ends">
        <span>
          {node.workload === undefined ? node.label : `${namespaceLabel(node.namespace)}/${node.label}`}
        </span>
      </p>
      <p className="tip-state">
        <Lock state={node.state} size={16} />
        <strong>{nodeWords[node.state]}</strong>
      </p>
      {total > 0 ? <p>{plural(total, 'workload')}</p> : null}
    </>
  );
}

/** `shop/web` of `shop/Deployment/web`. */
function endName(id: string): string {
  if (id.startsWith('ns:')) return namespaceLabel(id.slice(3));
  const [namespace = '', , ...name] = id.split('/');
  return name.length === 0 ? id : namespace === '' ? name.join('/') : `${namespace}/${name.join('/')}`;
}
