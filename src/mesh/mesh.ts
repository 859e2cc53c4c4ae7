/** A Mesh: a Snapshot parsed once and indexed, ready for questions. Nothing here decides; it finds. */
import type { AuthorizationPolicy } from '../istio/authorization-policy.ts';
import type { DestinationRule } from '../istio/destination-rule.ts';
import type { PolicyIndex } from '../istio/effective-mode.ts';
import type { FieldProblem, StringMap } from '../istio/fields.ts';
import { noStrings } from '../istio/fields.ts';
import type { Gateway } from '../istio/gateway.ts';
import type { ObjectRef } from '../istio/kubernetes.ts';
import type { MeshConfig } from '../istio/mesh-config.ts';
import { byCreation } from '../istio/metadata.ts';
import type { Namespace } from '../istio/namespace.ts';
import type { PeerAuthentication } from '../istio/peer-authentication.ts';
import type { Service } from '../istio/service.ts';
import type { ServiceEntry, WorkloadEntry } from '../istio/service-entry.ts';
import type { SidecarResource } from '../istio/sidecar-resource.ts';
import type { VirtualService } from '../istio/virtual-service.ts';
import { clusterDomainOf } from './cluster-domain.ts';
import { type ControlPlane, configFor, controlPlane } from './control-plane.ts';
import { groupPods, numbered, volatileLabels } from './group-pods.ts';
import { hostOfService, hostsOfEntry, type MeshHost } from './host.ts';
import { LabelIndex } from './label-index.ts';
import { emptyMemo, type Memo } from './memo.ts';
import { type Inventory, type Policies, type ReadObjects, readObjects } from './read-objects.ts';
import type { Origin, Snapshot } from './snapshot.ts';
import type { Workload } from './workload.ts';
import { workloadOfEntry } from './workload-entry.ts';

/** A parsed object and where it was read. */
export type Read<Parsed> = Parsed & { readonly origin: Origin };

/** A field that could not be used as it stands, in one object. */
export interface ObjectProblem extends FieldProblem {
  readonly resource: ObjectRef;
  readonly origin: Origin;
}

/** An endpoint of a service port: alike pods of one workload, or one address that is no known pod. */
export interface ServicePortEndpoint {
  /** Who really answers at the address, when it is known. */
  readonly workload?: Workload;
  /** Names of the workload's pods that are endpoints here; empty for a workload known by its template. */
  readonly pods: readonly string[];
  /** For endpoints outside the known workloads. */
  readonly address?: string;
  readonly targetPort: number;
  readonly ready: boolean;
  /** The endpoint as clients know it: namespace and labels that policies are matched against, and what it says of mutual TLS. */
  readonly namespace: string;
  readonly labels: StringMap;
  readonly tlsMode: string;
}

export interface Mesh {
  readonly snapshot: Snapshot;
  /** Mesh config of the default revision. */
  readonly config: MeshConfig;
  readonly configs: readonly MeshConfig[];
  readonly namespaces: ReadonlyMap<string, Read<Namespace>>;
  /** By namespace, kind, name and variant. */
  readonly workloads: readonly Workload[];
  readonly workloadsByNamespace: ReadonlyMap<string, readonly Workload[]>;
  readonly services: readonly Read<Service>[];
  /** Services and ServiceEntries by host name. */
  readonly hosts: ReadonlyMap<string, MeshHost>;
  readonly serviceEntries: readonly Read<ServiceEntry>[];
  readonly workloadEntries: readonly Read<WorkloadEntry>[];
  readonly peerAuthentications: readonly Read<PeerAuthentication>[];
  /** Policies by level, as the default revision reads them. */
  readonly policies: PolicyIndex<Read<PeerAuthentication>>;
  readonly destinationRules: readonly Read<DestinationRule>[];
  readonly virtualServices: readonly Read<VirtualService>[];
  readonly sidecars: readonly Read<SidecarResource>[];
  readonly authorizationPolicies: readonly Read<AuthorizationPolicy>[];
  readonly gateways: readonly Read<Gateway>[];
  /** What the parsers could not read. */
  readonly problems: readonly ObjectProblem[];
  /** Everything that is worked out from the fields above; only mesh/ looks into it. */
  readonly index: MeshIndex;
}

/** Look-ups that follow from the inventory, and answers that were already given. */
export interface MeshIndex {
  readonly objects: ReadObjects;
  /** The policies of each revision that serves some proxy; made when first asked for. */
  readonly controlPlanes: Map<string, ControlPlane>;
  /** By namespace and pod name. */
  readonly workloadByPod: ReadonlyMap<string, ReadonlyMap<string, Workload>>;
  /** Endpoint slices by `NAMESPACE/SERVICE`. */
  readonly slices: ReadonlyMap<string, Inventory['endpointSlices']>;
  /** Services with a selector, by namespace. */
  readonly servicesBySelector: ReadonlyMap<string, LabelIndex<Read<Service>>>;
  readonly memo: Memo;
}

