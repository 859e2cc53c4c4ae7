/** What changed between two meshes, by workload port and by edge. */
import type { ClassEdge, Edge, Outcome } from './edge.ts';
import { edgesTo } from './edge.ts';
import { type Inbound, inbound, portsOf } from './inbound.ts';
import type { Mesh } from './mesh.ts';
import type { Workload } from './workload.ts';

/**
 * BREAKS: what worked is refused, or finds no way any more. MENDS: what was refused works, in mutual TLS. WEAKENED: plaintext is
 * accepted or sent where it was not, or mutual TLS is no longer taken. HARDENED: the reverse. ADDED, REMOVED: a workload port
 * that only one of the two meshes has.
 */
export type ChangeKind = 'WEAKENED' | 'HARDENED' | 'BREAKS' | 'MENDS' | 'ADDED' | 'REMOVED';

export interface PortChange {
  readonly change: ChangeKind;
  /** `NAMESPACE/NAME` of the workload. */
  readonly workload: string;
  readonly port: number;
  readonly before?: Inbound;
  readonly after?: Inbound;
}

/** A change that a group of clients shares. */
export interface EdgeChange {
  readonly change: ChangeKind;
  /** `NAMESPACE/NAME` of each client workload, sorted. */
  readonly clients: readonly string[];
  /** The first of them. */
  readonly client: string;
  readonly host: string;
  readonly port: number;
  /** `NAMESPACE/NAME` of the server workload, or an address. */
  readonly server: string;
  readonly targetPort: number;
  readonly before: Edge;
  /** Absent when the client has no way to the server any more. */
  readonly after?: Edge;
}

export interface MeshDiff {
  readonly ports: readonly PortChange[];
  readonly edges: readonly EdgeChange[];
}

/**
 * Compares two meshes. Answers that both share (see `withChange`) are equal without a look, and edges that are the same for all
 * clients are compared once, so the cost follows what differs.
 */
export function diffMeshes(before: Mesh, after: Mesh): MeshDiff {
  return { ports: comparePorts(before, after), edges: compareEdges(before, after) };
}

function nameOf(workload: Workload): string {
  return `${workload.namespace}/${workload.name}`;
}

function byId(mesh: Mesh): ReadonlyMap<string, Workload> {
  return new Map(mesh.workloads.map((workload) => [workload.id, workload]));
}

function comparePorts(before: Mesh, after: Mesh): readonly PortChange[] {
  const changes: PortChange[] = [];
  const earlier = byId(before);
  for (const workload of after.workloads) {
    const old = earlier.get(workload.id);
    changes.push(...compareWorkload(before, after, old, workload));
  }
  const later = byId(after);
  for (const workload of before.workloads) {
    if (!later.has(workload.id)) changes.push(...compareWorkload(before, after, workload, undefined));
  }
  return changes;
}

function compareWorkload(
  before: Mesh,
  after: Mesh,
  old: Workload | undefined,
  now: Workload | undefined,
): readonly PortChange[] {
  const oldPorts = new Set(old === undefined ? [] : portsOf(before, old));
  const nowPorts = new Set(now === undefined ? [] : portsOf(after, now));
  const named = now ?? old;
  if (named === undefined) return [];
  const changes: PortChange[] = [];
  for (const port of [...oldPorts.union(nowPorts)].sort((a, b) => a - b)) {
    const was = old !== undefined && oldPorts.has(port) ? inbound(before, old, port) : undefined;
    const is = now !== undefined && nowPorts.has(port) ? inbound(after, now, port) : undefined;
    const change = portChange(was, is);
    if (change === undefined) continue;
    changes.push({
      change,
      workload: nameOf(named),
      port,
      ...(was === undefined ? {} : { before: was }),
      ...(is === undefined ? {} : { after: is }),
    });
  }
  return changes;
}

