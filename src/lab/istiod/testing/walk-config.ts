/**
 * Walks generated configuration the way a proxy would, without sockets: what a sidecar takes on a port, and what
 * becomes of a call from one pod to an endpoint of a service. For tests that hold istiod's part to other readings.
 */
import type { Pod } from '../../../istio/pod.ts';
import type { LbEndpoint } from '../../sidecar/config/cluster.ts';
import type { FilterChain, ListenerConfig, NetworkFilter } from '../../sidecar/config/listener.ts';
import type { ProxyConfig } from '../../sidecar/config/proxy-config.ts';
import { upstreamTlsType } from '../../sidecar/config/tls.ts';
import { HeaderList } from '../../sidecar/http/header-list.ts';
import { matchRoute } from '../../sidecar/http/route-match.ts';
import { matchFilterChain } from '../../sidecar/listener/filter-chain-match.ts';
import { filterRunsOn } from '../../sidecar/listener/inspect-connection.ts';
import { resolveSocket } from '../../sidecar/upstream/upstream-host.ts';
import { outboundClusterName } from '../generate/clusters.ts';
import type { MeshService, MeshServicePort } from '../model/mesh-service.ts';
import { isHttp } from '../model/protocol.ts';

export type Wire = 'istio-mtls' | 'plaintext' | 'tls';

export interface InboundRow {
  readonly mtls: boolean;
  readonly plaintext: boolean;
}

/** What the sidecar with this configuration accepts on a port of its pod. */
export function walkInbound(config: ProxyConfig, pod: Pod, port: number): InboundRow {
  return {
    mtls: arrive(config, pod, port, 'istio-mtls', true) === 'mtls',
    plaintext: arrive(config, pod, port, 'plaintext', true) === 'plaintext',
  };
}

export type Outcome = 'mtls' | 'plaintext' | 'tls' | 'refused';

/** @param config undefined for a pod without a sidecar. @param http what the payload is. */
export function arrive(
  config: ProxyConfig | undefined,
  pod: Pod,
  port: number,
  wire: Wire,
  http: boolean,
): Outcome {
  if (config === undefined || !capturesInbound(pod, port)) {
    return wire === 'istio-mtls' ? 'refused' : wire;
  }
  const listener = config.listeners.get('virtualInbound');
  if (listener === undefined) return wire === 'istio-mtls' ? 'refused' : wire;
  const chain = matchFilterChain(listener, { destinationPort: port, ...traits(listener, port, wire, http) });
  if (chain === undefined) return 'refused';
  const terminates = chain.transport_socket !== undefined;
  switch (wire) {
    case 'istio-mtls':
      return terminates ? 'mtls' : 'refused';
    case 'plaintext':
      return terminates ? 'refused' : 'plaintext';
    case 'tls':
      // A client certificate of the mesh is what it has not got; HTTP chains cannot read it.
      return terminates || isHttpChain(chain) ? 'refused' : 'tls';
  }
}

/** What the listener filters would find, given which of them run on the port. */
function traits(
  listener: ListenerConfig,
  port: number,
  wire: Wire,
  http: boolean,
): { readonly transport: 'tls' | 'raw_buffer'; readonly applicationProtocols: readonly string[] } {
  const tls = wire !== 'plaintext' && filterRunsOn(listener, 'envoy.filters.listener.tls_inspector', port);
  if (tls) {
    const mesh = http ? ['istio-http/1.1', 'istio', 'http/1.1'] : ['istio-peer-exchange', 'istio'];
    return { transport: 'tls', applicationProtocols: wire === 'istio-mtls' ? mesh : [] };
  }
  const inspected = filterRunsOn(listener, 'envoy.filters.listener.http_inspector', port);
  const plainHttp = wire === 'plaintext' && http && inspected;
  return { transport: 'raw_buffer', applicationProtocols: plainHttp ? ['http/1.1'] : [] };
}

function isHttpChain(chain: FilterChain): boolean {
  return chain.filters.at(-1)?.name === 'envoy.filters.network.http_connection_manager';
}

