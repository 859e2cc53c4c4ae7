/** A finished request as Istio's metrics count it. */
import type { WorkloadMetadata } from '../config/proxy-config.ts';
import { serviceOf } from '../stats/destination-service.ts';
import { trafficLabels } from '../stats/traffic-labels.ts';
import { peerMetadataIdHeader } from './request-headers.ts';
import type { ServedStream } from './serve-exchange.ts';

export function recordRequest({ chain, connection, request, record }: ServedStream): void {
  const { proxy, direction } = chain;
  const inbound = direction === 'INBOUND';
  const answeredBy = inbound ? undefined : record.responseHeaders?.get(peerMetadataIdHeader);
  const cluster = record.upstreamCluster === undefined ? undefined : proxy.cluster(record.upstreamCluster);
  const own = proxy.secrets.certificate?.value.spiffeId;
  const grpc = request.headers.get('content-type')?.startsWith('application/grpc') === true;
  const mutualTls = connection.tls && connection.peer !== undefined;
  const upstreamPeer = inbound
    ? undefined
    : peerPrincipal(workloadOf(proxy.config()?.workloads, answeredBy), proxy.config()?.trustDomain);
  proxy.metrics.request(
    {
      ...trafficLabels({
        reporter: inbound ? 'destination' : 'source',
        source: inbound ? workloadOf(proxy.config()?.workloads, request.peerNode) : proxy.node.workload,
        destination: inbound ? proxy.node.workload : workloadOf(proxy.config()?.workloads, answeredBy),
        sourcePrincipal: inbound ? connection.peer?.uris[0] : upstreamPeer === undefined ? undefined : own,
        destinationPrincipal: inbound ? (mutualTls ? own : undefined) : upstreamPeer,
        service: serviceOf(cluster, request.authority),
        mutualTls,
        protocol: grpc ? 'grpc' : 'http',
        responseFlags: record.flags.join(','),
      }),
      response_code: String(record.responseCode),
      grpc_response_status: record.responseHeaders?.get('grpc-status') ?? '',
    },
    record.durationMs,
    record.bytesReceived,
    record.bytesSent,
  );
}

/** `sidecar~IP~NAME.NAMESPACE~DOMAIN` names the workload by its address. */
function workloadOf(
  workloads: ReadonlyMap<string, WorkloadMetadata> | undefined,
  node: string | undefined,
): WorkloadMetadata | undefined {
  const ip = node?.split('~')[1];
  return ip === undefined ? undefined : workloads?.get(ip);
}

function peerPrincipal(
  workload: WorkloadMetadata | undefined,
  trustDomain: string | undefined,
): string | undefined {
  if (workload === undefined || trustDomain === undefined) return undefined;
  return `spiffe://${trustDomain}/ns/${workload.namespace}/sa/${workload.serviceAccount}`;
}
