/** What a server's own proxy recorded of a request: a line in its access log, or a counter that went up. */
import { PadlockError } from '../../errors.ts';
import type { Cluster } from '../../sources/cluster.ts';
import { errorForStatus } from '../../sources/kube/status.ts';
import type { AdminReader } from '../admin.ts';
import { type AccessLogEntry, parseAccessLog } from '../envoy/access-log.ts';
import { parsePrometheus, type Sample } from '../envoy/prometheus.ts';

/**
 * The access log of a pod's sidecar since a moment.
 * @throws PadlockError `CLUSTER_FORBIDDEN` and whatever else the API server answers
 */
export async function recentAccessLog(
  cluster: Cluster,
  pod: { readonly namespace: string; readonly pod: string },
  seconds: number,
  signal: AbortSignal | undefined,
): Promise<readonly AccessLogEntry[]> {
  const query = new URLSearchParams({
    container: 'istio-proxy',
    sinceSeconds: String(Math.max(1, Math.ceil(seconds))),
    limitBytes: String(4 * 1024 * 1024),
  });
  const path = `/api/v1/namespaces/${encodeURIComponent(pod.namespace)}/pods/${encodeURIComponent(pod.pod)}/log?${query}`;
  const answer = await cluster.raw({ method: 'GET', path, ...(signal === undefined ? {} : { signal }) });
  if (answer.status >= 400) {
    const asked = { verb: 'get', group: '', resource: 'pods/log', namespace: pod.namespace, name: pod.pod };
    throw errorForStatus(answer.status, answer.body, asked, cluster.context);
  }
  return parseAccessLog(answer.body);
}

/** Istio's counters of requests and connections that a server received, with both identities as labels. */
const counters = /^istio_(requests_total|tcp_connections_opened_total)$/;

/** @returns undefined where the proxy cannot be read or has no such counters (Istio's telemetry is off). */
export async function receivedCounters(
  admin: AdminReader,
  pod: { readonly namespace: string; readonly pod: string },
): Promise<readonly Sample[] | undefined> {
  const filter = encodeURIComponent('istio_(requests_total|tcp_connections_opened_total)');
  const answer = await admin.get(pod.namespace, pod.pod, `/stats/prometheus?filter=${filter}`);
  if (!answer.ok) return undefined;
  return parsePrometheus(answer.text, (name) => counters.test(name)).filter(
    ({ labels }) => labels.reporter === 'destination',
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

/** @returns the missing right where the error is one, for a column that says "not allowed to look". */
export function missingRight(error: unknown, right: string): string | undefined {
  return error instanceof PadlockError && error.code === 'CLUSTER_FORBIDDEN' ? right : undefined;
}
