/** The view as it is drawn: React Flow's nodes; the calls that are elements of the page; the lines that are painted. */
import type { NodeState } from '../../mesh/graph/graph.ts';
import type { Line } from '../lines/scene.ts';
import { countWords, nodeWords, stateWords } from '../words.ts';
import type { Box, LaidOutView } from '../worker/protocol.ts';
import type { CallElement } from './calls.tsx';
import { type Curve, curveBetween } from './curve.ts';
import type { FlowNode } from './nodes.tsx';
import type { Selection } from './selection.ts';

/** So many edges can be elements of the page and stay smooth; of more, the lines are painted. */
export const mostElements = 150;
/** More padlocks than these cover each other. */
const readableLocks = 120;

export type DrawnEdge = LaidOutView['edges'][number] & { readonly curve: Curve };

const nowhere: Box = { x: 0, y: 0, width: 0, height: 0 };

export function drawnEdges({ edges, boxes }: LaidOutView): readonly DrawnEdge[] {
  return edges.map((edge) => ({
    ...edge,
    curve: curveBetween(boxes[edge.source] ?? nowhere, boxes[edge.target] ?? nowhere),
  }));
}

/** Frames lie under the painted lines, which lie under all else. */
const depth = { frame: -2, title: 0 } as const;

export interface NodeLook {
  readonly selection: Selection | undefined;
  readonly found: ReadonlySet<string>;
  readonly collapse: (namespace: string, collapsed: boolean) => void;
}

export function flowNodes(view: LaidOutView, { selection, found, collapse }: NodeLook): FlowNode[] {
  const frames = view.frames.flatMap(({ namespace, ...box }): FlowNode[] => {
    const fixed = { ...placed(box), selectable: false, focusable: false } as const;
    const data = { namespace, close: () => collapse(namespace, true) };
    return [
      { ...fixed, id: `frame:${namespace}`, type: 'frame', zIndex: depth.frame, data },
      { ...fixed, id: `title:${namespace}`, type: 'title', zIndex: depth.title, data },
    ];
  });
  const boxes = view.nodes.map((node): FlowNode => {
    const box = view.boxes[node.id] ?? nowhere;
    const shared = {
      ...placed(box),
      id: node.id,
      selected: selection?.kind === 'node' && selection.id === node.id,
      ariaLabel: nodeLabel(node.label, node.namespace, node.state),
    };
    const isFound = found.has(node.id);
    return node.workload === undefined
      ? {
          ...shared,
          type: 'namespace',
          data: { node, found: isFound, open: () => collapse(node.namespace, false) },
        }
      : { ...shared, type: 'workload', data: { node, found: isFound } };
  });
  return [...frames, ...boxes];
}

/** Placed by `left` and `top`: five hundred transforms would be weighed anew with each frame of a moving picture. */
function placed({ x, y, width, height }: Box) {
  return { position: { x, y }, width, height, style: { transform: 'none', left: x, top: y } } as const;
}

export function nodeLabel(label: string, namespace: string, state: NodeState): string {
  return `${label}${namespace === '' || namespace === label ? '' : ` in ${namespace}`}: ${nodeWords[state]}`;
}

export interface EdgeLook {
  readonly selection: Selection | undefined;
  /** A change is tried out: what it does not change steps back. */
  readonly choosing: boolean;
}

function toneOf(
  { source, target, state, before }: DrawnEdge,
  { selection, choosing }: EdgeLook,
): Line['tone'] {
  const changed = before !== undefined;
  if (changed && state === 'refused') return 'breaks';
  return touches(source, target, selection) && (!choosing || changed) ? 'plain' : 'dim';
}

function touches(source: string, target: string, selection: Selection | undefined): boolean {
  if (selection === undefined) return true;
  if (selection.kind === 'node') return source === selection.id || target === selection.id;
  return source === selection.source && target === selection.target;
}

/** Edges that stand out: all of few; of many those that the person looks at and those that a tried change changes. */
export function prominent(edges: readonly DrawnEdge[], { selection }: EdgeLook): ReadonlySet<string> {
  if (edges.length <= mostElements) return new Set(edges.map(({ id }) => id));
  const chosen = edges.filter(
    ({ source, target, before }) =>
      before !== undefined || (selection !== undefined && touches(source, target, selection)),
  );
  const isSelected = ({ source, target }: DrawnEdge): boolean =>
    selection?.kind === 'edge' && touches(source, target, selection);
  return new Set([...chosen.filter(isSelected), ...chosen].slice(0, mostElements).map(({ id }) => id));
}

/** Under the mouse, or reached by the keyboard: these too are elements while they are. */
export interface Raised {
  readonly hovered: string | undefined;
  readonly focused: string | undefined;
}

export function callElements(
  edges: readonly DrawnEdge[],
  look: EdgeLook,
  elements: ReadonlySet<string>,
  { hovered, focused }: Raised,
): readonly CallElement[] {
  const { selection } = look;
  const allLocks = edges.length <= readableLocks;
  return edges.flatMap((edge): CallElement[] => {
    const { id, source, target } = edge;
    const isRaised = id === hovered || id === focused;
    if (!isRaised && !elements.has(id)) return [];
    const near = touches(source, target, selection);
    return [
      {
        edge,
        tone: isRaised ? 'raised' : toneOf(edge, look),
        lock: allLocks || isRaised || (selection !== undefined && near) || edge.before !== undefined,
        selected: selection?.kind === 'edge' && near,
        focused: id === focused,
      },
    ];
  });
}

export function edgeLabel({ source, target, state, pairs }: DrawnEdge): string {
  return `${source} calls ${target}: ${stateWords[state]}, ${countWords(pairs)}`;
}

/** What is painted: the edges that are no elements. */
export function paintedLines(
  edges: readonly DrawnEdge[],
  look: EdgeLook,
  elements: ReadonlySet<string>,
): readonly Line[] {
  return edges.flatMap((edge): Line[] => {
    if (elements.has(edge.id)) return [];
    const { start, control, end } = edge.curve;
    return [
      {
        points: [start.x, start.y, control.x, control.y, end.x, end.y],
        state: edge.state,
        observed: edge.observed,
        refusals: edge.refusals,
        tone: toneOf(edge, look),
      },
    ];
  });
}
