/** Which answers survive a change of policies: those of workloads and hosts that the changed policies do not reach. */
import { fullHost, hostMatches } from '../istio/hostname.ts';
import type { PeerAuthentication } from '../istio/peer-authentication.ts';
import { matchesLabels } from '../istio/selector.ts';
import type { ClassEdge } from './edge.ts';
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
    partition: undefined,
  };
  // A Sidecar or a Gateway may change what every client knows; they are few and change seldom.
  if (both('sidecars').length > 0 || both('gateways').length > 0) return fresh;
  const routes = both('virtualServices');
  if (routes.length > 0 && mesh.sidecars.length > 0) return { ...fresh, declaredPorts: before.declaredPorts };
  const reach = reachOf(mesh, both('peerAuthentications'));
  const named = [
    ...both('destinationRules').map((rule) =>
      fullHost(rule.host, rule.namespace, mesh.config.shortNameDomain),
    ),
    ...routes.flatMap((service) =>
      [
        ...service.hosts,
        ...[...service.http, ...service.tcp, ...service.tls].flatMap((route) =>
          route.destinations.map((destination) => destination.host),
        ),
      ].map((host) => fullHost(host, service.namespace, mesh.config.shortNameDomain)),
    ),
  ];
  const touchesHost = (host: string) => named.some((pattern) => hostMatches(pattern, host));
  return {
    ...before,
    composed: without(before.composed, reach),
    ambient: without(before.ambient, reach),
    inbound: without(before.inbound, reach),
    edgesTo: keptEdges(mesh, before.edgesTo, reach, touchesHost),
    partition: both('destinationRules').length > 0 ? undefined : before.partition,
  };
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

function keptEdges(
  mesh: Mesh,
  answers: ReadonlyMap<string, readonly ClassEdge[]>,
  reach: Reach,
  touchesHost: (host: string) => boolean,
): Map<string, readonly ClassEdge[]> {
  if (reach.everything) return new Map();
  const kept = new Map<string, readonly ClassEdge[]>();
  const inReach = (host: string) => {
    const known = mesh.hosts.get(host);
    // A ServiceEntry's endpoints have labels of their own, which policies select.
    return known !== undefined && (reach.namespaces.has(known.namespace) || known.entry !== undefined);
  };
  for (const [host, edges] of answers) {
    if (touchesHost(host) || inReach(host)) continue;
    const touched = edges.some(
      ({ server, routedHost }) =>
        (server !== undefined && reach.workloads.has(server)) ||
        (routedHost !== undefined && (touchesHost(routedHost) || inReach(routedHost))),
    );
    if (!touched) kept.set(host, edges);
  }
  return kept;
}
