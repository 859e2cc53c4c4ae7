import type { StreamRecord } from '../access-log.ts';
import type { WorkloadMetadata } from '../config/proxy-config.ts';
import type { DownstreamConnection } from '../listener/downstream-connection.ts';
import { serviceOf } from '../stats/destination-service.ts';
import { trafficLabels } from '../stats/traffic-labels.ts';
import type { Cluster } from '../upstream/cluster.ts';
import type { TcpChain } from './tcp-proxy.ts';

/** @returns the function that counts the connection in Istio's metrics when it opens and when it closes. */
export function recordTcp(
  chain: TcpChain,
  connection: DownstreamConnection,
  cluster: Cluster | undefined,
  record: StreamRecord,
): (what: 'opened' | 'closed') => void {
  const { proxy, direction } = chain;
  const inbound = direction === 'INBOUND';
  const mutualTls = connection.tls && connection.peer !== undefined;
  const own = proxy.secrets.certificate?.value.spiffeId;
  // On TCP a peer tells who it is inside mutual TLS only (Istio's peer exchange).
  const byAddress = (ip: string | undefined): WorkloadMetadata | undefined =>
    ip === undefined ? undefined : proxy.config()?.workloads.get(ip);
  return (what) => {
    const destination = inbound ? proxy.node.workload : byAddress(record.upstreamHost?.split(':')[0]);
    const labels = trafficLabels({
      reporter: inbound ? 'destination' : 'source',
      source: inbound ? (mutualTls ? byAddress(connection.from.ip) : undefined) : proxy.node.workload,
      destination,
      sourcePrincipal: inbound ? connection.peer?.uris[0] : undefined,
      destinationPrincipal: inbound && mutualTls ? own : undefined,
      service: serviceOf(cluster, ''),
      mutualTls,
      protocol: 'tcp',
      responseFlags: what === 'opened' ? '' : record.flags.join(','),
    });
    if (what === 'opened') proxy.metrics.tcpConnection('opened', labels);
    else proxy.metrics.tcpConnection('closed', labels, record.bytesReceived, record.bytesSent);
  };
}
