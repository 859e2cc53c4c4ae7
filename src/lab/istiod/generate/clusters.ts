/** Clusters: the services that a client may call, the application behind the sidecar, and the catch-alls. */

import { matchesLabels } from '../../../istio/selector.ts';
import {
  type ClusterConfig,
  type ClusterLoadAssignment,
  clusterType,
  httpProtocolOptionsType,
  type LbEndpoint,
  loadAssignmentType,
} from '../../sidecar/config/cluster.ts';
import { rawBufferSocket, type UpstreamTlsSocket } from '../../sidecar/config/tls.ts';
import type { MeshModel } from '../model/mesh-model.ts';
import type { MeshService, MeshServicePort } from '../model/mesh-service.ts';
import type { PortProtocol } from '../model/protocol.ts';
import { endpointsOf, type MeshEndpoint } from '../model/service-endpoints.ts';
import {
  type ClusterQuestion,
  type ClusterTls,
  clusterTls,
  endpointTlsMode,
  usesOriginalDestination,
} from '../policy/client-tls.ts';
import type { ConsolidatedRule } from '../policy/destination-rule-index.ts';
import type { InboundPort } from './inbound-ports.ts';
import { meshTls, userTls } from './tls-contexts.ts';
import { workloadLabel } from './workload-metadata.ts';

const noLimits = {
  thresholds: [
    {
      max_connections: 4294967295,
      max_pending_requests: 4294967295,
      max_requests: 4294967295,
      max_retries: 4294967295,
    },
  ],
} as const;

/** The address that tells the capture rules: this comes from the sidecar and goes to the application. */
const toApplication = { source_address: { address: '127.0.0.6', port_value: 0 } } as const;

const downstreamProtocol = {
  'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
    '@type': httpProtocolOptionsType,
    common_http_protocol_options: { idle_timeout: '300s' },
    use_downstream_protocol_config: { http_protocol_options: {}, http2_protocol_options: {} },
  },
} as const;

const http2Protocol = {
  'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
    '@type': httpProtocolOptionsType,
    explicit_http_config: { http2_protocol_options: {} },
  },
} as const;

function protocolOptions(protocol: PortProtocol): Pick<ClusterConfig, 'typed_extension_protocol_options'> {
  if (protocol === 'HTTP2') return { typed_extension_protocol_options: http2Protocol };
  if (protocol === 'AUTO') return { typed_extension_protocol_options: downstreamProtocol };
  return {};
}

/** The three that every sidecar has. */
export const catchAllClusters: readonly ClusterConfig[] = [
  {
    '@type': clusterType,
    name: 'BlackHoleCluster',
    type: 'STATIC',
    connect_timeout: '10s',
    alt_stat_name: 'BlackHoleCluster;',
  },
  {
    '@type': clusterType,
    name: 'InboundPassthroughCluster',
    type: 'ORIGINAL_DST',
    connect_timeout: '10s',
    lb_policy: 'CLUSTER_PROVIDED',
    circuit_breakers: noLimits,
    upstream_bind_config: toApplication,
    // As Istio has it: both pass-through clusters count under one name.
    alt_stat_name: 'PassthroughCluster;',
    typed_extension_protocol_options: downstreamProtocol,
  },
  {
    '@type': clusterType,
    name: 'PassthroughCluster',
    type: 'ORIGINAL_DST',
    connect_timeout: '10s',
    lb_policy: 'CLUSTER_PROVIDED',
    circuit_breakers: noLimits,
    alt_stat_name: 'PassthroughCluster;',
    typed_extension_protocol_options: downstreamProtocol,
  },
];

/** To the application on one declared port. */
export function inboundCluster(port: InboundPort): ClusterConfig {
  const name = `inbound|${port.targetPort}||`;
  return {
    '@type': clusterType,
    name,
    type: 'ORIGINAL_DST',
    connect_timeout: '10s',
    lb_policy: 'CLUSTER_PROVIDED',
    circuit_breakers: noLimits,
    cleanup_interval: '9223372035s',
    upstream_bind_config: toApplication,
    metadata: { filter_metadata: { istio: { services: port.services } } },
    common_lb_config: {},
    alt_stat_name: `${name};`,
    ...protocolOptions(port.protocol),
  };
}

export function outboundClusterName(service: MeshService, port: number, subset = ''): string {
  return `outbound|${port}|${subset}|${service.host}`;
}

export interface OutboundCluster {
  readonly cluster: ClusterConfig;
  readonly endpoints: ClusterLoadAssignment;
}

/** The clusters of one service port for a client: the whole, and each subset of the rule. */
export function outboundClusters(
  model: MeshModel,
  service: MeshService,
  port: MeshServicePort,
  rule: ConsolidatedRule | undefined,
): readonly OutboundCluster[] {
  return [undefined, ...(rule?.subsets ?? []).map(({ name }) => name)].map((subset) =>
    outboundCluster({ model, service, port, subset, rule }),
  );
}

