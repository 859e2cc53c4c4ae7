/** The drawn graph. React Flow draws and pans; what stands where was worked out by the worker. */
import {
  Background,
  BackgroundVariant,
  Controls,
  MiniMap,
  Position,
  ReactFlow,
  type ReactFlowInstance,
  useReactFlow,
  useStore,
} from '@xyflow/react';
import { useCallback, useEffect, useMemo, useRef } from 'react';
import type { NodeState } from '../../mesh/graph/graph.ts';
import { countWords, nodeWords, stateWords } from '../words.ts';
import type { LaidOutView } from '../worker/protocol.ts';
import { curveBetween } from './curve.ts';
import { CallLine, type FlowEdge } from './edges.tsx';
import { type FlowNode, NamespaceBox, NamespaceFrame, WorkloadBox } from './nodes.tsx';
import type { Selection } from './selection.ts';

const nodeTypes = { workload: WorkloadBox, namespace: NamespaceBox, frame: NamespaceFrame };
const edgeTypes = { call: CallLine };
const fit = { padding: 0.12, maxZoom: 1.1, minZoom: 0.05 } as const;
/** More edges than these are not walked through with the Tab key; the table is. */
const focusableEdges = 150;
/** More padlocks than these cover each other; then only edges that are not mutual TLS carry one. */
const readableLocks = 120;

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
  const flow = useRef<ReactFlowInstance<FlowNode, FlowEdge>>(undefined);
  const nodes = useMemo(
    () => flowNodes(view, selection, found, collapse),
    [view, selection, found, collapse],
  );
  const edges = useMemo(() => flowEdges(view, selection, choosing), [view, selection, choosing]);
  const shape = useMemo(() => view.nodes.map(({ id }) => id).join(' '), [view]);

  useEffect(() => {
    // Another set of nodes is another picture; the same set moves nothing under the person's eyes.
    moved.current = false;
    if (shape !== '') requestAnimationFrame(() => void flow.current?.fitView(fit));
  }, [shape]);

  useEffect(() => {
    const box = goTo === undefined ? undefined : view.boxes[goTo.id];
    if (box === undefined) return;
    void flow.current?.setCenter(box.x + box.width / 2, box.y + box.height / 2, { zoom: 1, duration: 300 });
  }, [goTo, view.boxes]);

  return (
    <div className={`picture ${edges.length > readableLocks ? 'many' : ''}`}>
      <ReactFlow<FlowNode, FlowEdge>
        nodes={nodes}
        edges={edges}
        nodeTypes={nodeTypes}
        edgeTypes={edgeTypes}
        onInit={(instance) => {
          flow.current = instance;
          void instance.fitView(fit);
        }}
        onNodeClick={(_event, node) => {
          if (node.type !== 'frame') select({ kind: 'node', id: node.id });
        }}
        onEdgeClick={(_event, { source, target }) => select({ kind: 'edge', source, target })}
        onSelectionChange={useCallback(
          ({ nodes: chosen, edges: lines }: { nodes: FlowNode[]; edges: FlowEdge[] }) => {
            // The Enter key on a focused node or edge arrives here and nowhere else.
            const [node] = chosen;
            const [line] = lines;
            if (node !== undefined && node.type !== 'frame') select({ kind: 'node', id: node.id });
            else if (line !== undefined) select({ kind: 'edge', source: line.source, target: line.target });
          },
          [select],
        )}
        onMoveStart={(event) => {
          if (event !== null) moved.current = true;
          document.documentElement.dataset.moving = 'yes';
        }}
        onMoveEnd={() => {
          document.documentElement.dataset.moving = 'no';
        }}
        onPaneClick={() => select(undefined)}
        colorMode={theme}
        nodesDraggable={false}
        nodesConnectable={false}
        edgesFocusable={edges.length <= focusableEdges}
        elevateEdgesOnSelect
        minZoom={0.05}
        maxZoom={2}
        proOptions={{ hideAttribution: true }}
        ariaLabelConfig={{
          'node.a11yDescription.default': 'Press Enter to see its details.',
          'edge.a11yDescription.default': 'Press Enter to see its details.',
        }}
      >
        <Background variant={BackgroundVariant.Dots} gap={24} size={1} />
        <Controls showInteractive={false} />
        {view.nodes.length > 12 ? (
          <MiniMap<FlowNode>
            pannable
            zoomable
            ariaLabel="Overview"
            nodeClassName={({ data }) => miniClass(data)}
          />
        ) : null}
        <ZoomClass />
        <Refit moved={moved} />
      </ReactFlow>
    </div>
  );
}

function miniClass(data: FlowNode['data']): string {
  return 'node' in data ? `mini state-${data.node.state}` : 'mini frame';
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

/** Zoomed out, text too small to read gives way to colour and shape. */
function ZoomClass() {
  const level = useStore(({ transform }) =>
    transform[2] < 0.22 ? 'far' : transform[2] < 0.5 ? 'mid' : 'near',
  );
  useEffect(() => {
    document.documentElement.dataset.zoom = level;
  }, [level]);
  return null;
}

function flowNodes(
  view: LaidOutView,
  selection: Selection | undefined,
  found: ReadonlySet<string>,
  collapse: PictureProps['collapse'],
): FlowNode[] {
  const frames = view.frames.map(
    ({ namespace, x, y, width, height }): FlowNode => ({
      id: `frame:${namespace}`,
      type: 'frame',
      position: { x, y },
      width,
      height,
      zIndex: -1,
      selectable: false,
      focusable: false,
      data: { namespace, close: () => collapse(namespace, true) },
    }),
  );
  const boxes = view.nodes.map((node): FlowNode => {
    const { x, y, width, height } = view.boxes[node.id] ?? { x: 0, y: 0, width: 0, height: 0 };
    const shared: Omit<FlowNode, 'type' | 'data'> = {
      id: node.id,
      position: { x, y },
      width,
      height,
      // What is known need not be measured: React Flow draws no line of a node that it has yet to measure.
      measured: { width, height },
      handles: [
        { type: 'target', position: Position.Left, x: 0, y: height / 2 },
        { type: 'source', position: Position.Right, x: width, y: height / 2 },
      ],
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

const nowhere = { x: 0, y: 0, width: 0, height: 0 } as const;

function nodeLabel(label: string, namespace: string, state: NodeState): string {
  return `${label}${namespace === '' || namespace === label ? '' : ` in ${namespace}`}: ${nodeWords[state]}`;
}

function flowEdges(view: LaidOutView, selection: Selection | undefined, choosing: boolean): FlowEdge[] {
  const touches = (source: string, target: string): boolean => {
    if (selection === undefined) return true;
    if (selection.kind === 'node') return source === selection.id || target === selection.id;
    return source === selection.source && target === selection.target;
  };
  const many = view.edges.length > readableLocks;
  return view.edges.map((edge): FlowEdge => {
    const { id, source, target, state } = edge;
    const near = touches(source, target);
    const changed = edge.before !== undefined;
    const breaks = changed && state === 'refused';
    const quiet = choosing && !changed;
    return {
      id,
      type: 'call',
      source,
      target,
      selected: selection?.kind === 'edge' && near,
      ariaLabel: `${source} calls ${target}: ${stateWords[state]}, ${countWords(edge.pairs)}`,
      data: {
        edge,
        curve: curveBetween(view.boxes[source] ?? nowhere, view.boxes[target] ?? nowhere),
        tone: breaks ? 'breaks' : near && !quiet ? 'plain' : 'dim',
        lock: !many || (selection !== undefined && near) || changed,
      },
    };
  });
}
