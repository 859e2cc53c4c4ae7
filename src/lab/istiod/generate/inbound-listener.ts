/** The listener in front of a pod's applications: filter chains by port and mode (pilot/pkg/networking/core/listener_inbound.go). */
import type { MtlsMode } from '../../../istio/peer-authentication.ts';
import type { Pod } from '../../../istio/pod.ts';
import {
  type FilterChain,
  type FilterChainMatch,
  type ListenerConfig,
  type ListenerFilter,
  type ListenerFilterPredicate,
  listenerType,
} from '../../sidecar/config/listener.ts';
import type { RouteConfiguration } from '../../sidecar/config/route.ts';
import type { MeshModel } from '../model/mesh-model.ts';
import { isHttp } from '../model/protocol.ts';
import { modeForPort, serverMode } from '../policy/server-mode.ts';
import { listenerAccessLog } from './access-log.ts';
import { type AuthorizationFilters, authorizationFilters } from './authorization.ts';
import type { InboundPort } from './inbound-ports.ts';
import { inboundHttp, tcpProxy } from './network-filters.ts';
import { inboundTls, istioAlpn } from './tls-contexts.ts';

const capturePort = 15006;

/** How the connections of one port are told apart and what becomes of them. */
interface ChainRow {
  readonly transport: 'tls' | 'raw_buffer';
  readonly alpn?: readonly string[];
  readonly terminate: boolean;
  readonly http: boolean;
}

const http = { http: true } as const;
const tcp = { http: false } as const;
const raw = { transport: 'raw_buffer', terminate: false } as const;
const plainHttpAlpn = ['http/1.1', 'h2c'] as const;

/** pilot/pkg/networking/core/filterchain_options.go */
const rowsOf: Readonly<Record<'HTTP' | 'TCP' | 'AUTO', Readonly<Record<MtlsMode, readonly ChainRow[]>>>> = {
  HTTP: {
    STRICT: [{ transport: 'tls', terminate: true, ...http }],
    PERMISSIVE: [
      { transport: 'tls', alpn: istioAlpn.all, terminate: true, ...http },
      { ...raw, ...http },
    ],
    DISABLE: [{ ...raw, ...http }],
  },
  TCP: {
    STRICT: [{ transport: 'tls', terminate: true, ...tcp }],
    PERMISSIVE: [
      { transport: 'tls', alpn: istioAlpn.all, terminate: true, ...tcp },
      { transport: 'tls', terminate: false, ...tcp },
      { ...raw, ...tcp },
    ],
    DISABLE: [{ ...raw, ...tcp }],
  },
  AUTO: {
    STRICT: [
      { transport: 'tls', alpn: istioAlpn.http, terminate: true, ...http },
      { transport: 'tls', terminate: true, ...tcp },
    ],
    PERMISSIVE: [
      { transport: 'tls', alpn: istioAlpn.http, terminate: true, ...http },
      { ...raw, alpn: plainHttpAlpn, ...http },
      { transport: 'tls', alpn: istioAlpn.tcp, terminate: true, ...tcp },
      { ...raw, ...tcp },
      { transport: 'tls', terminate: false, ...tcp },
    ],
    DISABLE: [
      { ...raw, alpn: plainHttpAlpn, ...http },
      { ...raw, ...tcp },
    ],
  },
};

/** A port's chains: port 0 stands for all that no service declares. */
interface PortChains {
  readonly port: number;
  readonly chains: readonly FilterChain[];
}

/** @param ports what services (or a Sidecar resource) declare on the pod. */
export function inboundListener(model: MeshModel, pod: Pod, ports: readonly InboundPort[]): ListenerConfig {
  const mode = serverMode(model, pod.namespace, pod.labels);
  const authorization = authorizationFilters(model, pod.namespace, pod.labels);
  const declared = new Set(ports.map(({ targetPort }) => targetPort));
  const passthrough = [0, ...mode.ports.keys()].filter((port) => !declared.has(port));
  const sets: readonly PortChains[] = [
    ...passthrough.map((port) => passthroughChains(model, port, modeForPort(mode, port), authorization)),
    ...ports.map((port) => declaredChains(model, port, modeForPort(mode, port.targetPort), authorization)),
  ];
  return {
    '@type': listenerType,
    name: 'virtualInbound',
    address: { socket_address: { address: '0.0.0.0', port_value: capturePort } },
    filter_chains: [blackhole, ...sets.flatMap(({ chains }) => chains)],
    listener_filters: listenerFilters(sets),
    listener_filters_timeout: '0s',
    traffic_direction: 'INBOUND',
    continue_on_listener_filters_timeout: true,
    access_log: listenerAccessLog,
    max_connections_to_accept_per_socket_event: 1,
  };
}

/** Connections to the capture port itself would go round in circles. */
const blackhole: FilterChain = {
  filter_chain_match: { destination_port: capturePort },
  filters: [tcpProxy('BlackHoleCluster', { log: false })],
  name: 'virtualInbound-blackhole',
};

