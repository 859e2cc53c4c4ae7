/** What of a graph is drawn: namespaces open or collapsed, edges filtered, joined and counted. */
import { type EdgeState, edgeStates, hasRefusals, isWhollyMtls, stateOf } from './edge-state.ts';
import type { Graph, GraphNode, NodeState } from './graph.ts';

export interface ViewOptions {
  /** Namespaces that are one box each. */
  readonly collapsed: ReadonlySet<string>;
  /** Namespaces that are shown; `''` is what is outside the mesh. */
  readonly shown: ReadonlySet<string>;
  readonly only: 'all' | 'not-mtls';
  /** Only calls that traffic showed. */
  readonly observedOnly: boolean;
  /** Of a mesh as it would be: the graph that tells where traffic was seen. Its states do not count. */
  readonly traffic?: Graph;
  /** At most so many edges are drawn, the worst first; the rest is counted. */
  readonly limit: number;
}

/** A workload, or a collapsed namespace. */
export interface ViewNode {
  /** The workload's id, or `ns:NAMESPACE`. */
  readonly id: string;
  readonly namespace: string;
  readonly label: string;
  readonly state: NodeState;
  /** Absent for a collapsed namespace. */
  readonly workload?: GraphNode;
  /** Of a collapsed namespace: its workloads by state. */
  readonly members?: Readonly<Record<NodeState, number>>;
  /** Of a collapsed namespace: calls among its own workloads. */
  readonly inside?: PairCounts;
}

/** Pairs of workloads behind one edge, by state. */
export type PairCounts = Readonly<Record<EdgeState, number>>;

export interface ViewEdge {
  readonly id: string;
  readonly source: string;
  readonly target: string;
  readonly state: EdgeState;
  /** Some of the calls are refused, whatever the others do. */
  readonly refusals: boolean;
  readonly pairs: PairCounts;
  /** Where it is known from: what is declared, and what traffic showed. */
  readonly declared: boolean;
  readonly observed: boolean;
}

export interface GraphView {
  readonly nodes: readonly ViewNode[];
  readonly edges: readonly ViewEdge[];
  /** Edges that were left out because there are more than `limit`. */
  readonly left: number;
  /** Pairs of workloads in all that is shown, before the filter. */
  readonly totals: PairCounts;
}

export const noPairs: PairCounts = { mtls: 0, mixed: 0, plaintext: 0, unknown: 0, refused: 0 };

interface Joined {
  readonly source: string;
  readonly target: string;
  bits: number;
  declared: boolean;
  observed: boolean;
  readonly pairs: Record<EdgeState, number>;
}

export function viewOf(graph: Graph, options: ViewOptions): GraphView {
  const { nodes } = graph;
  const place = nodes.map((node) =>
    !options.shown.has(node.namespace)
      ? undefined
      : options.collapsed.has(node.namespace)
        ? namespaceId(node.namespace)
        : node.id,
  );
  const { joined, totals } = joinPairs(graph, place, options);
  const inside = new Map<string, PairCounts>();
  const ends = new Set<string>();
  const between: Joined[] = [];
  for (const join of joined) {
    if (join.source === join.target) inside.set(join.source, join.pairs);
    else {
      between.push(join);
      ends.add(join.source).add(join.target);
    }
  }
  const drawn = worst(between, options.limit);
  const filtered = options.only !== 'all' || options.observedOnly;
  const shown = viewNodes(nodes, place, inside).filter(
    (node) =>
      !filtered ||
      ends.has(node.id) ||
      inside.has(node.id) ||
      (!options.observedOnly && node.state !== 'mtls'),
  );
  return { nodes: shown, edges: drawn.map(edgeOf), left: between.length - drawn.length, totals };
}

/** Observed ones first, then by state. A mesh has many possible calls: they are sorted into a few boxes, not compared. */
function worst(all: readonly Joined[], limit: number): readonly Joined[] {
  const boxes = new Map<number, Joined[]>();
  for (const join of all) {
    const rank = edgeStates.indexOf(stateOf(join.bits)) + (join.observed ? 0 : edgeStates.length);
    const box = boxes.get(rank);
    if (box === undefined) boxes.set(rank, [join]);
    else box.push(join);
  }
  const ranks = [...boxes.keys()].sort((a, b) => a - b);
  return ranks.flatMap((rank) => boxes.get(rank) ?? []).slice(0, limit);
}

