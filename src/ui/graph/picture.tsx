/** The drawn graph. React Flow places, pans and zooms; what stands where was worked out by a worker, many lines are painted by another. */
import { Controls, MiniMap, ReactFlow, useReactFlow, useStore } from '@xyflow/react';
import { useCallback, useEffect, useMemo, useRef } from 'react';
import type { LaidOutView } from '../worker/protocol.ts';
import { Calls } from './calls.tsx';
import { pointOn } from './curve.ts';
import {
  callElements,
  type DrawnEdge,
  drawnEdges,
  type EdgeLook,
  flowNodes,
  mostElements,
  paintedLines,
  prominent,
} from './elements.ts';
import { LineLayer } from './line-layer.tsx';
import { type FlowNode, NamespaceBox, NamespaceFrame, NamespaceTitle, WorkloadBox } from './nodes.tsx';
import type { Selection } from './selection.ts';
import { Tip, type Tipped } from './tip.tsx';
import { useEdgeKeys } from './use-edge-keys.ts';
import { clickReach, edgeAt, type Flow, useHover } from './use-hover.ts';
import { ZoomLevel } from './zoom-level.tsx';

const nodeTypes = {
  workload: WorkloadBox,
  namespace: NamespaceBox,
  frame: NamespaceFrame,
  title: NamespaceTitle,
};
/** React Flow draws the boxes and moves everything; calls are drawn here, few as elements, many painted. */
const noEdges: [] = [];
/** What lies over the picture at its bottom covers nothing of it at first. */
const fit = {
  padding: { x: '28px', top: '24px', bottom: '170px' },
  maxZoom: 1.1,
  minZoom: 0.05,
} as const;

export interface PictureProps {
  readonly view: LaidOutView;
  readonly selection: Selection | undefined;
  readonly found: ReadonlySet<string>;
  /** Where the picture is to go to: a node's id and a number that counts up. */
  readonly goTo: { readonly id: string; readonly number: number } | undefined;
  readonly theme: 'light' | 'dark';
  readonly choosing: boolean;
  readonly select: (selection: Selection | undefined) => void;
  readonly collapse: (namespace: string, collapsed: boolean) => void;
}

export function Picture(props: PictureProps) {
  const { view, selection, found, goTo, theme, select, collapse, choosing } = props;
  const moved = useRef(false);
  const flow = useRef<Flow>(undefined);
  const picture = useRef<HTMLDivElement>(null);
  const edges = useMemo(() => drawnEdges(view), [view]);
  const look = useMemo((): EdgeLook => ({ selection, choosing }), [selection, choosing]);
  const elements = useMemo(() => prominent(edges, look), [edges, look]);
  const painted = useMemo(() => paintedLines(edges, look, elements), [edges, look, elements]);
  const nodes = useMemo(
    () => flowNodes(view, { selection, found, collapse }),
    [view, selection, found, collapse],
  );
  const hover = useHover(flow, edges);
  const keys = useEdgeKeys(picture, edges, (edge) => bringIntoView(flow.current, picture.current, edge));
  const hovered = hover.under?.kind === 'edge' ? hover.under.id : undefined;
  const calls = useMemo(
    () => callElements(edges, look, elements, { hovered, focused: keys.focused }),
    [edges, look, elements, hovered, keys.focused],
  );
  useFit(flow, moved, view, goTo);
  const tip = tipOf(view, edges, hover.under ?? focusedAt(flow.current, edges, keys.focused));

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the boxes and edges in it are the interactive ones; their keys and the mouse are heard here
    <div
      ref={picture}
      className={`picture ${edges.length > mostElements ? 'many' : ''} ${hovered === undefined ? '' : 'on-edge'}`}
      onPointerMove={hover.onPointerMove}
      onPointerLeave={hover.onPointerLeave}
      onKeyDown={keys.onKeyDown}
      onBlur={keys.onBlur}
    >
      <ReactFlow<FlowNode>
        nodes={nodes}
        edges={noEdges}
        nodeTypes={nodeTypes}
        onInit={(instance) => {
          flow.current = instance;
          void instance.fitView(fit);
        }}
        onNodeClick={(_event, { id, type }) => {
          hover.forget();
          if (type === 'workload' || type === 'namespace') select({ kind: 'node', id });
        }}
        onSelectionChange={useCallback(
          ({ nodes: [node] }: { nodes: FlowNode[] }) => {
            // The Enter key on a focused box arrives here and nowhere else.
            if (node !== undefined) select({ kind: 'node', id: node.id });
          },
          [select],
        )}
        onMoveStart={(event) => {
          if (event !== null) moved.current = true;
          document.documentElement.dataset.moving = event?.type === 'wheel' ? 'zoom' : 'pan';
        }}
        onMove={(event) => {
          if (event?.type !== 'mousemove') hover.forget();
        }}
        onMoveEnd={() => {
          document.documentElement.dataset.moving = 'no';
        }}
        onPaneClick={({ clientX, clientY }) => {
          const edge = edgeAt(flow.current, edges, { x: clientX, y: clientY });
          select(edge && { kind: 'edge', source: edge.source, target: edge.target });
        }}
        paneClickDistance={clickReach}
        colorMode={theme}
        nodesDraggable={false}
        nodesConnectable={false}
        minZoom={0.05}
        maxZoom={2}
        proOptions={{ hideAttribution: true }}
        ariaLabelConfig={{
          'node.a11yDescription.default':
            'Press Enter to see its details, the right arrow for the calls it makes, the left arrow for the calls to it.',
        }}
      >
        {edges.length > mostElements ? <LineLayer view={view} lines={painted} theme={theme} /> : null}
        <Calls calls={calls} select={select} />
        <Controls showInteractive={false} />
        {view.nodes.length > 12 ? (
          <MiniMap<FlowNode>
            pannable
            zoomable
            ariaLabel="Overview"
            nodeClassName={({ data, type }) =>
              'node' in data ? `mini state-${data.node.state}` : `mini ${type}`
            }
          />
        ) : null}
        <ZoomLevel />
        <Refit moved={moved} />
      </ReactFlow>
      <p id="call-keys" className="visually-hidden">
        Press Enter to see its details, up and down for the other calls, left and right for its ends.
      </p>
      {tip === undefined ? null : <Tip {...tip} />}
    </div>
  );
}

