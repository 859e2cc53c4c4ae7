/** `/clusters`, in Envoy's two formats. */
import type { ConfigLoader } from '../config-loader.ts';
import type { Cluster } from '../upstream/cluster.ts';
import type { UpstreamHost } from '../upstream/upstream-host.ts';

const highPriority = {
  max_connections: 1024,
  max_pending_requests: 1024,
  max_requests: 1024,
  max_retries: 3,
};

export function clustersJson(loader: ConfigLoader): { readonly cluster_statuses: readonly unknown[] } {
  return { cluster_statuses: [...loader.clusters.values()].map(clusterStatus) };
}

function clusterStatus({ config, hosts }: Cluster): unknown {
  const statuses = [...hosts].map((host) => hostStatus(host, config.name));
  return {
    name: config.name,
    added_via_api: true,
    ...(statuses.length === 0 ? {} : { host_statuses: statuses }),
    circuit_breakers: {
      thresholds: [
        config.circuit_breakers?.thresholds[0] ?? highPriority,
        { priority: 'HIGH', ...highPriority },
      ],
    },
    observability_name: config.alt_stat_name,
    ...(config.eds_cluster_config === undefined
      ? {}
      : { eds_service_name: config.eds_cluster_config.service_name }),
  };
}

function hostStatus(host: UpstreamHost, cluster: string): unknown {
  const { ip, port } = host.address;
  return {
    address: { socket_address: { address: ip, port_value: port } },
    stats: hostStats(host).map(([name, value, gauge]) => ({
      ...(gauge ? { type: 'GAUGE' } : {}),
      // proto3's JSON leaves zeros out.
      ...(value === 0 ? {} : { value: String(value) }),
      name,
    })),
    health_status: { eds_health_status: host.healthy ? 'HEALTHY' : 'UNHEALTHY' },
    weight: host.endpoint?.load_balancing_weight ?? 1,
    ...(cluster.startsWith('inbound|') ? { hostname: `${cluster}${host.label}` } : {}),
    locality: {},
  };
}

function hostStats(host: UpstreamHost): readonly (readonly [string, number, boolean])[] {
  return [
    ['cx_connect_fail', host.connectFailures, false],
    ['cx_total', host.connectionsTotal, false],
    ['rq_error', host.requestErrors, false],
    ['rq_success', host.requestSuccesses, false],
    ['rq_timeout', 0, false],
    ['rq_total', host.requestsTotal, false],
    ['cx_active', host.connectionsActive, true],
    ['rq_active', host.requestsActive, true],
    ['rq_pending_active', 0, true],
  ];
}

export function clustersText(loader: ConfigLoader): string {
  const lines: string[] = [];
  for (const { config, hosts } of loader.clusters.values()) {
    const name = config.name;
    lines.push(`${name}::observability_name::${config.alt_stat_name}`);
    for (const [priority, limits] of [
      ['default', config.circuit_breakers?.thresholds[0] ?? highPriority],
      ['high', highPriority],
    ] as const) {
      for (const limit of [
        'max_connections',
        'max_pending_requests',
        'max_requests',
        'max_retries',
      ] as const) {
        lines.push(`${name}::${priority}_priority::${limit}::${limits[limit]}`);
      }
    }
    lines.push(`${name}::added_via_api::true`);
    if (config.eds_cluster_config !== undefined) {
      lines.push(`${name}::eds_service_name::${config.eds_cluster_config.service_name}`);
    }
    for (const host of hosts) {
      for (const [stat, value] of hostStats(host)) lines.push(`${name}::${host.label}::${stat}::${value}`);
      lines.push(
        `${name}::${host.label}::hostname::`,
        `${name}::${host.label}::health_flags::${host.healthy ? 'healthy' : '/failed_eds_health'}`,
        `${name}::${host.label}::weight::${host.endpoint?.load_balancing_weight ?? 1}`,
        `${name}::${host.label}::region::`,
        `${name}::${host.label}::zone::`,
        `${name}::${host.label}::sub_zone::`,
        `${name}::${host.label}::canary::false`,
        `${name}::${host.label}::priority::0`,
      );
    }
  }
  return lines.map((line) => `${line}\n`).join('');
}
