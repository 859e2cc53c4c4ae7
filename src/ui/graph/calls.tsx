/** Calls as elements of the page: the line and its padlock tell the state, each by itself; mouse and keyboard reach them. */
import { ViewportPortal } from '@xyflow/react';
import { memo, useEffect, useRef } from 'react';
import { LockParts } from '../icons.tsx';
import type { Line } from '../lines/scene.ts';
import { lockBox } from '../shapes.ts';
import { pointOn, svgPath } from './curve.ts';
import { type DrawnEdge, edgeLabel } from './elements.ts';
import type { Selection } from './selection.ts';
import { useScreenPixel } from './zoom-level.tsx';

export interface CallElement {
  readonly edge: DrawnEdge;
  /** `raised`: under the mouse or focused. */
  readonly tone: Line['tone'] | 'raised';
  readonly lock: boolean;
  readonly selected: boolean;
  /** The keyboard has come to it. */
  readonly focused: boolean;
}

export interface CallsProps {
  readonly calls: readonly CallElement[];
  readonly select: (selection: Selection) => void;
}

export function Calls({ calls, select }: CallsProps) {
  const pixel = useScreenPixel();
  return (
    <ViewportPortal>
      {/* biome-ignore lint/a11y/noSvgWithoutTitle: each call in it has its own name */}
      <svg className="calls">
        {calls.map((call) => (
          <Call key={call.edge.id} {...call} lockScale={Math.max(1, 0.8 * pixel)} select={select} />
        ))}
      </svg>
    </ViewportPortal>
  );
}

interface CallProps extends CallElement, Pick<CallsProps, 'select'> {
  /** Zoomed out, padlocks shrink less than all else, so that they can be told apart. */
  readonly lockScale: number;
}

const Call = memo(function Call({ edge, tone, lock, selected, focused, lockScale, select }: CallProps) {
  const shape = useRef<SVGGElement>(null);
  useEffect(() => {
    if (focused) shape.current?.focus();
  }, [focused]);
  const path = svgPath(edge.curve);
  const kind = edge.observed ? 'observed' : 'declared';
  const open = (): void => select({ kind: 'edge', source: edge.source, target: edge.target });
  return (
    // biome-ignore lint/a11y/useSemanticElements: there is no button in SVG
    <g
      ref={shape}
      className={`call state-${edge.state} ${kind} ${tone} ${selected ? 'selected' : ''}`}
      data-id={edge.id}
      role="button"
      tabIndex={0}
      aria-label={edgeLabel(edge)}
      aria-describedby="call-keys"
      aria-pressed={selected}
      onClick={open}
      onKeyDown={(event) => {
        if (event.key !== 'Enter' && event.key !== ' ') return;
        event.preventDefault();
        open();
      }}
    >
      <path className="call-area" d={path} />
      <path className="call-line" d={path} markerEnd={`url(#arrow-${edge.state})`} />
      {lock || selected ? <CallLock edge={edge} scale={lockScale} /> : null}
    </g>
  );
});

function CallLock({ edge, scale }: { readonly edge: DrawnEdge; readonly scale: number }) {
  const { x, y } = pointOn(edge.curve, 0.5);
  return (
    <g
      className="call-lock"
      transform={`translate(${x} ${y}) scale(${scale}) translate(${-lockBox / 2} ${-lockBox / 2})`}
    >
      <circle cx={lockBox / 2} cy={lockBox / 2} r={lockBox * 0.72} />
      <LockParts state={edge.state} />
      {edge.refusals && edge.state !== 'refused' ? (
        <g className="state-refused" transform={`translate(${lockBox} 0) scale(0.7)`}>
          <LockParts state="refused" />
        </g>
      ) : null}
    </g>
  );
}
