/**
 * Reads a proxy's counters: at its metrics port by the API server's pod proxy, else at its admin port by port-forward or
 * exec. The metrics port stays plaintext under STRICT, and what is read there is no traffic of the mesh.
 */
import { PadlockError } from '../../errors.ts';
import type { Cluster } from '../../sources/cluster.ts';
import { statusMessage } from '../../sources/kube/status.ts';
import { parsePrometheus, type Sample } from '../envoy/prometheus.ts';
import type { AdminReader } from './admin.ts';

export interface CounterReading {
  /** Milliseconds since the epoch, before the proxy answered. */
  readonly at: number;
  /** Seconds since the proxy started; undefined where it does not say. */
  readonly uptime: number | undefined;
  readonly samples: readonly Sample[];
  readonly via: 'pod proxy' | 'port-forward' | 'exec';
}

export type CounterAnswer =
  | { readonly read: true; readonly reading: CounterReading }
  | { readonly read: false; readonly reason: string; readonly right?: string };

/** Names of Envoy's statistics, before Prometheus' tags are taken out of them. */
const wanted = 'istio_requests_total|istio_tcp_connections_(opened|closed)_total|shadow_|server.uptime';
/** The same in Prometheus' form. Dry runs of TCP have lost most of their name to tags, so their samples are told by their labels. */
const kept =
  /^(istio_requests_total|istio_tcp_connections_(opened|closed)_total|envoy_(http|tcp).*|envoy_server_uptime)$/;
const uptimeName = 'envoy_server_uptime';

/** Reads the counters of many proxies; what one way was refused in a namespace is not tried there again. */
export class CounterReader {
  readonly #cluster: Cluster;
  readonly #admin: AdminReader;
  readonly #now: () => number;
  readonly #signal: AbortSignal | undefined;
  /** Namespaces where the pod proxy is forbidden. */
  readonly #noPodProxy = new Map<string, string>();

  constructor(cluster: Cluster, admin: AdminReader, now: () => number, signal?: AbortSignal) {
    this.#cluster = cluster;
    this.#admin = admin;
    this.#now = now;
    this.#signal = signal;
  }

  /** @throws only the signal's reason */
  async read(namespace: string, pod: string): Promise<CounterAnswer> {
    const at = this.#now();
    const path = `/stats/prometheus?filter=${encodeURIComponent(wanted)}`;
    const reasons: string[] = [];
    const refused = this.#noPodProxy.get(namespace);
    if (refused === undefined) {
      const answer = await this.#byPodProxy(namespace, pod, path);
      if ('text' in answer) return { read: true, reading: reading(at, answer.text, 'pod proxy') };
      reasons.push(`pod proxy: ${answer.reason}`);
    } else {
      reasons.push(`pod proxy: ${refused}`);
    }
    const admin = await this.#admin.get(namespace, pod, path);
    if (admin.ok) return { read: true, reading: reading(at, admin.text, admin.via) };
    const forbidden = admin.forbidden && this.#noPodProxy.has(namespace);
    return {
      read: false,
      reason: [...reasons, ...admin.reasons].join('; '),
      ...(forbidden ? { right: 'get pods/proxy, or create pods/portforward' } : {}),
    };
  }

  async #byPodProxy(
    namespace: string,
    pod: string,
    path: string,
  ): Promise<{ readonly text: string } | { readonly reason: string }> {
    try {
      const answer = await this.#cluster.raw({
        method: 'GET',
        path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}:15090/proxy${path}`,
        ...(this.#signal === undefined ? {} : { signal: this.#signal }),
      });
      if (answer.status === 200 && isMetrics(answer.body)) return { text: answer.body };
      if (answer.status === 200) return { reason: 'what answers at port 15090 is no metrics of Envoy' };
      const message = statusMessage(answer.body);
      if (answer.status === 403) this.#noPodProxy.set(namespace, message);
      return { reason: `${answer.status} ${message}` };
    } catch (error) {
      this.#signal?.throwIfAborted();
      if (!(error instanceof PadlockError)) throw error;
      return { reason: error.message };
    }
  }
}

/** Empty where nothing fits the filter. */
function isMetrics(text: string): boolean {
  return text.trim() === '' || text.startsWith('# ') || parsePrometheus(text).length > 0;
}

function reading(at: number, text: string, via: CounterReading['via']): CounterReading {
  const samples = parsePrometheus(text, (name) => kept.test(name));
  const uptime = samples.find(({ name }) => name === uptimeName)?.value;
  return { at, uptime, via, samples: samples.filter(isWanted) };
}

function isWanted({ name, labels }: Sample): boolean {
  return name.startsWith('istio_') || labels.authz_dry_run_result !== undefined;
}
