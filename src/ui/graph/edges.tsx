/** How an edge looks: its line and its padlock tell the state, each by itself. */
import type { Edge, EdgeProps } from '@xyflow/react';
import { memo } from 'react';
import type { EdgeState } from '../../mesh/graph/edge-state.ts';
import type { ViewEdge } from '../../mesh/graph/view.ts';
import type { Curve } from './curve.ts';

export type FlowEdge = Edge<
  {
    readonly edge: ViewEdge & { readonly before?: EdgeState };
    readonly curve: Curve;
    /** `breaks`: it would be refused after the change. */
    readonly tone: 'plain' | 'dim' | 'breaks';
    readonly lock: boolean;
  },
  'call'
>;

const size = 18;

export const CallLine = memo(function CallLine({ data, selected }: EdgeProps<FlowEdge>) {
  if (data === undefined) return null;
  const { edge, curve, tone, lock } = data;
  const kind = edge.observed ? 'observed' : 'declared';
  return (
    <g className={`call state-${edge.state} ${kind} ${tone} ${selected === true ? 'selected' : ''}`}>
      <path className="call-area" d={curve.path} />
      <path className="call-line" d={curve.path} markerEnd={`url(#arrow-${edge.state})`} />
      {lock || selected === true ? (
        <g className="call-lock" transform={`translate(${curve.x - size / 2} ${curve.y - size / 2})`}>
          <circle cx={size / 2} cy={size / 2} r={size * 0.72} />
          <use href={`#lock-${edge.state}`} width={size} height={size} />
          {edge.refusals && edge.state !== 'refused' ? (
            <use
              href="#lock-refused"
              x={size}
              width={size * 0.7}
              height={size * 0.7}
              className="state-refused"
            />
          ) : null}
        </g>
      ) : null}
    </g>
  );
});
