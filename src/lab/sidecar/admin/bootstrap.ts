/** What a sidecar starts with before the control plane says anything: node, static listeners, statistics, admin address. */
import type { ProxyNode } from '../proxy.ts';
import { statsTags } from '../stats/prometheus.ts';
import { matcherPatterns, type StatsInclusion } from '../stats/stats-matcher.ts';

const hcmType =
  'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const routerFilter = {
  name: 'envoy.filters.http.router',
  typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
};

/** The listeners for metrics and readiness, which no policy touches. */
export const staticListeners = [
  staticListener(15090, 'stats', '/stats/prometheus', 'prometheus_stats'),
  staticListener(15021, 'agent', '/healthz/ready', 'agent'),
];

function staticListener(port: number, statPrefix: string, path: string, cluster: string) {
  return {
    name: `0.0.0.0_${port}`,
    address: { socket_address: { address: '0.0.0.0', port_value: port } },
    filter_chains: [
      {
        filters: [
          {
            name: 'envoy.filters.network.http_connection_manager',
            typed_config: {
              '@type': hcmType,
              stat_prefix: statPrefix,
              route_config: {
                virtual_hosts: [
                  {
                    name: 'backend',
                    domains: ['*'],
                    routes: [{ match: { prefix: path }, route: { cluster } }],
                  },
                ],
              },
              http_filters: [routerFilter],
            },
          },
        ],
      },
    ],
    ignore_global_conn_limit: true,
    bypass_overload_manager: true,
  };
}

export function bootstrapNode(node: ProxyNode): Readonly<Record<string, unknown>> {
  return {
    id: node.id,
    cluster: `${node.workload.canonicalName}.${node.namespace}`,
    metadata: node.metadata,
    locality: {},
    user_agent_name: 'padlock-lab',
  };
}

/** The bootstrap as /config_dump prints it. */
export function bootstrap(node: ProxyNode, inclusion: StatsInclusion): Readonly<Record<string, unknown>> {
  return {
    node: bootstrapNode(node),
    static_resources: { listeners: staticListeners },
    dynamic_resources: {
      lds_config: { ads: {}, initial_fetch_timeout: '0s', resource_api_version: 'V3' },
      cds_config: { ads: {}, initial_fetch_timeout: '0s', resource_api_version: 'V3' },
      ads_config: {
        api_type: 'DELTA_GRPC',
        grpc_services: [{ envoy_grpc: { cluster_name: 'xds-grpc' } }],
        set_node_on_first_message_only: true,
        transport_api_version: 'V3',
      },
    },
    admin: { address: { socket_address: { address: '127.0.0.1', port_value: 15000 } } },
    stats_config: {
      stats_tags: statsTags,
      use_all_default_tags: false,
      stats_matcher: { inclusion_list: { patterns: matcherPatterns(inclusion) } },
    },
    deferred_stat_options: { enable_deferred_creation_stats: true },
  };
}
