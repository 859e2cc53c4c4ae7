/** What a client's sidecar would send to each endpoint of a host, from its loaded clusters and endpoints. */
import { asObjects, asText, isObject, type JsonObject } from '../../sources/json-value.ts';
import type { EnvoyDump } from './config-dump.ts';
import { addressText, field, path } from './proto-json.ts';
import { type ClientSocket, clientSocket } from './transport-socket.ts';

export type Sends = 'istio-mtls' | 'plaintext' | 'tls' | 'unknown';

export interface OutboundEndpoint {
  /** `10.77.1.7:8080`; absent where the cluster holds one rule for all of its endpoints. */
  readonly address?: string;
  readonly sends: Sends;
  /** SPIFFE ids that the server must show; empty: none is checked. */
  readonly expectedServers: readonly string[];
  readonly health: string;
}

export interface OutboundCluster {
  readonly name: string;
  readonly type: string;
  readonly subset: string;
  /** `NAMESPACE/NAME` of the DestinationRule that istiod made the cluster by (istiod notes it in the metadata). */
  readonly destinationRule?: string;
  readonly endpoints: readonly OutboundEndpoint[];
  readonly notes: readonly string[];
}

/** The clusters for a host and Service port, one for each subset (`outbound|8000|v1|httpbin.secure-apps.svc.cluster.local`). */
export function outboundClusters(dump: EnvoyDump, host: string, port: number): readonly OutboundCluster[] {
  const { clusters } = indexOf(dump);
  return (clusters.get(`${host}:${port}`) ?? []).map(({ cluster, name, subset }) => {
    const rule = ruleOf(cluster);
    return {
      ...readCluster(dump, cluster, name, subset),
      ...(rule === undefined ? {} : { destinationRule: rule }),
    };
  });
}

interface NamedCluster {
  readonly cluster: JsonObject;
  readonly name: string;
  readonly subset: string;
}

interface Index {
  /** Outbound clusters by `HOST:PORT`. */
  readonly clusters: ReadonlyMap<string, readonly NamedCluster[]>;
  /** Endpoint assignments by the cluster's name. */
  readonly assignments: ReadonlyMap<string, readonly JsonObject[]>;
}

/** A dump holds a cluster for each Service port of the mesh, and is asked about as many: it is gone through once. */
const indexes = new WeakMap<EnvoyDump, Index>();

function indexOf(dump: EnvoyDump): Index {
  const known = indexes.get(dump);
  if (known !== undefined) return known;
  const named = dump.clusters.flatMap((cluster) => {
    const name = asText(field(cluster, 'name')) ?? '';
    const [direction, port, subset = '', host] = name.split('|');
    return direction === 'outbound' ? [{ cluster, name, subset, place: `${host}:${Number(port)}` }] : [];
  });
  const made: Index = {
    clusters: Map.groupBy(named, ({ place }) => place),
    assignments: Map.groupBy(dump.endpoints, (one) => asText(field(one, 'cluster_name')) ?? ''),
  };
  indexes.set(dump, made);
  return made;
}

/** `/apis/networking.istio.io/v1alpha3/namespaces/NS/destination-rule/NAME`. */
function ruleOf(cluster: JsonObject): string | undefined {
  const config = asText(path(cluster, 'metadata', 'filter_metadata', 'istio', 'config')) ?? '';
  const found = /\/namespaces\/([^/]+)\/destination-rule\/([^/]+)$/.exec(config);
  return found === null ? undefined : `${found[1]}/${found[2]}`;
}

function readCluster(dump: EnvoyDump, cluster: JsonObject, name: string, subset: string): OutboundCluster {
  const type = asText(field(cluster, 'type')) ?? asText(path(cluster, 'cluster_type', 'name')) ?? 'STATIC';
  const matches = asObjects(field(cluster, 'transport_socket_matches'));
  const fallback = clientSocket(field(cluster, 'transport_socket'));
  const notes: string[] = [];
  if (isObject(field(cluster, 'transport_socket_matcher'))) {
    notes.push('the cluster picks its transport socket by a matcher tree (xds.type.matcher)');
    return { name, type, subset, endpoints: [endpointOf({ kind: 'unknown', name: 'matcher' })], notes };
  }
  if (type === 'ORIGINAL_DST' || (matches.length === 0 && !dump.hasEndpoints)) {
    return { name, type, subset, endpoints: [endpointOf(fallback)], notes };
  }
  const hosts = endpointsOf(dump, cluster, name);
  if (hosts.length === 0 && !dump.hasEndpoints) {
    notes.push('the dump has no endpoints (config_dump?include_eds), so what each one is sent is not known');
    return { name, type, subset, endpoints: [endpointOf({ kind: 'unknown', name: 'endpoint' })], notes };
  }
  const endpoints = hosts.map((host) => ({
    ...endpointOf(socketFor(host.criteria, matches, fallback)),
    address: host.address,
    health: host.health,
  }));
  return { name, type, subset, endpoints, notes };
}

function endpointOf(socket: ClientSocket): OutboundEndpoint {
  switch (socket.kind) {
    case 'raw':
      return { sends: 'plaintext', expectedServers: [], health: '' };
    case 'unknown':
      return { sends: 'unknown', expectedServers: [], health: '' };
    case 'tls':
      return {
        sends: socket.meshIdentity ? 'istio-mtls' : 'tls',
        expectedServers: socket.expectedServers,
        health: '',
      };
  }
}

/** The first match all of whose labels the endpoint carries; else the cluster's own socket. */
function socketFor(
  criteria: JsonObject,
  matches: readonly JsonObject[],
  fallback: ClientSocket,
): ClientSocket {
  const found = matches.find((entry) => {
    const wanted = field(entry, 'match');
    return Object.entries(isObject(wanted) ? wanted : {}).every(([key, value]) => criteria[key] === value);
  });
  return found === undefined ? fallback : clientSocket(field(found, 'transport_socket'));
}

interface Host {
  readonly address: string;
  readonly criteria: JsonObject;
  readonly health: string;
}

function endpointsOf(dump: EnvoyDump, cluster: JsonObject, name: string): readonly Host[] {
  const serviceName = asText(path(cluster, 'eds_cluster_config', 'service_name')) ?? name;
  const own = field(cluster, 'load_assignment');
  const assignments = [
    ...(indexOf(dump).assignments.get(serviceName) ?? []),
    ...(isObject(own) ? [own] : []),
  ];
  return assignments.flatMap((assignment) =>
    asObjects(field(assignment, 'endpoints')).flatMap((locality) =>
      asObjects(field(locality, 'lb_endpoints')).map(readHost),
    ),
  );
}

function readHost(entry: JsonObject): Host {
  const criteria = path(entry, 'metadata', 'filter_metadata', 'envoy.transport_socket_match');
  return {
    address: addressText(path(entry, 'endpoint', 'address')),
    criteria: isObject(criteria) ? criteria : {},
    health: asText(field(entry, 'health_status')) ?? '',
  };
}
