/** Envoy's listeners, filter chains and filters, the part that Istio writes for sidecars: envoy.config.listener.v3. */
import type { HttpRbacConfig, NetworkRbacConfig } from './rbac.ts';
import type { RouteConfiguration } from './route.ts';
import type { DownstreamTlsSocket } from './tls.ts';

export interface AccessLog {
  readonly name: 'envoy.access_loggers.file';
  readonly filter?: { readonly response_flag_filter: { readonly flags: readonly string[] } };
  readonly typed_config: {
    readonly '@type': typeof fileAccessLogType;
    readonly path: string;
    readonly log_format: { readonly text_format_source: { readonly inline_string: string } };
  };
}

export interface HttpFilter {
  readonly name: string;
  /** Filters of other types than these are carried for the dump and do nothing. */
  readonly typed_config: HttpRbacConfig | { readonly '@type': string; readonly [field: string]: unknown };
}

export interface HttpConnectionManager {
  readonly '@type': typeof httpConnectionManagerType;
  readonly stat_prefix: string;
  /** Routes by name, delivered apart; or inline in `route_config`. */
  readonly rds?: {
    readonly config_source: Readonly<Record<string, unknown>>;
    readonly route_config_name: string;
  };
  readonly route_config?: RouteConfiguration;
  readonly http_filters: readonly HttpFilter[];
  readonly tracing?: Readonly<Record<string, unknown>>;
  readonly server_name?: string;
  readonly access_log?: readonly AccessLog[];
  readonly use_remote_address: boolean;
  /** SANITIZE, Envoy's zero value, when absent. */
  readonly forward_client_cert_details?: 'APPEND_FORWARD';
  readonly set_current_client_cert_details?: {
    readonly subject: boolean;
    readonly dns: boolean;
    readonly uri: boolean;
  };
  readonly [field: string]: unknown;
}

export interface TcpProxy {
  readonly '@type': typeof tcpProxyType;
  readonly stat_prefix: string;
  readonly cluster?: string;
  readonly weighted_clusters?: {
    readonly clusters: readonly { readonly name: string; readonly weight: number }[];
  };
  readonly access_log?: readonly AccessLog[];
}

export type NetworkFilter =
  | {
      readonly name: 'envoy.filters.network.http_connection_manager';
      readonly typed_config: HttpConnectionManager;
    }
  | { readonly name: 'envoy.filters.network.tcp_proxy'; readonly typed_config: TcpProxy }
  | { readonly name: 'envoy.filters.network.rbac'; readonly typed_config: NetworkRbacConfig };

export interface FilterChainMatch {
  readonly destination_port?: number;
  readonly transport_protocol?: 'tls' | 'raw_buffer';
  readonly application_protocols?: readonly string[];
}

export interface FilterChain {
  readonly filter_chain_match?: FilterChainMatch;
  readonly filters: readonly NetworkFilter[];
  readonly transport_socket?: DownstreamTlsSocket;
  readonly transport_socket_connect_timeout?: string;
  readonly name?: string;
}

/** Where a listener filter stands aside: `end` is exclusive. */
export type ListenerFilterPredicate =
  | { readonly destination_port_range: { readonly start: number; readonly end: number } }
  | { readonly or_match: { readonly rules: readonly ListenerFilterPredicate[] } }
  | { readonly not_match: ListenerFilterPredicate };

export interface ListenerFilter {
  readonly name:
    | 'envoy.filters.listener.original_dst'
    | 'envoy.filters.listener.tls_inspector'
    | 'envoy.filters.listener.http_inspector';
  readonly typed_config: { readonly '@type': string; readonly initial_read_buffer_size?: number };
  readonly filter_disabled?: ListenerFilterPredicate;
}

export interface ListenerConfig {
  readonly '@type': typeof listenerType;
  readonly name: string;
  readonly address: {
    readonly socket_address: { readonly address: string; readonly port_value: number };
  };
  readonly filter_chains: readonly FilterChain[];
  readonly listener_filters?: readonly ListenerFilter[];
  readonly listener_filters_timeout?: string;
  readonly use_original_dst?: boolean;
  readonly traffic_direction: 'INBOUND' | 'OUTBOUND';
  readonly continue_on_listener_filters_timeout?: boolean;
  readonly default_filter_chain?: FilterChain;
  readonly access_log?: readonly AccessLog[];
  readonly bind_to_port?: boolean;
  readonly max_connections_to_accept_per_socket_event?: number;
}

export const listenerType = 'type.googleapis.com/envoy.config.listener.v3.Listener';
export const fileAccessLogType = 'type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog';
export const tcpProxyType = 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy';
export const httpConnectionManagerType =
  'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
