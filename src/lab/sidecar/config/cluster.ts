/** Envoy's clusters and their endpoints, the part that Istio writes for sidecars: envoy.config.cluster.v3, endpoint.v3. */
import type { UpstreamSocket } from './tls.ts';

export interface TransportSocketMatch {
  readonly name: string;
  /** Compared with the endpoint's metadata `envoy.transport_socket_match`; empty matches every endpoint. */
  readonly match: Readonly<Record<string, string>>;
  readonly transport_socket: UpstreamSocket;
}

export interface HttpProtocolOptions {
  readonly '@type': typeof httpProtocolOptionsType;
  readonly common_http_protocol_options?: { readonly idle_timeout: string };
  readonly explicit_http_config?: { readonly http2_protocol_options: Readonly<Record<string, never>> };
  readonly use_downstream_protocol_config?: Readonly<Record<string, unknown>>;
}

export interface CircuitBreakers {
  readonly thresholds: readonly Readonly<Record<string, number | string>>[];
}

export interface ClusterConfig {
  readonly '@type': typeof clusterType;
  readonly name: string;
  readonly type: 'STATIC' | 'EDS' | 'STRICT_DNS' | 'ORIGINAL_DST';
  readonly eds_cluster_config?: {
    readonly eds_config: Readonly<Record<string, unknown>>;
    readonly service_name: string;
  };
  readonly connect_timeout: string;
  readonly lb_policy?: 'LEAST_REQUEST' | 'CLUSTER_PROVIDED' | 'ROUND_ROBIN' | 'RANDOM';
  readonly circuit_breakers?: CircuitBreakers;
  readonly cleanup_interval?: string;
  /** Present on clusters that lead to the application: its address tells the capture rules to leave the traffic alone. */
  readonly upstream_bind_config?: {
    readonly source_address: { readonly address: string; readonly port_value: number };
  };
  readonly metadata?: { readonly filter_metadata: Readonly<Record<string, unknown>> };
  readonly common_lb_config?: Readonly<Record<string, unknown>>;
  readonly alt_stat_name: string;
  readonly load_assignment?: ClusterLoadAssignment;
  readonly typed_extension_protocol_options?: {
    readonly 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': HttpProtocolOptions;
  };
  readonly transport_socket?: UpstreamSocket;
  readonly transport_socket_matches?: readonly TransportSocketMatch[];
}

export interface LbEndpoint {
  readonly endpoint: {
    readonly address: { readonly socket_address: { readonly address: string; readonly port_value: number } };
    readonly health_check_config?: Readonly<Record<string, never>>;
    readonly hostname?: string;
  };
  readonly health_status: 'HEALTHY' | 'UNHEALTHY' | 'DRAINING';
  readonly metadata?: {
    readonly filter_metadata: {
      /** `workload;namespace;canonical name;canonical revision;cluster` */
      readonly istio?: { readonly workload: string };
      readonly 'envoy.transport_socket_match'?: Readonly<Record<string, string>>;
    };
  };
  readonly load_balancing_weight: number;
}

export interface ClusterLoadAssignment {
  readonly '@type'?: typeof loadAssignmentType;
  readonly cluster_name: string;
  readonly endpoints?: readonly {
    readonly locality?: Readonly<Record<string, string>>;
    readonly lb_endpoints: readonly LbEndpoint[];
    readonly load_balancing_weight?: number;
  }[];
  readonly policy?: { readonly overprovisioning_factor: number };
}

export const clusterType = 'type.googleapis.com/envoy.config.cluster.v3.Cluster';
export const loadAssignmentType = 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment';
export const httpProtocolOptionsType =
  'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

/** True where requests go upstream as HTTP/2, whatever came in. */
export function speaksHttp2(cluster: ClusterConfig): boolean {
  return protocolOptions(cluster)?.explicit_http_config !== undefined;
}

/** True where requests go upstream in the protocol in which they came. */
export function followsDownstreamProtocol(cluster: ClusterConfig): boolean {
  return protocolOptions(cluster)?.use_downstream_protocol_config !== undefined;
}

/** False where the cluster's own TLS settings say what is offered, and the filter `istio.alpn` keeps out of it. */
export function takesAlpnOverride(cluster: ClusterConfig): boolean {
  const istio: unknown = cluster.metadata?.filter_metadata.istio;
  if (typeof istio !== 'object' || istio === null || !('alpn_override' in istio)) return true;
  return istio.alpn_override !== 'false';
}

function protocolOptions(cluster: ClusterConfig): HttpProtocolOptions | undefined {
  return cluster.typed_extension_protocol_options?.['envoy.extensions.upstreams.http.v3.HttpProtocolOptions'];
}
