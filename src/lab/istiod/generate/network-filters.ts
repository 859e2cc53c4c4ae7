/** The network filters that end Istio's filter chains, with the settings that are the same everywhere. */
import {
  type HttpConnectionManager,
  type HttpFilter,
  httpConnectionManagerType,
  type NetworkFilter,
  type TcpProxy,
  tcpProxyType,
} from '../../sidecar/config/listener.ts';
import type { RouteConfiguration } from '../../sidecar/config/route.ts';
import { accessLog } from './access-log.ts';

const type = (path: string): string => `type.googleapis.com/envoy.extensions.filters.http.${path}`;

const commonFilters: readonly HttpFilter[] = [
  {
    name: 'envoy.filters.http.grpc_stats',
    typed_config: {
      '@type': type('grpc_stats.v3.FilterConfig'),
      emit_filter_state: true,
      stats_for_all_methods: false,
    },
  },
];

/** Offers Istio's own application protocols upstream, by what is spoken there (pilot/pkg/xds/filters). */
const alpnFilter: HttpFilter = {
  name: 'istio.alpn',
  typed_config: {
    '@type': 'type.googleapis.com/istio.envoy.config.filter.http.alpn.v2alpha1.FilterConfig',
    alpn_override: [
      { alpn_override: ['istio-http/1.0', 'istio', 'http/1.0'] },
      { upstream_protocol: 'HTTP11', alpn_override: ['istio-http/1.1', 'istio', 'http/1.1'] },
      { upstream_protocol: 'HTTP2', alpn_override: ['istio-h2', 'istio', 'h2'] },
    ],
  },
};

const lastFilters: readonly HttpFilter[] = [
  { name: 'envoy.filters.http.fault', typed_config: { '@type': type('fault.v3.HTTPFault') } },
  { name: 'envoy.filters.http.cors', typed_config: { '@type': type('cors.v3.Cors') } },
  {
    name: 'istio.stats',
    typed_config: { '@type': 'type.googleapis.com/stats.PluginConfig' },
  },
  { name: 'envoy.filters.http.router', typed_config: { '@type': type('router.v3.Router') } },
];

const commonManager = {
  access_log: accessLog,
  use_remote_address: false,
  proxy_100_continue: true,
  upgrade_configs: [{ upgrade_type: 'websocket' }],
  stream_idle_timeout: '0s',
  normalize_path: true,
  request_id_extension: {
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig',
      use_request_id_for_trace_sampling: true,
    },
  },
  path_with_escaped_slashes_action: 'KEEP_UNCHANGED',
} as const;

/** In front of an application. `authorization` stands where Istio puts it, before routing. */
export function inboundHttp(
  statPrefix: string,
  routes: RouteConfiguration,
  authorization: readonly HttpFilter[],
): NetworkFilter {
  const config: HttpConnectionManager = {
    '@type': httpConnectionManagerType,
    stat_prefix: statPrefix,
    route_config: routes,
    http_filters: [...authorization, ...commonFilters, ...lastFilters],
    server_name: 'istio-envoy',
    ...commonManager,
    forward_client_cert_details: 'APPEND_FORWARD',
    set_current_client_cert_details: { subject: true, dns: true, uri: true },
  };
  return { name: 'envoy.filters.network.http_connection_manager', typed_config: config };
}

/** Behind an application: routes come by name. */
export function outboundHttp(statPrefix: string, routeName: string): NetworkFilter {
  const config: HttpConnectionManager = {
    '@type': httpConnectionManagerType,
    stat_prefix: statPrefix,
    rds: {
      config_source: { ads: {}, initial_fetch_timeout: '0s', resource_api_version: 'V3' },
      route_config_name: routeName,
    },
    http_filters: [...commonFilters, alpnFilter, ...lastFilters],
    ...commonManager,
  };
  return { name: 'envoy.filters.network.http_connection_manager', typed_config: config };
}

/** @param target one cluster's name, or several with weights. */
export function tcpProxy(
  target: string | readonly { readonly name: string; readonly weight: number }[],
  options: { readonly log: boolean; readonly statPrefix?: string } = { log: true },
): NetworkFilter {
  const first = typeof target === 'string' ? target : (target[0]?.name ?? '');
  const config: TcpProxy = {
    '@type': tcpProxyType,
    stat_prefix: options.statPrefix ?? first,
    ...(typeof target === 'string' ? { cluster: target } : { weighted_clusters: { clusters: target } }),
    ...(options.log ? { access_log: accessLog } : {}),
  };
  return { name: 'envoy.filters.network.tcp_proxy', typed_config: config };
}
