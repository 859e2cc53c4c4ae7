/**
 * Places the nodes: each open namespace by itself, then the namespaces among each other. dagre draws what has few edges; what
 * has many would be a ball of wool in any order and is set in a grid, which a person can scan.
 */
import dagre from '@dagrejs/dagre';
import type { ViewEdge, ViewNode } from '../../mesh/graph/view.ts';
import { widthForTitle } from '../graph/title.ts';
import { namespaceLabel } from '../words.ts';
import type { Box } from './protocol.ts';

export const nodeSize = { width: 208, height: 60 } as const;
export const closedSize = { width: 236, height: 96 } as const;
const frame = { side: 28, top: 56, bottom: 28 } as const;
const gap = { x: 56, y: 28 } as const;
const mostEdges = 160;
const mostInRing = 12;

export interface Layout {
  readonly boxes: Readonly<Record<string, Box>>;
  readonly frames: readonly (Box & { readonly namespace: string })[];
}

interface Block {
  readonly id: string;
  readonly width: number;
  readonly height: number;
}

type Place = ReadonlyMap<string, { readonly x: number; readonly y: number }>;

export function layOut(nodes: readonly ViewNode[], edges: readonly ViewEdge[]): Layout {
  const open = Map.groupBy(
    nodes.filter(({ workload }) => workload !== undefined),
    ({ namespace }) => namespace,
  );
  const blockOf = new Map<string, string>();
  for (const node of nodes)
    blockOf.set(node.id, node.workload === undefined ? node.id : frameId(node.namespace));
  const inner = new Map<string, { readonly place: Place; readonly width: number; readonly height: number }>();
  const blocks: Block[] = [];
  for (const [namespace, members] of open) {
    const ids = new Set(members.map(({ id }) => id));
    const inside = edges.filter(({ source, target }) => ids.has(source) && ids.has(target));
    const placed = arrange(
      members.map(({ id }) => ({ id, ...nodeSize })),
      inside,
    );
    const width = Math.max(placed.width + 2 * frame.side, widthForTitle(namespaceLabel(namespace)));
    const height = placed.height + frame.top + frame.bottom;
    inner.set(namespace, placed);
    blocks.push({ id: frameId(namespace), width, height });
  }
  for (const { id, workload } of nodes) if (workload === undefined) blocks.push({ id, ...closedSize });
  const outer = arrange(blocks, betweenBlocks(edges, blockOf));
  return { boxes: boxesOf(nodes, inner, outer.place), frames: framesOf(open.keys(), blocks, outer.place) };
}

function frameId(namespace: string): string {
  return `frame:${namespace}`;
}

function boxesOf(
  nodes: readonly ViewNode[],
  inner: ReadonlyMap<string, { readonly place: Place }>,
  outer: Place,
): Readonly<Record<string, Box>> {
  const boxes: Record<string, Box> = {};
  for (const { id, namespace, workload } of nodes) {
    const at = outer.get(workload === undefined ? id : frameId(namespace)) ?? { x: 0, y: 0 };
    const within = inner.get(namespace)?.place.get(id) ?? { x: 0, y: 0 };
    boxes[id] =
      workload === undefined
        ? { ...at, ...closedSize }
        : { x: at.x + frame.side + within.x, y: at.y + frame.top + within.y, ...nodeSize };
  }
  return boxes;
}

function framesOf(
  namespaces: Iterable<string>,
  blocks: readonly Block[],
  outer: Place,
): readonly (Box & { readonly namespace: string })[] {
  const sizes = new Map(blocks.map((block) => [block.id, block]));
  return [...namespaces].map((namespace) => {
    const { width, height } = sizes.get(frameId(namespace)) ?? { width: 0, height: 0 };
    const at = outer.get(frameId(namespace)) ?? { x: 0, y: 0 };
    return { namespace, ...at, width, height };
  });
}

interface Link {
  readonly source: string;
  readonly target: string;
}

function betweenBlocks(edges: readonly ViewEdge[], blockOf: ReadonlyMap<string, string>): readonly Link[] {
  const links = new Map<string, Link>();
  for (const edge of edges) {
    const source = blockOf.get(edge.source) ?? '';
    const target = blockOf.get(edge.target) ?? '';
    if (source !== target) links.set(`${source} ${target}`, { source, target });
  }
  return [...links.values()];
}