function outboundCluster(question: ClusterQuestion): OutboundCluster {
  const { model, service, port, subset, rule } = question;
  const name = outboundClusterName(service, port.port, subset);
  const originalDestination = usesOriginalDestination(question);
  const all = endpointsOf(model, service, port);
  const labels = rule?.subsets.find((candidate) => candidate.name === subset)?.labels;
  const members =
    labels === undefined ? all : all.filter((endpoint) => matchesLabels(labels, endpoint.labels));
  const reference =
    rule === undefined
      ? {}
      : { config: `/apis/networking.istio.io/v1/namespaces/${rule.namespace}/destination-rule/${rule.name}` };
  const services = [{ host: service.host, name: service.name, namespace: service.namespace }];
  const tls = clusterTls(question);
  const istio = {
    services,
    ...reference,
    ...(subset === undefined ? {} : { subset }),
    // Within TLS that is not Istio's, Istio's protocol names mean nothing (util.go, AddALPNOverrideToMetadata).
    ...(tls.kind === 'user' ? { alpn_override: 'false' } : {}),
  };
  const cluster: ClusterConfig = {
    '@type': clusterType,
    name,
    ...discovery(question, name, originalDestination),
    connect_timeout: '10s',
    lb_policy: originalDestination ? 'CLUSTER_PROVIDED' : 'LEAST_REQUEST',
    circuit_breakers: noLimits,
    metadata: { filter_metadata: { istio } },
    common_lb_config: originalDestination ? {} : { healthy_panic_threshold: {} },
    alt_stat_name: `${name};`,
    ...protocolOptions(port.protocol),
    ...transportSockets(question, tls, originalDestination, all),
  };
  const assignment = {
    '@type': loadAssignmentType,
    cluster_name: name,
    ...(originalDestination || members.length === 0 ? {} : { endpoints: [locality(question, members)] }),
    policy: { overprovisioning_factor: 140 },
  } as const;
  return { cluster, endpoints: assignment };
}

function discovery(
  question: ClusterQuestion,
  name: string,
  originalDestination: boolean,
): Pick<ClusterConfig, 'type' | 'eds_cluster_config'> {
  if (originalDestination) return { type: 'ORIGINAL_DST' };
  if (question.service.resolution === 'dns') return { type: 'STRICT_DNS' };
  return {
    type: 'EDS',
    eds_cluster_config: {
      eds_config: { ads: {}, initial_fetch_timeout: '0s', resource_api_version: 'V3' },
      service_name: name,
    },
  };
}

/** Auto mTLS decides endpoint by endpoint where the proxy chooses one; everything else holds for all endpoints alike. */
function transportSockets(
  question: ClusterQuestion,
  tls: ClusterTls,
  originalDestination: boolean,
  endpoints: readonly MeshEndpoint[],
): Pick<ClusterConfig, 'transport_socket' | 'transport_socket_matches'> {
  const { model, service, port, subset } = question;
  if (tls.kind === 'none') return {};
  if (tls.kind === 'user') return { transport_socket: userTls(model.config, tls.tls) };
  const socket: UpstreamTlsSocket = meshTls({
    config: model.config,
    sni: tls.sni ?? `outbound_.${port.port}_.${subset ?? ''}_.${service.host}`,
    identities: tls.subjectAltNames.length > 0 ? tls.subjectAltNames : serviceIdentities(question, endpoints),
    http2: port.protocol === 'HTTP2',
  });
  if (!tls.auto || originalDestination) return { transport_socket: socket };
  return {
    transport_socket_matches: [
      { name: 'tlsMode-istio', match: { tlsMode: 'istio' }, transport_socket: socket },
      { name: 'tlsMode-disabled', match: {}, transport_socket: rawBufferSocket },
    ],
  };
}

/** The SPIFFE ids of everybody behind the service, all ports and subsets together, in every trusted domain. */
function serviceIdentities(
  { model, service }: ClusterQuestion,
  endpoints: readonly MeshEndpoint[],
): readonly string[] {
  if (service.subjectAltNames.length > 0) return service.subjectAltNames;
  const everyPort =
    service.ports.length <= 1
      ? endpoints
      : service.ports.flatMap((port) => endpointsOf(model, service, port));
  const domains = [model.config.trustDomain, ...model.config.trustDomainAliases];
  const ids = new Set<string>();
  for (const { namespace, serviceAccount } of everyPort) {
    if (serviceAccount === '') continue;
    for (const domain of domains) ids.add(`spiffe://${domain}/ns/${namespace}/sa/${serviceAccount}`);
  }
  return [...ids].sort();
}

function locality(question: ClusterQuestion, members: readonly MeshEndpoint[]) {
  return {
    locality: {},
    lb_endpoints: members.map((endpoint) => lbEndpoint(question, endpoint)),
    load_balancing_weight: members.length,
  };
}

function lbEndpoint(question: ClusterQuestion, endpoint: MeshEndpoint): LbEndpoint {
  const tlsMode = endpointTlsMode(question, endpoint);
  return {
    endpoint: {
      address: { socket_address: { address: endpoint.ip, port_value: endpoint.port } },
      health_check_config: {},
    },
    health_status: 'HEALTHY',
    metadata: {
      filter_metadata: {
        istio: { workload: workloadLabel(endpoint) },
        ...(tlsMode === undefined ? {} : { 'envoy.transport_socket_match': { tlsMode } }),
      },
    },
    load_balancing_weight: 1,
  };
}
