/** Everything that istiod knows at one moment, indexed for the generation of configuration. */
import type { DestinationRule } from '../../../istio/destination-rule.ts';
import { parseDestinationRule } from '../../../istio/destination-rule.ts';
import { type EndpointSlice, parseEndpointSlice } from '../../../istio/endpoint-slice.ts';
import type { KubeObject } from '../../../istio/kubernetes.ts';
import { defaultMeshConfig, type MeshConfig, parseMeshConfig } from '../../../istio/mesh-config.ts';
import { byCreation, type Parsed } from '../../../istio/metadata.ts';
import { type Namespace, parseNamespace } from '../../../istio/namespace.ts';
import { type PeerAuthentication, parsePeerAuthentication } from '../../../istio/peer-authentication.ts';
import { type Pod, parsePod } from '../../../istio/pod.ts';
import { parseService } from '../../../istio/service.ts';
import { parseServiceEntry, parseWorkloadEntry, type WorkloadEntry } from '../../../istio/service-entry.ts';
import { parseSidecar, type SidecarResource } from '../../../istio/sidecar-resource.ts';
import { buildDestinationRuleIndex, type DestinationRuleIndex } from '../policy/destination-rule-index.ts';
import { memoize } from './memo.ts';
import { fromKubernetes, fromServiceEntry, type MeshService } from './mesh-service.ts';

export interface MeshModel {
  readonly config: MeshConfig;
  readonly namespaces: ReadonlyMap<string, Namespace>;
  /** Oldest first, then by host. */
  readonly services: readonly MeshService[];
  readonly servicesByHost: ReadonlyMap<string, MeshService>;
  readonly podsByIp: ReadonlyMap<string, Pod>;
  readonly pods: readonly Pod[];
  /** By `NAMESPACE/SERVICE`. */
  readonly slices: ReadonlyMap<string, readonly EndpointSlice[]>;
  readonly workloadEntries: readonly WorkloadEntry[];
  /** By namespace, oldest first. */
  readonly peerAuthentications: ReadonlyMap<string, readonly PeerAuthentication[]>;
  readonly destinationRules: DestinationRuleIndex;
  /** By namespace, oldest first. */
  readonly sidecars: ReadonlyMap<string, readonly SidecarResource[]>;
  /** As they are; their routes are read where they are built. Oldest first. */
  readonly virtualServices: readonly KubeObject[];
  /** By namespace, oldest first. */
  readonly telemetries: ReadonlyMap<string, readonly KubeObject[]>;
  /** By namespace, in the order in which they were made. */
  readonly authorizationPolicies: ReadonlyMap<string, readonly KubeObject[]>;
}

/** The resources that a model is made of. */
export const watchedResources = [
  'configmaps',
  'namespaces',
  'pods',
  'services',
  'endpointslices.discovery.k8s.io',
  'peerauthentications.security.istio.io',
  'authorizationpolicies.security.istio.io',
  'destinationrules.networking.istio.io',
  'virtualservices.networking.istio.io',
  'serviceentries.networking.istio.io',
  'workloadentries.networking.istio.io',
  'sidecars.networking.istio.io',
  'telemetries.telemetry.istio.io',
] as const;

const parsers = {
  service: memoize(parseService),
  pod: memoize(parsePod),
  slice: memoize(parseEndpointSlice),
  namespace: memoize(parseNamespace),
  peerAuthentication: memoize(parsePeerAuthentication),
  destinationRule: memoize(parseDestinationRule),
  serviceEntry: memoize(parseServiceEntry),
  workloadEntry: memoize(parseWorkloadEntry),
  sidecar: memoize(parseSidecar),
  meshConfig: memoize(parseMeshConfig),
};

/** The revision that this istiod is; it reads what is labelled for it, or for none. */
const revision = 'default';

/**
 * @param objects everything in the cluster that istiod may read; other kinds are passed over.
 * @param shortNameDomain what rules' short host names are completed with, where it is not the cluster's domain.
 */
