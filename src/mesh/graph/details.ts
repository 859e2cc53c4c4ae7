/** What the panel shows about one workload, or about the calls between two ends. */
import { edgesTo, type Outcome, type Sends } from '../edge.ts';
import { type Inbound, inbound, portsOf } from '../inbound.ts';
import type { Mesh } from '../mesh.ts';
import type { Reason } from '../reason.ts';
import type { Workload } from '../workload.ts';
import { blindSpots } from './blind-spots.ts';
import { bitOfOutcome, type EdgeState, hasRefusals, seen, stateOf } from './edge-state.ts';
import type { Graph, GraphNode } from './graph.ts';
import type { ObservedCall } from './observed.ts';

export interface PortDetail
  extends Pick<Inbound, 'port' | 'mode' | 'scope' | 'captured' | 'mtls' | 'plaintext'> {
  readonly because: readonly Reason[];
}

export interface Neighbour {
  readonly id: string;
  readonly name: string;
  readonly namespace: string;
  readonly state: EdgeState;
  readonly refusals: boolean;
  readonly observed: boolean;
}

export interface WorkloadDetail {
  readonly node: GraphNode;
  readonly serviceAccount: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly dataplaneBecause: readonly Reason[];
  readonly pods: readonly { readonly name: string; readonly ready: boolean }[];
  readonly ports: readonly PortDetail[];
  /** Who may call it, and whom it may call; the worst first, at most `neighbourLimit` each. */
  readonly callers: readonly Neighbour[];
  readonly callees: readonly Neighbour[];
  readonly moreCallers: number;
  readonly moreCallees: number;
}

const neighbourLimit = 50;

/** @returns undefined for an id that the mesh does not have. */
export function workloadDetail(mesh: Mesh, graph: Graph, id: string): WorkloadDetail | undefined {
  const index = graph.indexOf.get(id);
  const node = index === undefined ? undefined : graph.nodes[index];
  if (index === undefined || node === undefined) return undefined;
  const workload = mesh.workloads.find((one) => one.id === id);
  const callers = neighbours(graph, index, (other) => [other, index]);
  const callees = neighbours(graph, index, (other) => [index, other]);
  return {
    node,
    serviceAccount: workload?.serviceAccount ?? '',
    labels: workload?.labels ?? {},
    dataplaneBecause: workload?.dataplaneBecause.map(plainReason) ?? [],
    pods: workload?.pods.map(({ name, ready }) => ({ name, ready })) ?? [],
    ports: workload === undefined ? [] : portDetails(mesh, workload),
    callers: callers.slice(0, neighbourLimit),
    callees: callees.slice(0, neighbourLimit),
    moreCallers: Math.max(0, callers.length - neighbourLimit),
    moreCallees: Math.max(0, callees.length - neighbourLimit),
  };
}

function portDetails(mesh: Mesh, workload: Workload): readonly PortDetail[] {
  return portsOf(mesh, workload).map((port) => {
    const { mode, scope, captured, mtls, plaintext, because } = inbound(mesh, workload, port);
    return { port, mode, scope, captured, mtls, plaintext, because: because.map(plainReason) };
  });
}

/** Reasons are answers with getters; what goes to another thread is plain. */
function plainReason(reason: Reason): Reason {
  return { ...reason };
}

const order: Readonly<Record<EdgeState, number>> = {
  plaintext: 0,
  mixed: 1,
  refused: 2,
  unknown: 3,
  mtls: 4,
};

function neighbours(
  graph: Graph,
  self: number,
  ends: (other: number) => readonly [client: number, server: number],
): readonly Neighbour[] {
  const found: Neighbour[] = [];
  for (const [other, { id, name, namespace }] of graph.nodes.entries()) {
    if (other === self) continue;
    const [client, server] = ends(other);
    const observed = graph.observed(client, server);
    const bits = graph.declared(client, server) | observed;
    if (bits === 0) continue;
    found.push({
      id,
      name,
      namespace,
      state: stateOf(bits),
      refusals: hasRefusals(bits),
      observed: observed !== 0,
    });
  }
  return found.sort(
    (a, b) =>
      Number(b.observed) - Number(a.observed) || order[a.state] - order[b.state] || (a.id < b.id ? -1 : 1),
  );
}