function portChange(before: Inbound | undefined, after: Inbound | undefined): ChangeKind | undefined {
  if (before === after) return undefined;
  if (before === undefined) return 'ADDED';
  if (after === undefined) return 'REMOVED';
  if (before.plaintext !== after.plaintext) return after.plaintext ? 'WEAKENED' : 'HARDENED';
  if (before.mtls !== after.mtls) return after.mtls ? 'HARDENED' : 'WEAKENED';
  return undefined;
}

/** How well an outcome protects; a refusal stands apart. */
const protection = { plaintext: 0, tls: 1, mtls: 2 } as const satisfies Record<
  Exclude<Outcome, 'refused'>,
  number
>;

function edgeChange(before: Edge, after: Edge | undefined): ChangeKind | undefined {
  if (after === undefined) return before.outcome === 'refused' ? undefined : 'BREAKS';
  if (before.outcome === after.outcome) return undefined;
  if (after.outcome === 'refused') return 'BREAKS';
  if (before.outcome === 'refused') return after.outcome === 'plaintext' ? 'WEAKENED' : 'MENDS';
  return protection[after.outcome] > protection[before.outcome] ? 'HARDENED' : 'WEAKENED';
}

function compareEdges(before: Mesh, after: Mesh): readonly EdgeChange[] {
  const clients = clientsOf(before, after);
  const changes: EdgeChange[] = [];
  for (const host of before.hosts.keys()) {
    if (!after.hosts.has(host)) continue;
    const was = edgesTo(before, host);
    const is = edgesTo(after, host);
    if (was !== is) changes.push(...compareHost(was, is, clients, host));
  }
  return changes;
}

/** Clients that both meshes have, and those among them that got another proxy. */
interface Clients {
  readonly both: ReadonlySet<string>;
  readonly moved: ReadonlySet<string>;
}

function clientsOf(before: Mesh, after: Mesh): Clients {
  const later = byId(after);
  const both = new Set<string>();
  const moved = new Set<string>();
  for (const { id, dataplane } of before.workloads) {
    const now = later.get(id);
    if (now === undefined) continue;
    both.add(id);
    if (now.dataplane !== dataplane) moved.add(id);
  }
  return { both, moved };
}

/** The edges of one port, server and kind of client: in most meshes they all come to the same. */
function callKey(edge: Edge): string {
  return `${edge.port} ${edge.server?.id ?? edge.serverName} ${edge.targetPort}`;
}

function compareHost(
  before: readonly ClassEdge[],
  after: readonly ClassEdge[],
  clients: Clients,
  host: string,
): readonly EdgeChange[] {
  const changes: EdgeChange[] = [];
  const later = Map.groupBy(after, callKey);
  const servers = new Set(after.map((edge) => edge.server?.id ?? edge.serverName));
  for (const [key, was] of Map.groupBy(before, callKey)) {
    const is = later.get(key) ?? [];
    const [first] = was;
    // A server that is gone is no broken edge; one that is there and not reached is.
    if (first === undefined || (is.length === 0 && !servers.has(first.server?.id ?? first.serverName)))
      continue;
    if (!alike(was, is, clients)) changes.push(...compareCalls(was, is, clients, host));
  }
  return changes;
}

/** True when, for each kind of client, all edges before and after have one and the same outcome and nobody changed kind. */
function alike(was: readonly ClassEdge[], is: readonly ClassEdge[], clients: Clients): boolean {
  if (clients.moved.size > 0) return false;
  const outcomes = new Map<string, Outcome>();
  for (const { client, outcome } of [...was, ...is]) {
    const present = outcomes.get(client.dataplane);
    if (present !== undefined && present !== outcome) return false;
    outcomes.set(client.dataplane, outcome);
  }
  const kinds = (edges: readonly ClassEdge[]) => new Set(edges.map((edge) => edge.client.dataplane));
  return kinds(was).symmetricDifference(kinds(is)).size === 0;
}

