/** How an edge looks: its line and its padlock tell the state, each by itself. */
import { type Edge, type EdgeProps, getBezierPath } from '@xyflow/react';
import { memo } from 'react';
import type { EdgeState } from '../../mesh/graph/edge-state.ts';
import type { ViewEdge } from '../../mesh/graph/view.ts';

export type FlowEdge = Edge<
  {
    readonly edge: ViewEdge & { readonly before?: EdgeState };
    /** It would break, or it is one of the selected workload's. */
    readonly tone: 'plain' | 'dim' | 'breaks';
    /** A quiet edge shows no padlock until it is looked at. */
    readonly lock: boolean;
  },
  'call'
>;

const lockSize = 18;

export const CallLine = memo(function CallLine({
  sourceX,
  sourceY,
  targetX,
  targetY,
  sourcePosition,
  targetPosition,
  data,
  selected,
}: EdgeProps<FlowEdge>) {
  if (data === undefined) return null;
  const { edge, tone, lock } = data;
  const [path, x, y] = getBezierPath({
    sourceX,
    sourceY,
    sourcePosition,
    targetX,
    targetY,
    targetPosition,
    curvature: 0.18,
  });
  const kind = edge.observed ? 'observed' : 'declared';
  return (
    <g className={`call state-${edge.state} ${kind} ${tone} ${selected === true ? 'selected' : ''}`}>
      <path className="call-area" d={path} />
      <path className="call-line" d={path} />
      {lock || selected === true ? (
        <g className="call-lock" transform={`translate(${x - lockSize / 2} ${y - lockSize / 2})`}>
          <circle cx={lockSize / 2} cy={lockSize / 2} r={lockSize * 0.72} />
          <use href={`#lock-${edge.state}`} width={lockSize} height={lockSize} />
          {edge.refusals && edge.state !== 'refused' ? (
            <use
              href="#lock-refused"
              x={lockSize}
              width={lockSize * 0.7}
              height={lockSize * 0.7}
              className="state-refused"
            />
          ) : null}
        </g>
      ) : null}
    </g>
  );
});