/** One call that a client may make: a service's port, and what comes of it. */
export interface CallDetail {
  readonly host: string;
  readonly port: number;
  readonly targetPort: number;
  readonly subset?: string;
  readonly sends: Sends;
  readonly outcome: Outcome;
  readonly state: EdgeState;
  readonly because: readonly Reason[];
  /** Why nothing certain can be said. */
  readonly blind?: string;
}

export interface EdgeDetail {
  readonly client: GraphNode;
  readonly server: GraphNode;
  readonly state: EdgeState;
  readonly refusals: boolean;
  readonly calls: readonly CallDetail[];
  readonly observed: readonly ObservedCall[];
}

/** @returns undefined where one of the ends is not in the graph. */
export function edgeDetail(
  mesh: Mesh,
  graph: Graph,
  client: string,
  server: string,
  options: {
    readonly asked?: readonly string[] | undefined;
    readonly observed?: readonly ObservedCall[];
  } = {},
): EdgeDetail | undefined {
  const from = graph.indexOf.get(client);
  const to = graph.indexOf.get(server);
  if (from === undefined || to === undefined) return undefined;
  const clientNode = graph.nodes[from];
  const serverNode = graph.nodes[to];
  if (clientNode === undefined || serverNode === undefined) return undefined;
  const bits = graph.declared(from, to) | graph.observed(from, to);
  const blind = blindSpots(mesh, options.asked).between(clientNode.namespace, serverNode.namespace);
  return {
    client: clientNode,
    server: serverNode,
    state: stateOf(bits),
    refusals: hasRefusals(bits),
    calls: callsBetween(mesh, client, server, blind),
    observed: (options.observed ?? []).filter((call) => call.client === client && call.server === server),
  };
}

function callsBetween(
  mesh: Mesh,
  client: string,
  server: string,
  blind: string | undefined,
): readonly CallDetail[] {
  const calls: CallDetail[] = [];
  for (const host of mesh.hosts.keys()) {
    for (const edge of edgesTo(mesh, host)) {
      if ((edge.server?.id ?? `outside:${edge.serverName}`) !== server) continue;
      if (!edge.clients.some(({ id }) => id === client)) continue;
      const unseen = edge.server === undefined && edge.outcome !== 'plaintext' && edge.outcome !== 'refused';
      calls.push({
        host,
        port: edge.port,
        targetPort: edge.targetPort,
        ...(edge.subset === undefined ? {} : { subset: edge.subset }),
        sends: edge.sends,
        outcome: edge.outcome,
        state: blind !== undefined || unseen ? 'unknown' : stateOf(bitOfOutcome(edge.outcome)),
        because: edge.because.map(plainReason),
        ...(blind === undefined ? {} : { blind }),
      });
    }
  }
  return calls;
}

/** The pairs of workloads behind an edge whose ends may be collapsed namespaces; worst first. */
export function pairsBetween(
  graph: Graph,
  source: readonly number[],
  target: readonly number[],
  limit: number,
): { readonly pairs: readonly PairDetail[]; readonly more: number } {
  const pairs: PairDetail[] = [];
  for (const from of source) {
    for (const to of target) {
      if (from === to) continue;
      const observed = graph.observed(from, to);
      const bits = graph.declared(from, to) | observed;
      const client = graph.nodes[from];
      const server = graph.nodes[to];
      if (bits === 0 || client === undefined || server === undefined) continue;
      pairs.push({
        client: client.id,
        server: server.id,
        clientName: label(client),
        serverName: label(server),
        state: stateOf(bits),
        refusals: (bits & seen.refused) !== 0,
        observed: observed !== 0,
      });
    }
  }
  pairs.sort((a, b) => order[a.state] - order[b.state] || (a.clientName < b.clientName ? -1 : 1));
  return { pairs: pairs.slice(0, limit), more: Math.max(0, pairs.length - limit) };
}

export interface PairDetail {
  readonly client: string;
  readonly server: string;
  readonly clientName: string;
  readonly serverName: string;
  readonly state: EdgeState;
  readonly refusals: boolean;
  readonly observed: boolean;
}

function label(node: GraphNode): string {
  return node.namespace === '' ? node.name : `${node.namespace}/${node.name}`;
}
