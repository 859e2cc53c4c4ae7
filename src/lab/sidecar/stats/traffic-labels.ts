/** Who called whom, in the labels of Istio's metrics, from what one proxy can know about a stream. */
import type { WorkloadMetadata } from '../config/proxy-config.ts';
import type { TrafficLabels } from './istio-metrics.ts';

const unknown = 'unknown';

export interface TrafficParties {
  readonly reporter: 'source' | 'destination';
  /** Undefined where the peer told nothing about itself: it has no sidecar. */
  readonly source: WorkloadMetadata | undefined;
  readonly destination: WorkloadMetadata | undefined;
  /** SPIFFE ids from the certificates of a mutual TLS connection. */
  readonly sourcePrincipal: string | undefined;
  readonly destinationPrincipal: string | undefined;
  /** `NAME.NAMESPACE.svc.cluster.local`, or where no service is known what the client asked for. */
  readonly service: { readonly host: string; readonly name: string; readonly namespace: string };
  readonly mutualTls: boolean;
  readonly protocol: TrafficLabels['request_protocol'];
  readonly responseFlags: string;
}

export function trafficLabels(parties: TrafficParties): TrafficLabels {
  const { source, destination, service, reporter } = parties;
  return {
    reporter,
    source_workload: source?.name ?? unknown,
    source_canonical_service: source?.canonicalName ?? unknown,
    source_canonical_revision: source?.canonicalRevision ?? 'latest',
    source_workload_namespace: source?.namespace ?? unknown,
    source_principal: parties.sourcePrincipal ?? unknown,
    source_app: source?.app ?? unknown,
    source_version: source?.version ?? unknown,
    source_cluster: source?.cluster ?? unknown,
    destination_workload: destination?.name ?? unknown,
    destination_workload_namespace: destination?.namespace ?? unknown,
    destination_principal: parties.destinationPrincipal ?? unknown,
    destination_app: destination?.app ?? unknown,
    destination_version: destination?.version ?? unknown,
    destination_service: service.host,
    destination_canonical_service: destination?.canonicalName ?? unknown,
    destination_canonical_revision: destination?.canonicalRevision ?? 'latest',
    destination_service_name: service.name,
    destination_service_namespace: service.namespace,
    destination_cluster: destination?.cluster ?? unknown,
    request_protocol: parties.protocol,
    response_flags: parties.responseFlags === '' ? '-' : parties.responseFlags,
    // The client's side cannot vouch for what the server saw: Istio reports `unknown` there.
    connection_security_policy: reporter === 'source' ? 'unknown' : parties.mutualTls ? 'mutual_tls' : 'none',
  };
}