function passthroughChains(
  model: MeshModel,
  port: number,
  mode: MtlsMode,
  authorization: AuthorizationFilters,
): PortChains {
  const routes = inboundRoutes('InboundPassthroughCluster', 'inbound|http|0', ':0/*');
  const chains = rowsOf.AUTO[mode].map((row) =>
    buildChain(model, row, port, {
      name: row.http ? 'virtualInbound-catchall-http' : 'virtualInbound',
      statPrefix: 'InboundPassthroughCluster;',
      routes,
      cluster: 'InboundPassthroughCluster',
      authorization,
    }),
  );
  return { port, chains };
}

function declaredChains(
  model: MeshModel,
  declared: InboundPort,
  mode: MtlsMode,
  authorization: AuthorizationFilters,
): PortChains {
  const { targetPort, servicePort, host, protocol } = declared;
  const cluster = `inbound|${targetPort}||`;
  const table = isHttp(protocol) ? 'HTTP' : protocol === 'AUTO' ? 'AUTO' : 'TCP';
  const chains = rowsOf[table][mode].map((row) =>
    buildChain(model, row, targetPort, {
      name: `0.0.0.0_${targetPort}`,
      statPrefix: `inbound_0.0.0.0_${targetPort};`,
      routes: inboundRoutes(cluster, `inbound|http|${servicePort}`, `${host}:${servicePort}/*`),
      cluster,
      authorization,
    }),
  );
  return { port: targetPort, chains };
}

interface ChainTarget {
  readonly name: string;
  readonly statPrefix: string;
  readonly routes: RouteConfiguration;
  readonly cluster: string;
  readonly authorization: AuthorizationFilters;
}

function buildChain(model: MeshModel, row: ChainRow, port: number, target: ChainTarget): FilterChain {
  const match: FilterChainMatch = {
    ...(port === 0 ? {} : { destination_port: port }),
    transport_protocol: row.transport,
    ...(row.alpn === undefined ? {} : { application_protocols: row.alpn }),
  };
  return {
    filter_chain_match: match,
    filters: row.http
      ? [inboundHttp(target.statPrefix, target.routes, target.authorization.http)]
      : [...target.authorization.tcp, tcpProxy(target.cluster)],
    ...(row.terminate ? { transport_socket: inboundTls(model.config, row.http ? 'http' : 'tcp') } : {}),
    name: target.name,
  };
}

function inboundRoutes(cluster: string, host: string, operation: string): RouteConfiguration {
  return {
    name: cluster,
    virtual_hosts: [
      {
        name: host,
        domains: ['*'],
        routes: [
          {
            match: { prefix: '/' },
            route: {
              cluster,
              timeout: '0s',
              retry_policy: { retry_on: 'reset-before-request', num_retries: 2 },
              max_stream_duration: { max_stream_duration: '0s', grpc_timeout_header_max: '0s' },
            },
            decorator: { operation },
            name: 'default',
          },
        ],
      },
    ],
    validate_clusters: false,
  };
}

const inspectorType = (name: string, message: string): string =>
  `type.googleapis.com/envoy.extensions.filters.listener.${name}.v3.${message}`;

/** The inspectors look only where some chain depends on what they find. */
function listenerFilters(sets: readonly PortChains[]): readonly ListenerFilter[] {
  const tls = predicate(sets, (match) => match.transport_protocol === 'tls');
  const plainHttp = predicate(sets, (match) => match.application_protocols?.includes('http/1.1') === true);
  return [
    {
      name: 'envoy.filters.listener.original_dst',
      typed_config: { '@type': inspectorType('original_dst', 'OriginalDst') },
    },
    ...(tls === 'nowhere'
      ? []
      : [
          {
            name: 'envoy.filters.listener.tls_inspector',
            typed_config: {
              '@type': inspectorType('tls_inspector', 'TlsInspector'),
              initial_read_buffer_size: 512,
            },
            filter_disabled: tls,
          } as const,
        ]),
    ...(plainHttp === 'nowhere'
      ? []
      : [
          {
            name: 'envoy.filters.listener.http_inspector',
            typed_config: { '@type': inspectorType('http_inspector', 'HttpInspector') },
            filter_disabled: plainHttp,
          } as const,
        ]),
  ];
}

/** Where a filter is switched off, so that it runs on every port with a chain that wants it. */
function predicate(
  sets: readonly PortChains[],
  wants: (match: FilterChainMatch) => boolean,
): ListenerFilterPredicate | 'nowhere' {
  const wanted = new Map(
    sets.map(({ port, chains }) => [port, chains.some((chain) => wants(chain.filter_chain_match ?? {}))]),
  );
  if (![...wanted.values()].includes(true)) return 'nowhere';
  const range = (port: number): ListenerFilterPredicate => ({
    destination_port_range: { start: port, end: port + 1 },
  });
  const portsWhere = (value: boolean): number[] =>
    [...wanted].filter(([port, is]) => port !== 0 && is === value).map(([port]) => port);
  if (wanted.get(0) === true) {
    const rules = [...portsWhere(false), capturePort].sort((a, b) => a - b).map(range);
    return rules.length === 1 && rules[0] !== undefined ? rules[0] : { or_match: { rules } };
  }
  const rules = portsWhere(true)
    .sort((a, b) => a - b)
    .map(range);
  const on: ListenerFilterPredicate =
    rules.length === 1 && rules[0] !== undefined ? rules[0] : { or_match: { rules } };
  return { not_match: on };
}