function useFit(
  flow: { readonly current: Flow | undefined },
  moved: { current: boolean },
  view: LaidOutView,
  goTo: PictureProps['goTo'],
): void {
  const shape = useMemo(() => view.nodes.map(({ id }) => id).join(' '), [view]);
  useEffect(() => {
    // Another set of nodes is another picture; the same set moves nothing under the person's eyes.
    moved.current = false;
    if (shape !== '') requestAnimationFrame(() => void flow.current?.fitView(fit));
  }, [shape, flow, moved]);
  useEffect(() => {
    const box = goTo === undefined ? undefined : view.boxes[goTo.id];
    if (box === undefined) return;
    void flow.current?.setCenter(box.x + box.width / 2, box.y + box.height / 2, { zoom: 1, duration: 300 });
  }, [goTo, view.boxes, flow]);
}

/** A panel beside it makes the picture narrower: it is fitted anew, unless the person has moved it. */
function Refit({ moved }: { readonly moved: { readonly current: boolean } }) {
  const { fitView } = useReactFlow();
  const width = useStore((store) => store.width);
  useEffect(() => {
    if (width > 0 && !moved.current) void fitView(fit);
  }, [width, moved, fitView]);
  return null;
}

type Place = {
  readonly kind: 'edge' | 'node';
  readonly id: string;
  readonly at: { readonly x: number; readonly y: number };
};

function focusedAt(
  flow: Flow | undefined,
  edges: readonly DrawnEdge[],
  id: string | undefined,
): Place | undefined {
  const edge = id === undefined ? undefined : edges.find((one) => one.id === id);
  if (edge === undefined || flow === undefined) return undefined;
  return { kind: 'edge', id: edge.id, at: flow.flowToScreenPosition(pointOn(edge.curve, 0.5)) };
}

function tipOf(
  view: LaidOutView,
  edges: readonly DrawnEdge[],
  place: Place | undefined,
): { readonly tipped: Tipped; readonly at: Place['at'] } | undefined {
  if (place === undefined) return undefined;
  if (place.kind === 'edge') {
    const edge = edges.find(({ id }) => id === place.id);
    return edge && { tipped: { kind: 'edge', edge }, at: place.at };
  }
  const node = view.nodes.find(({ id }) => id === place.id);
  return node && { tipped: { kind: 'node', node }, at: place.at };
}

function bringIntoView(flow: Flow | undefined, picture: HTMLElement | null, edge: DrawnEdge): void {
  if (flow === undefined || picture === null) return;
  const middle = pointOn(edge.curve, 0.5);
  const { x, y } = flow.flowToScreenPosition(middle);
  const { left, right, top, bottom } = picture.getBoundingClientRect();
  if (x < left || x > right || y < top || y > bottom)
    void flow.setCenter(middle.x, middle.y, { zoom: flow.getZoom() });
}
