import type { Cluster } from '../upstream/cluster.ts';

export interface DestinationService {
  readonly host: string;
  readonly name: string;
  readonly namespace: string;
}

/** The service that a cluster stands for, by the metadata that istiod writes; else what the client asked for. */
export function serviceOf(cluster: Cluster | undefined, authority: string): DestinationService {
  const istio = cluster?.config.metadata?.filter_metadata.istio;
  const services = isRecord(istio) && Array.isArray(istio.services) ? istio.services : [];
  const first: unknown = services[0];
  if (isRecord(first)) {
    return { host: String(first.host), name: String(first.name), namespace: String(first.namespace) };
  }
  return { host: authority || 'unknown', name: cluster?.config.name ?? 'unknown', namespace: 'unknown' };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
