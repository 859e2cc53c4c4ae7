/** Sorts a snapshot's objects by kind and parses each once. Kinds that Padlock does not use are passed over. */

import { type AuthorizationPolicy, parseAuthorizationPolicy } from '../istio/authorization-policy.ts';
import { type DestinationRule, parseDestinationRule } from '../istio/destination-rule.ts';
import { type EndpointSlice, parseEndpointSlice } from '../istio/endpoint-slice.ts';
import { keyText } from '../istio/fields.ts';
import { type Gateway, parseGateway } from '../istio/gateway.ts';
import type { KubeObject } from '../istio/kubernetes.ts';
import { type MeshConfig, meshConfigRevision, parseMeshConfig } from '../istio/mesh-config.ts';
import type { Parsed } from '../istio/metadata.ts';
import { type Namespace, parseNamespace } from '../istio/namespace.ts';
import { type PeerAuthentication, parsePeerAuthentication } from '../istio/peer-authentication.ts';
import { parseService, type Service } from '../istio/service.ts';
import {
  parseServiceEntry,
  parseWorkloadEntry,
  type ServiceEntry,
  type WorkloadEntry,
} from '../istio/service-entry.ts';
import { parseSidecar, type SidecarResource } from '../istio/sidecar-resource.ts';
import { parseVirtualService, type VirtualService } from '../istio/virtual-service.ts';
import type { ObjectProblem, Read } from './mesh.ts';
import type { Origin, SnapshotObject } from './snapshot.ts';

/** Objects whose pod template stands for their pods when no pod was read. */
export const templateKinds: ReadonlySet<string> = new Set([
  'Deployment',
  'StatefulSet',
  'DaemonSet',
  'ReplicaSet',
  'ReplicationController',
  'Job',
  'CronJob',
  'Rollout',
  'DeploymentConfig',
]);

/** The kinds that a policy change touches; everything else is the mesh's inventory. */
export interface Policies {
  readonly peerAuthentications: readonly Read<PeerAuthentication>[];
  readonly destinationRules: readonly Read<DestinationRule>[];
  readonly virtualServices: readonly Read<VirtualService>[];
  readonly sidecars: readonly Read<SidecarResource>[];
  readonly authorizationPolicies: readonly Read<AuthorizationPolicy>[];
  readonly gateways: readonly Read<Gateway>[];
}

export interface Inventory {
  readonly namespaces: readonly Read<Namespace>[];
  readonly services: readonly Read<Service>[];
  readonly endpointSlices: readonly Read<EndpointSlice>[];
  readonly serviceEntries: readonly Read<ServiceEntry>[];
  readonly workloadEntries: readonly Read<WorkloadEntry>[];
  readonly meshConfigs: readonly MeshConfig[];
  /** Not parsed yet: pods are many and alike. */
  readonly pods: readonly SnapshotObject[];
  readonly templates: readonly SnapshotObject[];
}

export interface ReadObjects {
  readonly policies: Policies;
  readonly inventory: Inventory;
  readonly problems: readonly ObjectProblem[];
}

type Mutable<Type> = {
  -readonly [Key in keyof Type]: Type[Key] extends readonly (infer Item)[] ? Item[] : Type[Key];
};

const policyKinds: ReadonlySet<string> = new Set([
  'security.istio.io/PeerAuthentication',
  'networking.istio.io/DestinationRule',
  'networking.istio.io/VirtualService',
  'networking.istio.io/Sidecar',
  'security.istio.io/AuthorizationPolicy',
  'networking.istio.io/Gateway',
]);

/** `GROUP/KIND`: the version does not matter, the group does (a Service of another group is no Service). */
export function groupKind({ apiVersion, kind }: KubeObject): string {
  let byKind = groupKinds.get(apiVersion);
  if (byKind === undefined) {
    byKind = new Map();
    groupKinds.set(apiVersion, byKind);
  }
  let name = byKind.get(kind);
  if (name === undefined) {
    const slash = typeof apiVersion === 'string' ? apiVersion.lastIndexOf('/') : -1;
    name = `${slash > 0 ? apiVersion.slice(0, slash) : ''}/${keyText(kind)}`;
    if (groupKinds.size < 200 && byKind.size < 200) byKind.set(kind, name);
  }
  return name;
}

/** A cluster has few kinds and many objects: their names are put together once. */
const groupKinds = new Map<string, Map<string, string>>();

