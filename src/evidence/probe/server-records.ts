/** What a server's own proxy recorded of a request: a line in its access log, or a counter that went up. */
import type { AccessLogEntry } from '../envoy/access-log.ts';
import type { Sample } from '../envoy/prometheus.ts';
import type { ProxyReader } from '../proxy/reader.ts';

interface ServerPod {
  readonly namespace: string;
  readonly pod: string;
}

/** @returns what a pod's sidecar logged in the last seconds, or why that cannot be read */
export async function recentAccessLog(
  reader: ProxyReader,
  pod: ServerPod,
  seconds: number,
): Promise<readonly AccessLogEntry[] | { readonly unread: string }> {
  const entries: AccessLogEntry[] = [];
  const answer = await reader.accessLog(pod, { seconds }, (piece) => {
    entries.push(...piece.map(({ entry }) => entry));
  });
  return answer.read ? entries : { unread: answer.reason };
}

/**
 * Istio's counters of requests and connections that a server received, with both identities as labels.
 * @returns undefined where the proxy cannot be read
 */
export async function receivedCounters(
  reader: ProxyReader,
  { namespace, pod }: ServerPod,
): Promise<readonly Sample[] | undefined> {
  const answer = await reader.counters(namespace, pod);
  if (!answer.read) return undefined;
  return answer.reading.samples.filter(
    ({ name, labels }) => name !== 'istio_tcp_connections_closed_total' && labels.reporter === 'destination',
  );
}

export interface Received {
  /** `mutual_tls`, or `none`. */
  readonly security: string;
  /** SPIFFE ids; `unknown` for a plaintext caller. */
  readonly client: string;
  readonly server: string;
}

/** What was counted between two readings of one pod. */
export function receivedBetween(before: readonly Sample[], after: readonly Sample[]): readonly Received[] {
  const key = (sample: Sample): string =>
    sample.name + JSON.stringify(Object.entries(sample.labels).toSorted());
  const earlier = new Map(before.map((sample) => [key(sample), sample.value]));
  return after
    .filter((sample) => sample.value > (earlier.get(key(sample)) ?? 0))
    .map(({ labels }) => ({
      security: labels.connection_security_policy ?? '',
      client: labels.source_principal ?? '',
      server: labels.destination_principal ?? '',
    }));
}