/** Top left corners from 0, 0 on. */
function arrange(
  blocks: readonly Block[],
  links: readonly Link[],
): { readonly place: Place; readonly width: number; readonly height: number } {
  const place = placeFor(blocks, links);
  return { place, ...extentOf(blocks, place) };
}

function extentOf(
  blocks: readonly Block[],
  place: Place,
): { readonly width: number; readonly height: number } {
  let width = 0;
  let height = 0;
  for (const block of blocks) {
    const at = place.get(block.id) ?? { x: 0, y: 0 };
    width = Math.max(width, at.x + block.width);
    height = Math.max(height, at.y + block.height);
  }
  return { width, height };
}

function placeFor(blocks: readonly Block[], links: readonly Link[]): Place {
  if (links.length === 0) return byShelves(blocks);
  const pairs = new Set(links.map(({ source, target }) => [source, target].sort().join(' '))).size;
  // Where almost everybody may call everybody, a ring shows each line by itself.
  if (blocks.length <= mostInRing && pairs > 1.3 * blocks.length) return byRing(blocks);
  if (links.length > Math.min(mostEdges, 3 * blocks.length)) return byShelves(blocks);
  const drawn = byDagre(blocks, links);
  return isReadable(blocks, drawn) ? drawn : byShelves(blocks);
}

/** Where many call the same few, dagre stacks the many: on a screen such a tower is a hair's breadth of dots. */
function isReadable(blocks: readonly Block[], place: Place): boolean {
  const { width, height } = extentOf(blocks, place);
  return blocks.length <= mostInRing || (height <= 2 * width && width <= 5 * height);
}

/** On an ellipse that leaves room for the widest. */
function byRing(blocks: readonly Block[]): Place {
  const widest = Math.max(...blocks.map(({ width }) => width));
  const highest = Math.max(...blocks.map(({ height }) => height));
  const x = Math.max(widest * 1.15, (blocks.length * (widest + gap.x)) / 5.4);
  const y = Math.max(highest * 1.7, (blocks.length * (highest + gap.y)) / 3.6);
  const at = blocks.map(({ id, width, height }, index) => {
    const angle = Math.PI + (2 * Math.PI * index) / blocks.length;
    return { id, x: x * Math.cos(angle) - width / 2, y: y * Math.sin(angle) - height / 2 };
  });
  const left = Math.min(...at.map((one) => one.x));
  const top = Math.min(...at.map((one) => one.y));
  return new Map(at.map((one) => [one.id, { x: one.x - left, y: one.y - top }]));
}

function byDagre(blocks: readonly Block[], links: readonly Link[]): Place {
  const graph = new dagre.graphlib.Graph();
  graph.setGraph({ rankdir: 'LR', ranksep: 110, nodesep: 30, marginx: 0, marginy: 0 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { id, width, height } of blocks) graph.setNode(id, { width, height });
  for (const { source, target } of links) graph.setEdge(source, target);
  dagre.layout(graph);
  return new Map(
    blocks.map(({ id, width, height }) => {
      const { x, y } = graph.node(id);
      return [id, { x: x - width / 2, y: y - height / 2 }];
    }),
  );
}

/** Rows that are about as wide as all of it is high, seen on a wide screen; the tall ones stand together. */
function byShelves(blocks: readonly Block[]): Place {
  const area = blocks.reduce((sum, { width, height }) => sum + (width + gap.x) * (height + gap.y), 0);
  const widest = Math.max(Math.sqrt(area * 1.9), ...blocks.map(({ width }) => width));
  const place = new Map<string, { x: number; y: number }>();
  let x = 0;
  let y = 0;
  let tallest = 0;
  for (const block of blocks.toSorted((a, b) => b.height - a.height || (a.id < b.id ? -1 : 1))) {
    if (x > 0 && x + block.width > widest) {
      x = 0;
      y += tallest + gap.y;
      tallest = 0;
    }
    place.set(block.id, { x, y });
    x += block.width + gap.x;
    tallest = Math.max(tallest, block.height);
  }
  return place;
}
