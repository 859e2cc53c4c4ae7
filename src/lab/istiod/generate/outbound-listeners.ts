/** What an application's outgoing connections meet: listeners by address and port, and routes (listener.go, httproute.go). */
import { type FilterChain, type ListenerConfig, listenerType } from '../../sidecar/config/listener.ts';
import type { RouteConfiguration, VirtualHost } from '../../sidecar/config/route.ts';
import type { MeshModel } from '../model/mesh-model.ts';
import type { MeshService, MeshServicePort } from '../model/mesh-service.ts';
import { isHttp } from '../model/protocol.ts';
import { endpointsOf } from '../model/service-endpoints.ts';
import { listenerAccessLog } from './access-log.ts';
import { outboundClusterName } from './clusters.ts';
import { defaultRoute } from './default-route.ts';
import { outboundHttp, tcpProxy } from './network-filters.ts';
import { httpRoutes, tcpDestinations, virtualServiceFor } from './virtual-services.ts';
import type { Client, VisibleService } from './visible-services.ts';

export interface OutboundTraffic {
  readonly listeners: readonly ListenerConfig[];
  readonly routes: readonly RouteConfiguration[];
}

export interface OutboundQuestion {
  readonly model: MeshModel;
  readonly client: Client;
  readonly services: readonly VisibleService[];
  /** Whether unknown destinations are let through. */
  readonly allowAny: boolean;
}

const plainHttp = { transport_protocol: 'raw_buffer', application_protocols: ['http/1.1', 'h2c'] } as const;

export function outboundTraffic(question: OutboundQuestion): OutboundTraffic {
  const listeners = new Map<string, ListenerConfig>();
  const hostsByPort = new Map<number, VirtualHost[]>();
  const routes: RouteConfiguration[] = [];
  const put = (listener: ListenerConfig): void => {
    // The first service that claims an address keeps it.
    if (!listeners.has(listener.name)) listeners.set(listener.name, listener);
  };
  for (const { service, ports } of question.services) {
    for (const port of ports) {
      if (port.protocol === 'UDP') continue;
      if (isHttp(port.protocol)) {
        put(httpListener(question, port.port));
        const hosts = hostsByPort.get(port.port) ?? [];
        hostsByPort.set(port.port, [...hosts, virtualHost(question, service, port)]);
        continue;
      }
      for (const address of listenAddresses(question.model, service, port)) {
        put(tcpListener(question, service, port, address));
      }
      if (port.protocol === 'AUTO') routes.push(sniffedRoutes(question, service, port));
    }
  }
  for (const [port, hosts] of hostsByPort) {
    routes.push(routeConfiguration(String(port), [...distinct(hosts), catchAllHost(question.allowAny)]));
  }
  return { listeners: [virtualOutbound(question.allowAny), ...listeners.values()], routes };
}

/** A headless service has no address of its own: there is a listener for each of its pods. */
function listenAddresses(model: MeshModel, service: MeshService, port: MeshServicePort): readonly string[] {
  if (service.resolution === 'headless') {
    return [...new Set(endpointsOf(model, service, port).map(({ ip }) => ip))];
  }
  return service.addresses.length > 0 ? service.addresses : ['0.0.0.0'];
}

function listener(
  address: string,
  port: number,
  parts: Pick<ListenerConfig, 'filter_chains'> & Partial<ListenerConfig>,
): ListenerConfig {
  return {
    '@type': listenerType,
    name: `${address}_${port}`,
    address: { socket_address: { address, port_value: port } },
    listener_filters_timeout: '0s',
    traffic_direction: 'OUTBOUND',
    continue_on_listener_filters_timeout: true,
    bind_to_port: false,
    ...parts,
  };
}

const httpInspector = {
  name: 'envoy.filters.listener.http_inspector',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.filters.listener.http_inspector.v3.HttpInspector',
  },
} as const;

/** One for all HTTP services on a port: the request's host decides. What is not HTTP goes where it wanted to go. */
function httpListener({ allowAny }: OutboundQuestion, port: number): ListenerConfig {
  return listener('0.0.0.0', port, {
    filter_chains: [
      {
        filter_chain_match: plainHttp,
        filters: [outboundHttp(`outbound_0.0.0.0_${port};`, String(port))],
        transport_socket_connect_timeout: '15s',
      },
    ],
    listener_filters: [httpInspector],
    default_filter_chain: {
      filter_chain_match: {},
      filters: [tcpProxy(catchAllCluster(allowAny))],
      name: 'PassthroughFilterChain',
    },
  });
}

