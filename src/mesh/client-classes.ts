/**
 * Clients that fare alike towards one host. Their number depends on the rules that name the host, not on the size of the mesh:
 * edges by class are linear where edges by pair of workloads would be quadratic.
 */
import { captureAnnotations } from '../istio/capture.ts';
import { findDestinationRules } from '../istio/destination-rule-lookup.ts';
import type { StringMap } from '../istio/fields.ts';
import { fullHost, hostMatches, isWildcard } from '../istio/hostname.ts';
import { compare } from '../istio/metadata.ts';
import { matchesLabels } from '../istio/selector.ts';
import { sidecarOf } from './client-sidecar.ts';
import type { ControlPlane } from './control-plane.ts';
import type { MeshHost } from './host.ts';
import { controlPlaneOf, type Mesh } from './mesh.ts';
import { mayRoute } from './routes.ts';
import type { Workload } from './workload.ts';

export interface ClientClass {
  /** One of the clients, to speak for all. */
  readonly representative: Workload;
  readonly size: number;
  readonly clients: readonly Workload[];
}

/** Clients that differ in their namespace and labels only. */
export interface ClientProfile {
  readonly revision: string;
  readonly workloads: readonly Workload[];
  readonly byNamespace: ReadonlyMap<string, readonly Workload[]>;
  /** Those outside some namespaces; asked for again and again with the same few. */
  readonly others: Map<string, readonly Workload[]>;
}

/** All clients of a mesh, and where their namespaces matter. Made once for a mesh and its policies. */
export interface ClientPartition {
  readonly profiles: readonly ClientProfile[];
  /** Namespaces whose own DestinationRules name a host; those under wildcards apart. */
  readonly ruleNamespaces: ReadonlyMap<string, readonly string[]>;
  readonly wildcardRules: readonly { readonly host: string; readonly namespace: string }[];
}

const outboundAnnotations: readonly string[] = [
  captureAnnotations.excludeOutbound,
  captureAnnotations.includeOutbound,
  captureAnnotations.excludeRanges,
  captureAnnotations.includeRanges,
  captureAnnotations.interception,
];

export function clientPartition(mesh: Mesh): ClientPartition {
  const { memo } = mesh.index;
  memo.partition ??= makePartition(mesh);
  return memo.partition;
}

function makePartition(mesh: Mesh): ClientPartition {
  const byProfile = Map.groupBy(mesh.workloads, (workload) => profileKey(mesh, workload));
  const profiles = [...byProfile.values()].map(
    (workloads): ClientProfile => ({
      revision: workloads[0]?.revision ?? 'default',
      workloads,
      byNamespace: Map.groupBy(workloads, (workload) => workload.namespace),
      others: new Map(),
    }),
  );
  const ruleNamespaces = new Map<string, string[]>();
  const wildcardRules: { host: string; namespace: string }[] = [];
  for (const rule of mesh.destinationRules) {
    const host = fullHost(rule.host, rule.namespace, mesh.config.shortNameDomain);
    if (isWildcard(host)) wildcardRules.push({ host, namespace: rule.namespace });
    else {
      const list = ruleNamespaces.get(host);
      if (list === undefined) ruleNamespaces.set(host, [rule.namespace]);
      else list.push(rule.namespace);
    }
  }
  return { profiles, ruleNamespaces, wildcardRules };
}

/** What a client's answers depend on besides its namespace and its labels. */
function profileKey(mesh: Mesh, workload: Workload): string {
  const parts: string[] = [workload.dataplane, workload.revision];
  if (workload.dataplane === 'sidecar') {
    for (const name of outboundAnnotations) parts.push(workload.annotations[name] ?? '\u0001');
    const sidecar = sidecarOf(controlPlaneOf(mesh, workload.revision), workload);
    parts.push(sidecar === undefined ? '' : `${sidecar.namespace}/${sidecar.name}`);
  }
  // A gateway's routes hang on its labels and are few.
  if (workload.dataplane === 'gateway') parts.push(workload.id);
  return parts.join('\u0000');
}

/** Every client of a host, in classes that differ in nothing that the host's edges look at. */
export function clientClasses(mesh: Mesh, host: string): readonly ClientClass[] {
  const called = mesh.hosts.get(host);
  if (called === undefined) return [];
  const partition = clientPartition(mesh);
  const classes: ClientClass[] = [];
  for (const profile of partition.profiles) {
    const plane = controlPlaneOf(mesh, profile.revision);
    const matters = mattersFor(mesh, partition, plane, called);
    for (const namespace of matters.namespaces) {
      const workloads = profile.byNamespace.get(namespace);
      if (workloads !== undefined) split(workloads, matters.selectors(namespace), classes);
    }
    const others = othersOf(profile, matters.namespaces);
    if (others.length > 0) split(others, matters.selectors(undefined), classes);
  }
  return classes;
}

