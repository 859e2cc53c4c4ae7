import type { Endpoint } from '../../net/network.ts';
import type { ClusterConfig, LbEndpoint, TransportSocketMatch } from '../config/cluster.ts';
import { rawBufferSocket, type UpstreamSocket } from '../config/tls.ts';
import type { Http1Pool } from './http1-pool.ts';
import type { Http2Pool } from './http2-pool.ts';

/** One endpoint of a cluster with its connection pools and what /clusters prints about it. */
export class UpstreamHost {
  readonly address: Endpoint;
  /** Replaced when EDS sends new metadata; connections that are open stay as they are, as in Envoy. */
  endpoint: LbEndpoint | undefined;
  http1: Http1Pool | undefined;
  http2: Http2Pool | undefined;
  connectionsTotal = 0;
  connectionsActive = 0;
  connectFailures = 0;
  requestsTotal = 0;
  requestsActive = 0;
  requestSuccesses = 0;
  requestErrors = 0;

  constructor(address: Endpoint, endpoint: LbEndpoint | undefined) {
    this.address = address;
    this.endpoint = endpoint;
  }

  get label(): string {
    return `${this.address.ip}:${this.address.port}`;
  }

  get healthy(): boolean {
    return this.endpoint === undefined || this.endpoint.health_status === 'HEALTHY';
  }

  /** `workload;namespace;canonical name;canonical revision;cluster`, where istiod knows it. */
  get workload(): readonly string[] | undefined {
    return this.endpoint?.metadata?.filter_metadata.istio?.workload.split(';');
  }
}

/** Which transport socket an endpoint is spoken to with, and the name of the match that decided. */
export interface ResolvedSocket {
  readonly match: string;
  readonly socket: UpstreamSocket;
}

/** Envoy's transport_socket_matches: the first whose labels the endpoint's metadata has; else the cluster's own socket. */
export function resolveSocket(cluster: ClusterConfig, endpoint: LbEndpoint | undefined): ResolvedSocket {
  const metadata = endpoint?.metadata?.filter_metadata['envoy.transport_socket_match'] ?? {};
  const matches = (candidate: TransportSocketMatch): boolean =>
    Object.entries(candidate.match).every(([key, value]) => metadata[key] === value);
  const found = cluster.transport_socket_matches?.find(matches);
  if (found !== undefined) return { match: found.name, socket: found.transport_socket };
  return { match: 'default', socket: cluster.transport_socket ?? rawBufferSocket };
}