function tcpListener(
  question: OutboundQuestion,
  service: MeshService,
  port: MeshServicePort,
  address: string,
): ListenerConfig {
  const found = virtualServiceFor(question.model, service, question.client);
  const routed =
    found === undefined ? undefined : tcpDestinations(question.model, found, service, port, question.client);
  const [only] = routed ?? [];
  const target =
    routed === undefined
      ? outboundClusterName(service, port.port)
      : routed.length === 1 && only !== undefined
        ? only.name
        : routed;
  const chain: FilterChain = { filters: [tcpProxy(target)], transport_socket_connect_timeout: '15s' };
  if (port.protocol !== 'AUTO') return listener(address, port.port, { filter_chains: [chain] });
  const routeName = `${service.host}:${port.port}`;
  return listener(address, port.port, {
    filter_chains: [
      {
        filter_chain_match: plainHttp,
        filters: [outboundHttp(`outbound_${address}_${port.port};`, routeName)],
        transport_socket_connect_timeout: '15s',
      },
    ],
    listener_filters: [httpInspector],
    default_filter_chain: { ...chain, filter_chain_match: {}, name: 'PassthroughFilterChain' },
  });
}

/** Everything that no other listener takes. */
function virtualOutbound(allowAny: boolean): ListenerConfig {
  return {
    '@type': listenerType,
    name: 'virtualOutbound',
    address: { socket_address: { address: '0.0.0.0', port_value: 15001 } },
    filter_chains: [
      {
        filter_chain_match: { destination_port: 15001 },
        filters: [tcpProxy('BlackHoleCluster', { log: false })],
        name: 'virtualOutbound-blackhole',
      },
      { filters: [tcpProxy(catchAllCluster(allowAny))], name: 'virtualOutbound-catchall-tcp' },
    ],
    use_original_dst: true,
    traffic_direction: 'OUTBOUND',
    access_log: listenerAccessLog,
    max_connections_to_accept_per_socket_event: 1,
  };
}

function catchAllCluster(allowAny: boolean): string {
  return allowAny ? 'PassthroughCluster' : 'BlackHoleCluster';
}

function virtualHost(
  { model, client }: OutboundQuestion,
  service: MeshService,
  port: MeshServicePort,
): VirtualHost {
  const found = virtualServiceFor(model, service, client);
  const routes = found === undefined ? [] : httpRoutes(model, found, service, port, client);
  const fallback = defaultRoute(outboundClusterName(service, port.port), `${service.host}:${port.port}/*`);
  return {
    name: `${service.host}:${port.port}`,
    domains: domains(service, client, model.config.clusterDomain),
    // A VirtualService that has HTTP routes replaces the default; one that has none for this port leaves it.
    routes: found === undefined || found.parsed.http.length === 0 ? [fallback] : routes,
    include_request_attempt_count: true,
  };
}

/** Every name by which the client may call the service, and its address. */
function domains(service: MeshService, client: Client, clusterDomain: string): readonly string[] {
  const { host, name, namespace, kind } = service;
  if (kind === 'ServiceEntry') return [host, ...service.addresses];
  const short = [`${name}.${namespace}`, `${name}.${namespace}.svc`];
  const names =
    namespace === client.namespace ? [name, `${name}.${namespace}.svc`, `${name}.${namespace}`] : short;
  const headless =
    service.resolution === 'headless'
      ? [
          `*.${name}.${namespace}.svc.${clusterDomain}`,
          `*.${name}`,
          `*.${name}.${namespace}`,
          `*.${name}.${namespace}.svc`,
        ]
      : [];
  return [host, `${host}.`, ...names, ...headless, ...service.addresses];
}

/** Names that an older service has already taken are left out, as Envoy refuses a domain that stands twice. */
function distinct(hosts: readonly VirtualHost[]): readonly VirtualHost[] {
  const taken = new Set<string>();
  return hosts.flatMap((host) => {
    const free = host.domains.filter((domain) => !taken.has(domain));
    for (const domain of free) taken.add(domain);
    return free.length === 0 ? [] : [{ ...host, domains: free }];
  });
}

function catchAllHost(allowAny: boolean): VirtualHost {
  return {
    name: allowAny ? 'allow_any' : 'block_all',
    domains: ['*'],
    routes: [
      allowAny
        ? {
            match: { prefix: '/' },
            route: { cluster: 'PassthroughCluster', timeout: '0s', max_grpc_timeout: '0s' },
            name: 'allow_any',
          }
        : { match: { prefix: '/' }, direct_response: { status: 502 }, name: 'block_all' },
    ],
    include_request_attempt_count: true,
  };
}

/** The routes of a port whose protocol is found out: whatever host the request names, it is this service. */
function sniffedRoutes(
  question: OutboundQuestion,
  service: MeshService,
  port: MeshServicePort,
): RouteConfiguration {
  const host = virtualHost(question, service, port);
  return routeConfiguration(`${service.host}:${port.port}`, [{ ...host, domains: ['*'] }]);
}

function routeConfiguration(name: string, hosts: readonly VirtualHost[]): RouteConfiguration {
  return {
    name,
    virtual_hosts: hosts,
    validate_clusters: false,
    max_direct_response_body_size_bytes: 1048576,
    ignore_port_in_host_matching: true,
  };
}