export function buildMeshModel(objects: Iterable<KubeObject>, shortNameDomain?: string): MeshModel {
  const byKind = new Map<string, KubeObject[]>();
  for (const object of objects) {
    const list = byKind.get(object.kind);
    if (list === undefined) byKind.set(object.kind, [object]);
    else list.push(object);
  }
  const all = <T>(kind: string, parse: (object: KubeObject) => T): T[] => (byKind.get(kind) ?? []).map(parse);
  const read = readConfig(byKind.get('ConfigMap') ?? []);
  const config: MeshConfig = shortNameDomain === undefined ? read : { ...read, shortNameDomain };
  const own = <T extends Parsed>(list: readonly T[]): T[] => list.filter(isRead).sort(byCreation);
  const services = collectServices(
    [
      ...all('Service', parsers.service).map((service) => fromKubernetes(service, config)),
      ...own(all('ServiceEntry', parsers.serviceEntry)).flatMap((entry) => fromServiceEntry(entry, config)),
    ].filter((service) => service !== undefined),
  );
  const pods = all('Pod', parsers.pod);
  return {
    config,
    namespaces: new Map(all('Namespace', parsers.namespace).map((namespace) => [namespace.name, namespace])),
    services,
    servicesByHost: new Map(services.map((service) => [service.host, service])),
    pods,
    podsByIp: indexPods(pods),
    slices: group(all('EndpointSlice', parsers.slice), ({ namespace, service }) => `${namespace}/${service}`),
    workloadEntries: own(all('WorkloadEntry', parsers.workloadEntry)),
    peerAuthentications: group(own(all('PeerAuthentication', parsers.peerAuthentication)), namespaceOf),
    destinationRules: buildDestinationRuleIndex(
      own<DestinationRule>(all('DestinationRule', parsers.destinationRule)),
      config,
    ),
    sidecars: group(own(all('Sidecar', parsers.sidecar)), namespaceOf),
    virtualServices: rawByAge(byKind.get('VirtualService') ?? []),
    telemetries: group(rawByAge(byKind.get('Telemetry') ?? []), rawNamespaceOf),
    authorizationPolicies: group(rawByAge(byKind.get('AuthorizationPolicy') ?? []), rawNamespaceOf),
  };
}

function readConfig(configMaps: readonly KubeObject[]): MeshConfig {
  const found = configMaps.filter((map) => map.metadata.name === 'istio' && map.data !== undefined);
  const object = found.find((map) => map.metadata.namespace === defaultMeshConfig.rootNamespace) ?? found[0];
  return object === undefined ? defaultMeshConfig : parsers.meshConfig(object);
}

function isRead({ labels }: Parsed): boolean {
  const wanted = labels['istio.io/rev'];
  return wanted === undefined || wanted === revision;
}

function rawByAge(objects: readonly KubeObject[]): readonly KubeObject[] {
  const age = (object: KubeObject): number => Date.parse(object.metadata.creationTimestamp ?? '') || 0;
  const key = ({ metadata }: KubeObject): string => `${metadata.name}\0${metadata.namespace ?? ''}`;
  return objects
    .filter(({ metadata }) => {
      const wanted = metadata.labels?.['istio.io/rev'];
      return wanted === undefined || wanted === revision;
    })
    .sort((a, b) => age(a) - age(b) || (key(a) < key(b) ? -1 : 1));
}

function rawNamespaceOf({ metadata }: KubeObject): string {
  return metadata.namespace ?? 'default';
}

function namespaceOf({ namespace }: Parsed): string {
  return namespace;
}

/** Oldest first; where two claim a host the oldest has it. */
function collectServices(services: readonly MeshService[]): readonly MeshService[] {
  const sorted = [...services].sort((a, b) => a.createdAt - b.createdAt || (a.host < b.host ? -1 : 1));
  const seen = new Set<string>();
  return sorted.filter(({ host, kind, namespace }) => {
    const key = kind === 'Service' ? host : `${namespace}/${host}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

function indexPods(pods: readonly Pod[]): ReadonlyMap<string, Pod> {
  const byIp = new Map<string, Pod>();
  for (const pod of pods) {
    // Pods of the host network share an address that is not theirs.
    if (pod.hostNetwork || pod.phase === 'Succeeded' || pod.phase === 'Failed') continue;
    for (const ip of pod.ips) byIp.set(ip, pod);
  }
  return byIp;
}

function group<T>(items: readonly T[], key: (item: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const name = key(item);
    const list = groups.get(name);
    if (list === undefined) groups.set(name, [item]);
    else list.push(item);
  }
  return groups;
}