/** Parses and indexes a snapshot, in time and memory linear in its size. Never throws, whatever the objects hold. */
export function buildMesh(snapshot: Snapshot): Mesh {
  const objects = readObjects(snapshot.objects);
  const { inventory } = objects;
  const problems = [...objects.problems];
  const namespaces = new Map(inventory.namespaces.map((namespace) => [namespace.name, namespace]));
  const workloads = numbered([
    ...groupPods({ ...inventory, namespaces, selectedLabels: selectedLabels(objects) }, problems),
    ...inventory.workloadEntries.map((entry) => workloadOfEntry(entry)),
  ]);
  const domain = clusterDomainOf(workloads);
  const configs = inventory.meshConfigs.map((read) => ({ ...read, ...domain }));
  const config = { ...configFor(configs, 'default'), ...domain };
  const hosts = indexHosts(inventory, config.clusterDomain);
  const services = [...inventory.services].sort(byCreation);
  const plane = defaultPlane(objects.policies, config, namespaces);
  return {
    snapshot,
    config,
    configs,
    namespaces,
    workloads,
    workloadsByNamespace: Map.groupBy(workloads, (workload) => workload.namespace),
    services,
    hosts,
    serviceEntries: inventory.serviceEntries,
    workloadEntries: inventory.workloadEntries,
    ...objects.policies,
    policies: plane.policies,
    problems,
    index: {
      objects,
      controlPlanes: new Map([[plane.revision, plane]]),
      workloadByPod: indexPods(workloads),
      slices: Map.groupBy(inventory.endpointSlices, (slice) => `${slice.namespace}/${slice.service}`),
      servicesBySelector: indexSelectors(services),
      memo: emptyMemo(),
    },
  };
}

/** The default revision's control plane: the one that every mesh has. */
export function defaultPlane(
  policies: Policies,
  config: MeshConfig,
  namespaces: ReadonlyMap<string, Namespace>,
): ControlPlane {
  return controlPlane('default', config, policies, (name) => namespaces.get(name)?.labels ?? noStrings);
}

/** The control plane that serves proxies of a revision. */
export function controlPlaneOf(mesh: Mesh, revision: string): ControlPlane {
  const { controlPlanes, objects } = mesh.index;
  const present = controlPlanes.get(revision);
  if (present !== undefined) return present;
  const labels = (name: string) => mesh.namespaces.get(name)?.labels ?? noStrings;
  const { clusterDomain, shortNameDomain } = mesh.config;
  const config = { ...configFor(mesh.configs, revision), clusterDomain, shortNameDomain };
  const made = controlPlane(revision, config, objects.policies, labels);
  controlPlanes.set(revision, made);
  return made;
}

function indexHosts(inventory: Inventory, clusterDomain: string): ReadonlyMap<string, MeshHost> {
  const hosts = new Map<string, MeshHost>();
  for (const service of inventory.services) {
    const host = hostOfService(service, clusterDomain);
    hosts.set(host.host, host);
  }
  for (const entry of [...inventory.serviceEntries].sort(byCreation)) {
    for (const host of hostsOfEntry(entry)) if (!hosts.has(host.host)) hosts.set(host.host, host);
  }
  return hosts;
}

function indexPods(workloads: readonly Workload[]): ReadonlyMap<string, ReadonlyMap<string, Workload>> {
  const byNamespace = new Map<string, Map<string, Workload>>();
  for (const workload of workloads) {
    if (workload.kind === 'WorkloadEntry') continue;
    let byName = byNamespace.get(workload.namespace);
    if (byName === undefined) {
      byName = new Map();
      byNamespace.set(workload.namespace, byName);
    }
    for (const pod of workload.pods) byName.set(pod.name, workload);
  }
  return byNamespace;
}

/** Services of each namespace under their selectors, oldest first. `services` is sorted already. */
function indexSelectors(services: readonly Read<Service>[]): ReadonlyMap<string, LabelIndex<Read<Service>>> {
  const byNamespace = new Map<string, LabelIndex<Read<Service>>>();
  for (const service of services) {
    if (service.selector === undefined) continue;
    let index = byNamespace.get(service.namespace);
    if (index === undefined) {
      index = new LabelIndex();
      byNamespace.set(service.namespace, index);
    }
    index.add(service.selector, service);
  }
  return byNamespace;
}

/** Those of the labels in which one workload's pods differ that some selector asks for. */
function selectedLabels({ policies, inventory }: ReadObjects): ReadonlySet<string> {
  const selected = new Set<string>();
  const add = (selector: StringMap | undefined) => {
    for (const label in selector) if (volatileLabels.has(label)) selected.add(label);
  };
  for (const service of inventory.services) add(service.selector);
  for (const entry of inventory.serviceEntries) add(entry.selector.labels);
  for (const selector of policySelectors(policies)) add(selector);
  return selected;
}

/** Every selector over pods that the policies hold. */
export function* policySelectors(policies: Policies): Generator<StringMap> {
  const { peerAuthentications, authorizationPolicies, sidecars, destinationRules } = policies;
  for (const { selector } of [
    ...peerAuthentications,
    ...authorizationPolicies,
    ...sidecars,
    ...destinationRules,
  ]) {
    if (selector.labels !== undefined) yield selector.labels;
  }
  for (const rule of destinationRules) for (const subset of rule.subsets) yield subset.labels;
  for (const service of policies.virtualServices) {
    for (const route of [...service.http, ...service.tcp, ...service.tls]) {
      for (const source of route.sources) yield source.labels;
    }
  }
  for (const gateway of policies.gateways) yield gateway.selector;
}

/** Workloads of the given namespaces, or all. */
export function workloads(mesh: Mesh, namespaces?: readonly string[]): readonly Workload[] {
  return namespaces === undefined
    ? mesh.workloads
    : mesh.workloads.filter((workload) => namespaces.includes(workload.namespace));
}

export function namespaceLabels(mesh: Mesh, namespace: string): StringMap {
  return mesh.namespaces.get(namespace)?.labels ?? noStrings;
}