function compareCalls(
  was: readonly ClassEdge[],
  is: readonly ClassEdge[],
  clients: Clients,
  host: string,
): readonly EdgeChange[] {
  const changes: EdgeChange[] = [];
  for (const [edge, now, names] of sameClasses(was, is) ?? clientByClient(was, is, clients)) {
    const change = edgeChange(edge, now);
    if (change === undefined) continue;
    const shared = withoutSelf(names(), edge);
    if (shared.length === 0) continue;
    changes.push({
      change,
      clients: shared,
      client: shared[0] ?? '',
      host,
      port: edge.port,
      server: edge.serverName,
      targetPort: edge.targetPort,
      before: edge,
      ...(now === undefined ? {} : { after: now }),
    });
  }
  return changes;
}

/** A workload of one pod is no client of its own, whatever class it is in. */
function withoutSelf(names: readonly string[], { server }: Edge): readonly string[] {
  if (server === undefined || server.pods.length > 1) return names;
  const own = nameOf(server);
  return names.includes(own) ? names.filter((name) => name !== own) : names;
}

/** An edge, what became of it, and the names of the clients that share both. */
type Pair = readonly [before: ClassEdge, after: ClassEdge | undefined, names: () => readonly string[]];

/** Where a change leaves the classes of clients as they are, which is the rule, they are compared class by class. */
function sameClasses(was: readonly ClassEdge[], is: readonly ClassEdge[]): readonly Pair[] | undefined {
  const before = edgeOfClasses(was);
  const after = edgeOfClasses(is);
  if (before.size !== after.size) return undefined;
  const pairs: Pair[] = [];
  for (const [workloads, edge] of before) {
    const now = after.get(workloads);
    if (now === undefined) return undefined;
    pairs.push([edge, now, () => namesOfClass(workloads)]);
  }
  return pairs;
}

/** Classes share no client, and one that kept its members kept its list: see `clientPartition`. */
function edgeOfClasses(edges: readonly ClassEdge[]): ReadonlyMap<readonly Workload[], ClassEdge> {
  const found = new Map<readonly Workload[], ClassEdge>();
  for (const edge of edges) if (!found.has(edge.clients)) found.set(edge.clients, edge);
  return found;
}

function clientByClient(
  was: readonly ClassEdge[],
  is: readonly ClassEdge[],
  clients: Clients,
): readonly Pair[] {
  const later = edgeOfClients(is);
  const groups = new Map<ClassEdge, Map<ClassEdge | undefined, string[]>>();
  for (const [id, edge] of edgeOfClients(was)) {
    if (!clients.both.has(id)) continue;
    const now = later.get(id);
    if (edgeChange(edge, now) === undefined) continue;
    const byAfter = groups.get(edge) ?? new Map<ClassEdge | undefined, string[]>();
    groups.set(edge, byAfter);
    const ids = byAfter.get(now) ?? [];
    byAfter.set(now, ids);
    ids.push(id);
  }
  return [...groups].flatMap(([edge, byAfter]) =>
    [...byAfter].map(([now, ids]): Pair => [edge, now, () => namesOf(edge, new Set(ids))]),
  );
}

/** Each client's edge: of several ways for one call the likeliest, which comes first. */
function edgeOfClients(edges: readonly ClassEdge[]): ReadonlyMap<string, ClassEdge> {
  const found = new Map<string, ClassEdge>();
  for (const edge of edges) for (const { id } of edge.clients) if (!found.has(id)) found.set(id, edge);
  return found;
}

function namesOf(edge: ClassEdge, ids: ReadonlySet<string>): readonly string[] {
  return [...new Set(edge.clients.filter(({ id }) => ids.has(id)).map(nameOf))].sort();
}

const classNames = new WeakMap<readonly Workload[], readonly string[]>();

function namesOfClass(workloads: readonly Workload[]): readonly string[] {
  let names = classNames.get(workloads);
  if (names === undefined) {
    names = [...new Set(workloads.map(nameOf))].sort();
    classNames.set(workloads, names);
  }
  return names;
}