interface Matters {
  /** Namespaces whose clients may fare differently, sorted. */
  readonly namespaces: readonly string[];
  /** Selectors over clients' labels that some rule for the host holds, for clients of a namespace. */
  readonly selectors: (namespace: string | undefined) => readonly StringMap[];
}

function mattersFor(mesh: Mesh, partition: ClientPartition, plane: ControlPlane, called: MeshHost): Matters {
  const namespaces = new Set<string>();
  const sources: StringMap[] = [];
  const hosts = routedHosts(plane, called, namespaces, sources);
  for (const host of hosts) addRuleNamespaces(mesh, partition, plane, host, namespaces);
  // Words that stand for namespaces: everywhere, the owner's own, nowhere.
  for (const word of ['*', '.', '~']) namespaces.delete(word);
  return {
    namespaces: [...namespaces].sort(compare),
    selectors: (namespace) => [
      ...sources,
      ...(namespace === undefined ? [] : ruleSelectors(mesh, plane, hosts, namespace)),
    ],
  };
}

/** The host and those that VirtualServices send its calls to; notes the namespaces and client labels that these look at. */
function routedHosts(
  plane: ControlPlane,
  called: MeshHost,
  namespaces: Set<string>,
  sources: StringMap[],
): ReadonlySet<string> {
  const hosts = new Set([called.host, ...(called.aliasOf === undefined ? [] : [called.aliasOf])]);
  for (const service of plane.virtualServices) {
    if (!mayRoute(plane, service, called.host) && !mayRoute(plane, service, called.aliasOf ?? called.host))
      continue;
    for (const name of [service.namespace, ...service.exportTo]) namespaces.add(name);
    for (const route of [...service.http, ...service.tcp, ...service.tls]) {
      for (const source of route.sources) {
        if (source.namespace !== '') namespaces.add(source.namespace);
        sources.push(source.labels);
      }
      for (const { host } of route.destinations) {
        hosts.add(fullHost(host, service.namespace, plane.config.shortNameDomain));
      }
    }
  }
  return hosts;
}

/** Namespaces whose clients may see the host, or its rules, otherwise than the rest. */
function addRuleNamespaces(
  mesh: Mesh,
  partition: ClientPartition,
  plane: ControlPlane,
  host: string,
  namespaces: Set<string>,
): void {
  for (const namespace of namespacesWithRules(partition, host)) namespaces.add(namespace);
  const target = mesh.hosts.get(host);
  if (target === undefined) return;
  const exportTo = target.exportTo ?? plane.config.defaultServiceExportTo;
  // A Sidecar resource may import its own namespace by `./*`.
  if (!exportTo.includes('*') || plane.sidecars.size > 0) namespaces.add(target.namespace);
  for (const name of exportTo) namespaces.add(name);
  for (const namespace of [target.namespace, plane.config.rootNamespace]) {
    const rules = plane.rules.byNamespace.get(namespace)?.exported.closest(host)?.entry ?? [];
    for (const rule of rules) for (const name of rule.exportTo) namespaces.add(name);
  }
}

function* namespacesWithRules(partition: ClientPartition, host: string): Generator<string> {
  yield* partition.ruleNamespaces.get(host) ?? [];
  for (const rule of partition.wildcardRules) if (hostMatches(rule.host, host)) yield rule.namespace;
}

/** The workload selectors of the rules that clients of a namespace may use for the hosts. */
function ruleSelectors(
  mesh: Mesh,
  plane: ControlPlane,
  hosts: Iterable<string>,
  namespace: string,
): readonly StringMap[] {
  const selectors: StringMap[] = [];
  for (const host of hosts) {
    const target = mesh.hosts.get(host);
    const found = findDestinationRules(plane.rules, host, target?.namespace ?? '', namespace);
    for (const rule of found?.rules ?? []) if (rule.selector !== undefined) selectors.push(rule.selector);
  }
  return selectors;
}

/** Sorts workloads by which of the selectors match them; without selectors they are one class. */
function split(workloads: readonly Workload[], selectors: readonly StringMap[], into: ClientClass[]): void {
  const groups =
    selectors.length === 0
      ? [workloads]
      : Map.groupBy(workloads, (workload) =>
          selectors.map((selector) => (matchesLabels(selector, workload.labels) ? '1' : '0')).join(''),
        ).values();
  for (const clients of groups) {
    const [representative] = clients;
    if (representative !== undefined) into.push({ representative, size: clients.length, clients });
  }
}

/** The profile's clients outside the namespaces that matter. */
function othersOf(profile: ClientProfile, namespaces: readonly string[]): readonly Workload[] {
  const present = namespaces.filter((namespace) => profile.byNamespace.has(namespace));
  const key = present.join(',');
  let others = profile.others.get(key);
  if (others === undefined) {
    const apart = new Set(present);
    others = profile.workloads.filter((workload) => !apart.has(workload.namespace));
    profile.others.set(key, others);
  }
  return others;
}
