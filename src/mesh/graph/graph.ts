/** The mesh as a graph: workloads, and what is known of the calls between each two of them. */
import type { MtlsMode } from '../../istio/peer-authentication.ts';
import { edgesTo } from '../edge.ts';
import { inbound, portsOf } from '../inbound.ts';
import type { Mesh } from '../mesh.ts';
import type { Dataplane, Workload } from '../workload.ts';
import { blindSpots } from './blind-spots.ts';
import { bitOfOutcome, type EdgeState, seen } from './edge-state.ts';
import type { ObservedCall } from './observed.ts';

export interface NodePort {
  readonly port: number;
  readonly mode: MtlsMode;
  readonly mtls: boolean;
  readonly plaintext: boolean;
  readonly captured: boolean;
}

/** What a workload's ports accept: only mutual TLS, both, only plaintext; `unknown` where it has none or is not judged. */
export type NodeState = Exclude<EdgeState, 'refused'>;

export interface GraphNode {
  /** The workload's id; `outside:NAME` for an address that belongs to no workload that was read. */
  readonly id: string;
  /** `''` outside the mesh. */
  readonly namespace: string;
  readonly kind: string;
  readonly name: string;
  readonly dataplane: Dataplane | 'outside';
  readonly pods: number;
  readonly ports: readonly NodePort[];
  readonly state: NodeState;
  /** Why its ports' modes may be others than these: policies that decide were not read. */
  readonly blind?: string;
  /** Names of the Services whose endpoints it is. */
  readonly services: readonly string[];
}

/** Calls between two ends, as bits of `seen`; configuration and traffic apart. */
export interface Graph {
  readonly nodes: readonly GraphNode[];
  /** The place of a node in `nodes`, by id. */
  readonly indexOf: ReadonlyMap<string, number>;
  declared(client: number, server: number): number;
  observed(client: number, server: number): number;
}

export interface GraphOptions {
  /** The namespaces that were asked about; see `blindSpots`. */
  readonly asked?: readonly string[] | undefined;
  readonly observed?: readonly ObservedCall[];
}

/**
 * Any workload may call any service, so the declared calls are a matrix of clients times servers: one byte a pair, filled from
 * edges by class.
 */
export function buildGraph(mesh: Mesh, options: GraphOptions = {}): Graph {
  const services = servicesByWorkload(mesh);
  const blind = blindSpots(mesh, options.asked);
  const nodes: GraphNode[] = mesh.workloads.map((workload) =>
    nodeOf(mesh, workload, services.get(workload.id), blind.inbound(workload.namespace)),
  );
  const indexOf = new Map(nodes.map((node, index) => [node.id, index]));
  const add = (node: GraphNode): void => {
    if (indexOf.has(node.id)) return;
    indexOf.set(node.id, nodes.length);
    nodes.push(node);
  };
  for (const host of mesh.hosts.keys()) {
    for (const { server, serverName } of edgesTo(mesh, host)) {
      if (server === undefined) add(outsideNode(serverName));
    }
  }
  const observed = options.observed ?? [];
  for (const call of observed)
    for (const id of [call.client, call.server]) if (!indexOf.has(id)) add(outsideNode(id));
  const size = nodes.length;
  const declaredBits = new Uint8Array(size * size);
  fillDeclared(mesh, options.asked, indexOf, declaredBits, size);
  const observedBits = new Map<number, number>();
  for (const call of observed) {
    const at = (indexOf.get(call.client) ?? 0) * size + (indexOf.get(call.server) ?? 0);
    observedBits.set(at, (observedBits.get(at) ?? 0) | bitsOfCall(call));
  }
  return {
    nodes,
    indexOf,
    declared: (client, server) => declaredBits[client * size + server] ?? 0,
    observed: (client, server) => observedBits.get(client * size + server) ?? 0,
  };
}

function bitsOfCall({ mtls, plaintext, unknown, refused }: ObservedCall): number {
  return (
    (mtls > 0 ? seen.mtls : 0) |
    (plaintext > 0 ? seen.plaintext : 0) |
    (unknown > 0 ? seen.unknown : 0) |
    (refused > 0 ? seen.refused : 0)
  );
}

function fillDeclared(
  mesh: Mesh,
  asked: readonly string[] | undefined,
  indexOf: ReadonlyMap<string, number>,
  bits: Uint8Array,
  size: number,
): void {
  const blind = blindSpots(mesh, asked);
  for (const host of mesh.hosts.keys()) {
    for (const edge of edgesTo(mesh, host)) {
      const { server } = edge;
      const to = indexOf.get(server?.id ?? outsideId(edge.serverName));
      if (to === undefined) continue;
      // Nobody knows what answers at an address that is no workload's; that plaintext is sent there is known.
      const outcome =
        server === undefined && edge.outcome !== 'plaintext' && edge.outcome !== 'refused'
          ? seen.unknown
          : bitOfOutcome(edge.outcome);
      for (const client of edge.clients) {
        const from = indexOf.get(client.id);
        if (from === undefined) continue;
        const hidden =
          server !== undefined && blind.between(client.namespace, server.namespace) !== undefined;
        const at = from * size + to;
        bits[at] = (bits[at] ?? 0) | (hidden ? seen.unknown : outcome);
      }
    }
  }
}

function outsideId(name: string): string {
  return `outside:${name}`;
}

function outsideNode(name: string): GraphNode {
  const id = name.startsWith('outside:') ? name : outsideId(name);
  return {
    id,
    namespace: '',
    kind: 'Address',
    name: id.slice('outside:'.length),
    dataplane: 'outside',
    pods: 0,
    ports: [],
    state: 'unknown',
    services: [],
  };
}

function nodeOf(
  mesh: Mesh,
  workload: Workload,
  services: ReadonlySet<string> | undefined,
  unread: string | undefined,
): GraphNode {
  // Whoever has no proxy accepts plaintext whatever the policies say.
  const blind = workload.dataplane === 'none' ? undefined : unread;
  const ports = portsOf(mesh, workload).map((port): NodePort => {
    const { mode, mtls, plaintext, captured } = inbound(mesh, workload, port);
    return { port, mode, mtls, plaintext, captured };
  });
  return {
    id: workload.id,
    namespace: workload.namespace,
    kind: workload.kind,
    name: workload.variant > 1 ? `${workload.name} #${workload.variant}` : workload.name,
    dataplane: workload.dataplane,
    pods: workload.pods.length,
    ports,
    state: blind === undefined ? nodeState(workload.dataplane, ports) : 'unknown',
    ...(blind === undefined ? {} : { blind }),
    services: [...(services ?? [])].sort(),
  };
}

function nodeState(dataplane: Dataplane, ports: readonly NodePort[]): NodeState {
  if (dataplane === 'none') return 'plaintext';
  // PeerAuthentication does not apply to a gateway's own listeners.
  if (dataplane === 'gateway' || dataplane === 'waypoint' || ports.length === 0) return 'unknown';
  if (ports.every(({ mtls, plaintext }) => mtls && !plaintext)) return 'mtls';
  return ports.every(({ mtls }) => !mtls) ? 'plaintext' : 'mixed';
}

function servicesByWorkload(mesh: Mesh): ReadonlyMap<string, ReadonlySet<string>> {
  const services = new Map<string, Set<string>>();
  for (const [host, { ref }] of mesh.hosts) {
    for (const { server } of edgesTo(mesh, host)) {
      if (server === undefined) continue;
      const names = services.get(server.id) ?? new Set<string>();
      services.set(
        server.id,
        names.add(ref.namespace === server.namespace ? ref.name : `${ref.name}.${ref.namespace}`),
      );
    }
  }
  return services;
}
