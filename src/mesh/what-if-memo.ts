/** Which answers survive a change of policies: those of workloads and hosts that the changed policies do not reach. */
import { fullHost, hostMatches, isWildcard } from '../istio/hostname.ts';
import type { PeerAuthentication } from '../istio/peer-authentication.ts';
import { matchesLabels } from '../istio/selector.ts';
import type { VirtualService } from '../istio/virtual-service.ts';
import type { ClassEdge } from './edge.ts';
import { hostEndpoints } from './endpoints.ts';
import type { Memo } from './memo.ts';
import type { Mesh } from './mesh.ts';
import type { Policies } from './read-objects.ts';
import type { Workload } from './workload.ts';

export interface ChangedPolicies {
  readonly removed: Policies;
  readonly added: Policies;
}

/** A memo for the mesh after the change. What follows from the inventory alone is shared with the mesh before it. */
export function memoAfter(mesh: Mesh, { removed, added }: ChangedPolicies): Memo {
  const before = mesh.index.memo;
  const both = <Key extends keyof Policies>(key: Key) => [...removed[key], ...added[key]];
  const fresh: Memo = {
    ...before,
    composed: new Map(),
    ambient: new Map(),
    inbound: new Map(),
    edgesTo: new Map(),
    declaredPorts: new Map(),
    ports: new Map(),
    partition: undefined,
  };
  // A Sidecar or a Gateway may change what every client knows; they are few and change seldom.
  if (both('sidecars').length > 0 || both('gateways').length > 0) return fresh;
  const routes = both('virtualServices');
  if (routes.length > 0 && mesh.sidecars.length > 0)
    return { ...fresh, declaredPorts: before.declaredPorts, ports: before.ports };
  const reach = reachOf(mesh, both('peerAuthentications'));
  const named = new Set([
    ...both('destinationRules').map((rule) => inFull(mesh, rule.host, rule.namespace)),
    ...routes.flatMap((service) => [...hostsNamed(mesh, service), ...hostsRouted(mesh, service)]),
  ]);
  return {
    ...before,
    composed: without(before.composed, reach),
    ambient: without(before.ambient, reach),
    inbound: without(before.inbound, reach),
    edgesTo: keptEdges(mesh, reach, named),
    partition: both('destinationRules').length > 0 ? undefined : before.partition,
  };
}

function inFull(mesh: Mesh, host: string, namespace: string): string {
  return fullHost(host, namespace, mesh.config.shortNameDomain);
}

function hostsNamed(mesh: Mesh, { hosts, namespace }: VirtualService): readonly string[] {
  return hosts.map((host) => inFull(mesh, host, namespace));
}

function hostsRouted(mesh: Mesh, service: VirtualService): readonly string[] {
  return [...service.http, ...service.tcp, ...service.tls].flatMap((route) =>
    route.destinations.map(({ host }) => inFull(mesh, host, service.namespace)),
  );
}

/** What changed PeerAuthentications reach. */
interface Reach {
  readonly everything: boolean;
  /** Namespaces whose own level changed: clients go by it. */
  readonly namespaces: ReadonlySet<string>;
  readonly workloads: ReadonlySet<Workload>;
}

function reachOf(mesh: Mesh, policies: readonly PeerAuthentication[]): Reach {
  const roots = new Set([mesh.config, ...mesh.configs].map((config) => config.rootNamespace));
  const namespaces = new Set<string>();
  const workloads = new Set<Workload>();
  for (const { namespace, selector } of policies) {
    if (roots.has(namespace)) return { everything: true, namespaces, workloads };
    const inNamespace = mesh.workloadsByNamespace.get(namespace) ?? [];
    if (selector.labels === undefined) {
      namespaces.add(namespace);
      for (const workload of inNamespace) workloads.add(workload);
    } else {
      for (const workload of inNamespace) {
        if (matchesLabels(selector.labels, workload.labels)) workloads.add(workload);
      }
    }
  }
  return { everything: false, namespaces, workloads };
}

function without<Answer>(answers: ReadonlyMap<Workload, Answer>, reach: Reach): Map<Workload, Answer> {
  if (reach.everything) return new Map();
  const kept = new Map(answers);
  for (const workload of reach.workloads) kept.delete(workload);
  return kept;
}

/** `named`: hosts, or wildcards, of the rules and routes that changed. */
function keptEdges(mesh: Mesh, reach: Reach, named: ReadonlySet<string>): Map<string, readonly ClassEdge[]> {
  if (reach.everything) return new Map();
  const kept = new Map(mesh.index.memo.edgesTo);
  const touched = touchedHosts(mesh, reach, named);
  for (const host of touched) kept.delete(host);
  const wildcards = [...touched].filter(isWildcard);
  if (wildcards.length === 0) return kept;
  for (const host of kept.keys()) {
    if (wildcards.some((pattern) => hostMatches(pattern, host))) kept.delete(host);
  }
  return kept;
}

function touchedHosts(mesh: Mesh, reach: Reach, named: ReadonlySet<string>): ReadonlySet<string> {
  const touched = new Set(named);
  const hostsOf = reach.workloads.size > 0 ? hostsOfWorkloads(mesh) : new Map<Workload, readonly string[]>();
  for (const workload of reach.workloads) for (const host of hostsOf.get(workload) ?? []) touched.add(host);
  for (const [host, { namespace, entry }] of mesh.hosts) {
    // A ServiceEntry's endpoints have labels of their own, which policies select.
    if (reach.namespaces.has(namespace) || (entry !== undefined && reach.workloads.size > 0))
      touched.add(host);
  }
  // Calls that a VirtualService or an alias leads to a touched host.
  for (const service of mesh.virtualServices) {
    if (!hostsRouted(mesh, service).some((host) => touched.has(host))) continue;
    for (const host of hostsNamed(mesh, service)) touched.add(host);
  }
  for (const { host, aliasOf } of mesh.hosts.values()) {
    if (aliasOf !== undefined && touched.has(aliasOf)) touched.add(host);
  }
  return touched;
}

function hostsOfWorkloads(mesh: Mesh): ReadonlyMap<Workload, readonly string[]> {
  mesh.index.memo.hostsOf ??= findHostsOfWorkloads(mesh);
  return mesh.index.memo.hostsOf;
}

function findHostsOfWorkloads(mesh: Mesh): ReadonlyMap<Workload, readonly string[]> {
  const hostsOf = new Map<Workload, Set<string>>();
  for (const host of mesh.hosts.values()) {
    const endpoints = host.ports.flatMap(({ port }) => hostEndpoints(mesh, host, port));
    for (const { workload } of endpoints) {
      if (workload === undefined) continue;
      const hosts = hostsOf.get(workload) ?? new Set();
      hostsOf.set(workload, hosts.add(host.host));
    }
  }
  return new Map([...hostsOf].map(([workload, hosts]) => [workload, [...hosts]]));
}