/** Which connections iptables hands to the sidecar, from the pod's annotations. */
export function capturesInbound({ annotations }: Pod, port: number): boolean {
  const of = (name: string): string | undefined => annotations[`traffic.sidecar.istio.io/${name}`];
  const has = (list: string): boolean => list.split(',').some((item) => Number(item.trim()) === port);
  if ([15020, 15021, 15090].includes(port)) return false;
  const include = of('includeInboundPorts') ?? '*';
  return include === '*' ? !has(of('excludeInboundPorts') ?? '') : has(include);
}

export interface Call {
  readonly config: ProxyConfig | undefined;
  readonly pod: Pod;
  readonly service: MeshService;
  readonly port: MeshServicePort;
  readonly endpoint: { readonly ip: string; readonly port: number };
}

/** What the client's sidecar puts on the wire towards the endpoint; undefined where it never goes there. */
export function walkOutbound({ config, pod, service, port, endpoint }: Call): Wire | undefined {
  if (config === undefined || !capturesOutbound(pod, port.port)) return 'plaintext';
  if (service.resolution === 'headless')
    return wireOf(config, outboundClusterName(service, port.port), endpoint);
  const address = service.addresses[0] ?? '0.0.0.0';
  const listener = outboundListener(config, address, port.port);
  const http = isHttp(port.protocol) || port.protocol === 'AUTO';
  const chain =
    listener === undefined
      ? undefined
      : matchFilterChain(listener, {
          destinationPort: port.port,
          transport: 'raw_buffer',
          applicationProtocols: http ? ['http/1.1'] : [],
        });
  for (const name of chain === undefined ? [] : clustersOf(chain, config, service, port)) {
    const wire = wireOf(config, name, endpoint);
    if (wire !== undefined) return wire;
  }
  return undefined;
}

function capturesOutbound({ annotations }: Pod, port: number): boolean {
  const excluded = annotations['traffic.sidecar.istio.io/excludeOutboundPorts'] ?? '';
  return !excluded.split(',').some((item) => Number(item.trim()) === port);
}

function outboundListener(config: ProxyConfig, address: string, port: number): ListenerConfig | undefined {
  return (
    config.listeners.get(`${address}_${port}`) ??
    config.listeners.get(`0.0.0.0_${port}`) ??
    config.listeners.get('virtualOutbound')
  );
}

function clustersOf(
  chain: FilterChain,
  config: ProxyConfig,
  service: MeshService,
  port: MeshServicePort,
): readonly string[] {
  const filter: NetworkFilter | undefined = chain.filters.at(-1);
  if (filter?.name === 'envoy.filters.network.tcp_proxy') {
    const { cluster, weighted_clusters: weighted } = filter.typed_config;
    return cluster === undefined
      ? (weighted?.clusters ?? []).filter(({ weight }) => weight > 0).map(({ name }) => name)
      : [cluster];
  }
  if (filter?.name !== 'envoy.filters.network.http_connection_manager') return [];
  const routes = config.routes.get(filter.typed_config.rds?.route_config_name ?? '');
  if (routes === undefined) return [];
  const authority = `${service.host}:${port.port}`;
  const headers = new HeaderList([['host', authority]]);
  const action = matchRoute(routes, { method: 'GET', path: '/', authority, headers })?.route.route;
  if (action?.cluster !== undefined) return [action.cluster];
  return (action?.weighted_clusters?.clusters ?? [])
    .filter(({ weight }) => weight > 0)
    .map(({ name }) => name);
}

function wireOf(
  config: ProxyConfig,
  name: string,
  endpoint: { readonly ip: string; readonly port: number },
): Wire | undefined {
  const cluster = config.clusters.get(name);
  if (cluster === undefined) return undefined;
  let member: LbEndpoint | undefined;
  if (cluster.type !== 'ORIGINAL_DST') {
    member = config.endpoints
      .get(name)
      ?.endpoints?.flatMap(({ lb_endpoints: list }) => list)
      .find(({ endpoint: { address } }) => {
        const { address: ip, port_value: port } = address.socket_address;
        return ip === endpoint.ip && port === endpoint.port;
      });
    if (member === undefined) return undefined;
  }
  const { socket } = resolveSocket(cluster, member);
  if (socket.typed_config['@type'] !== upstreamTlsType) return 'plaintext';
  const own = socket.typed_config.common_tls_context.tls_certificate_sds_secret_configs?.[0]?.name;
  return own === 'default' ? 'istio-mtls' : 'tls';
}
