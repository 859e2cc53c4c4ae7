/** What is under the mouse: painted lines are no elements, so they are found by where they are. */
import type { ReactFlowInstance } from '@xyflow/react';
import { type PointerEvent, useCallback, useEffect, useRef, useState } from 'react';
import { distanceTo, type Point } from './curve.ts';
import type { DrawnEdge } from './elements.ts';
import type { FlowNode } from './nodes.tsx';

/** So near, in pixels on the screen, is on the line. */
const reach = 7;
/** A mouse that moves less while it is pressed was clicked, not dragged. */
export const clickReach = 3;

export interface Under {
  readonly kind: 'edge' | 'node';
  readonly id: string;
  /** In the window. */
  readonly at: Point;
}

export type Flow = ReactFlowInstance<FlowNode>;

/** The line nearest to a point of the window. */
export function edgeAt(
  flow: Flow | undefined,
  edges: readonly DrawnEdge[],
  at: Point,
): DrawnEdge | undefined {
  if (flow === undefined) return undefined;
  const point = flow.screenToFlowPosition(at);
  let within = reach / flow.getZoom();
  let nearest: DrawnEdge | undefined;
  for (const edge of edges) {
    const distance = distanceTo(edge.curve, point, within);
    if (distance === undefined) continue;
    within = distance;
    nearest = edge;
  }
  return nearest;
}

export interface Hover {
  readonly under: Under | undefined;
  readonly onPointerMove: (event: PointerEvent) => void;
  readonly onPointerLeave: () => void;
  readonly forget: () => void;
}

export function useHover(flow: { readonly current: Flow | undefined }, edges: readonly DrawnEdge[]): Hover {
  const [under, setUnder] = useState<Under>();
  const frame = useRef(0);
  const forget = useCallback(() => {
    cancelAnimationFrame(frame.current);
    frame.current = 0;
    setUnder(undefined);
  }, []);
  useEffect(() => () => cancelAnimationFrame(frame.current), []);
  const pressed = useRef<Point>(undefined);
  const onPointerMove = ({ buttons, pointerType, target, clientX, clientY }: PointerEvent): void => {
    const at = { x: clientX, y: clientY };
    if (buttons !== 0) {
      // What is pressed stays an element until it is dragged: else there would be nothing left to be clicked.
      pressed.current ??= at;
      if (Math.hypot(at.x - pressed.current.x, at.y - pressed.current.y) > clickReach) forget();
      return;
    }
    pressed.current = undefined;
    if (pointerType === 'touch') return;
    // Once a frame: a mouse tells more often than the screen is drawn.
    cancelAnimationFrame(frame.current);
    frame.current = requestAnimationFrame(() => setUnder(found(target, at)));
  };
  const found = (target: EventTarget, at: Point): Under | undefined => {
    if (!(target instanceof Element)) return undefined;
    const node = target.closest<HTMLElement>('.react-flow__node-workload, .react-flow__node-namespace');
    // Nearer, a box says all this itself.
    const { zoom } = document.documentElement.dataset;
    if (node !== null)
      return zoom === 'far' || zoom === 'low' ? { kind: 'node', id: node.dataset.id ?? '', at } : undefined;
    if (target.closest('.react-flow__pane, .call') === null) return undefined;
    const edge = edgeAt(flow.current, edges, at);
    return edge === undefined ? undefined : { kind: 'edge', id: edge.id, at };
  };
  return { under, onPointerMove, onPointerLeave: forget, forget };
}