export function isPolicyKind(object: KubeObject): boolean {
  return policyKinds.has(groupKind(object));
}

/** Parses objects of the policy kinds; the rest is passed over. */
export function readPolicies(objects: readonly SnapshotObject[], problems: ObjectProblem[]): Policies {
  const policies: Mutable<Policies> = {
    peerAuthentications: [],
    destinationRules: [],
    virtualServices: [],
    sidecars: [],
    authorizationPolicies: [],
    gateways: [],
  };
  for (const { object, origin } of objects) {
    const add = <Type extends Parsed>(list: Read<Type>[], parsed: Type) =>
      list.push(withOrigin(parsed, origin, problems));
    switch (groupKind(object)) {
      case 'security.istio.io/PeerAuthentication':
        add(policies.peerAuthentications, parsePeerAuthentication(object));
        break;
      case 'networking.istio.io/DestinationRule':
        add(policies.destinationRules, parseDestinationRule(object));
        break;
      case 'networking.istio.io/VirtualService':
        add(policies.virtualServices, parseVirtualService(object));
        break;
      case 'networking.istio.io/Sidecar':
        add(policies.sidecars, parseSidecar(object));
        break;
      case 'security.istio.io/AuthorizationPolicy':
        add(policies.authorizationPolicies, parseAuthorizationPolicy(object));
        break;
      case 'networking.istio.io/Gateway':
        add(policies.gateways, parseGateway(object));
        break;
    }
  }
  return policies;
}

function withOrigin<Type extends Parsed>(
  parsed: Type,
  origin: Origin,
  problems: ObjectProblem[],
): Read<Type> {
  for (const problem of parsed.problems) problems.push({ ...problem, resource: parsed.ref, origin });
  return { ...parsed, origin };
}

function readInventory(objects: readonly SnapshotObject[], problems: ObjectProblem[]): Inventory {
  const inventory: Mutable<Inventory> = {
    namespaces: [],
    services: [],
    endpointSlices: [],
    serviceEntries: [],
    workloadEntries: [],
    meshConfigs: [],
    pods: [],
    templates: [],
  };
  for (const item of objects) {
    const { object, origin } = item;
    const add = <Type extends Parsed>(list: Read<Type>[], parsed: Type) =>
      list.push(withOrigin(parsed, origin, problems));
    switch (groupKind(object)) {
      case '/Pod':
        inventory.pods.push(item);
        break;
      case '/Namespace':
        add(inventory.namespaces, parseNamespace(object));
        break;
      case '/Service':
        add(inventory.services, parseService(object));
        break;
      case 'discovery.k8s.io/EndpointSlice':
        add(inventory.endpointSlices, parseEndpointSlice(object));
        break;
      case 'networking.istio.io/ServiceEntry':
        add(inventory.serviceEntries, parseServiceEntry(object));
        break;
      case 'networking.istio.io/WorkloadEntry':
        add(inventory.workloadEntries, parseWorkloadEntry(object));
        break;
      case '/ConfigMap':
        if (meshConfigRevision(object) !== undefined) {
          const config = parseMeshConfig(object);
          const resource = config.ref ?? { kind: 'ConfigMap', name: 'istio' };
          for (const problem of config.problems) problems.push({ ...problem, resource, origin });
          inventory.meshConfigs.push(config);
        }
        break;
      default:
        if (templateKinds.has(object.kind)) inventory.templates.push(item);
    }
  }
  return inventory;
}

/** Two objects of one kind, namespace and name are one: the later one stands, as it would after `kubectl apply`. */
function withoutDuplicates(objects: readonly SnapshotObject[]): readonly SnapshotObject[] {
  const byKey = new Map<string, SnapshotObject>();
  for (const item of objects) byKey.set(objectKey(item.object), item);
  return byKey.size === objects.length ? objects : [...byKey.values()];
}

/** Names an object among all others; the same for every version of its API. */
export function objectKey(object: KubeObject): string {
  const meta: Partial<KubeObject['metadata']> = object.metadata ?? {};
  return `${groupKind(object)}/${keyText(meta.namespace ?? '')}/${keyText(meta.name ?? '')}`;
}

export function readObjects(objects: readonly SnapshotObject[]): ReadObjects {
  const distinct = withoutDuplicates(objects);
  const problems: ObjectProblem[] = [];
  const policies = readPolicies(distinct, problems);
  return { policies, inventory: readInventory(distinct, problems), problems };
}