export function namespaceId(namespace: string): string {
  return `ns:${namespace}`;
}

function joinPairs(
  graph: Graph,
  place: readonly (string | undefined)[],
  options: ViewOptions,
): { readonly joined: Iterable<Joined>; readonly totals: PairCounts } {
  const joined = new Map<number, Joined>();
  const totals = { ...noPairs };
  const { traffic = graph } = options;
  const known = graph.nodes.map(({ id }) => traffic.indexOf.get(id) ?? -1);
  const numbers = new Map([...new Set(place)].map((id, number) => [id, number]));
  const placed = place.map((id) => numbers.get(id) ?? 0);
  for (const [from, source] of place.entries()) {
    if (source === undefined) continue;
    for (const [to, target] of place.entries()) {
      if (target === undefined || from === to) continue;
      const declared = graph.declared(from, to);
      const observed = traffic.observed(known[from] ?? -1, known[to] ?? -1);
      const bits = traffic === graph ? declared | observed : declared;
      if (bits === 0) continue;
      const state = stateOf(bits);
      totals[state]++;
      if (options.observedOnly && observed === 0) continue;
      if (options.only === 'not-mtls' && isWhollyMtls(bits)) continue;
      const key = (placed[from] ?? 0) * numbers.size + (placed[to] ?? 0);
      let join = joined.get(key);
      if (join === undefined) {
        join = { source, target, bits: 0, declared: false, observed: false, pairs: { ...noPairs } };
        joined.set(key, join);
      }
      join.bits |= bits;
      join.declared ||= declared !== 0;
      join.observed ||= observed !== 0;
      join.pairs[state]++;
    }
  }
  return { joined: joined.values(), totals };
}

function edgeOf({ source, target, bits, declared, observed, pairs }: Joined): ViewEdge {
  return {
    id: `${source}→${target}`,
    source,
    target,
    state: stateOf(bits),
    refusals: hasRefusals(bits),
    pairs,
    declared,
    observed,
  };
}

function viewNodes(
  nodes: readonly GraphNode[],
  place: readonly (string | undefined)[],
  inside: ReadonlyMap<string, PairCounts>,
): readonly ViewNode[] {
  const collapsed = new Map<string, GraphNode[]>();
  const shown: ViewNode[] = [];
  for (const [index, node] of nodes.entries()) {
    const id = place[index];
    if (id === node.id) {
      shown.push({ id, namespace: node.namespace, label: node.name, state: node.state, workload: node });
    } else if (id !== undefined) {
      const members = collapsed.get(id);
      if (members === undefined) collapsed.set(id, [node]);
      else members.push(node);
    }
  }
  for (const [id, members] of collapsed) shown.push(namespaceNode(id, members, inside.get(id)));
  return shown;
}

function namespaceNode(id: string, nodes: readonly GraphNode[], inside: PairCounts | undefined): ViewNode {
  const members: Record<NodeState, number> = { mtls: 0, mixed: 0, plaintext: 0, unknown: 0 };
  for (const { state } of nodes) members[state]++;
  const namespace = nodes[0]?.namespace ?? '';
  return {
    id,
    namespace,
    label: namespace === '' ? 'outside the mesh' : namespace,
    state: joinedState(members),
    members,
    ...(inside === undefined ? {} : { inside }),
  };
}

/** One open workload among closed ones makes the namespace mixed, never closed. */
function joinedState(members: Readonly<Record<NodeState, number>>): NodeState {
  const { mtls, mixed, plaintext, unknown } = members;
  if (mixed > 0 || (plaintext > 0 && mtls > 0)) return 'mixed';
  if (plaintext > 0) return unknown > 0 ? 'mixed' : 'plaintext';
  return mtls > 0 && unknown === 0 ? 'mtls' : 'unknown';
}
