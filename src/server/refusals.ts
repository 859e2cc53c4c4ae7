/**
 * Refused connections as they happen: a sidecar under STRICT writes a refused plaintext connection into its access log as
 * `NR filter_chain_not_found`, with the sender's address. The logs are read in turn while a page listens.
 */
import type { AccessLogEntry } from '../evidence/envoy/access-log.ts';
import { splitAddress } from '../evidence/observed/access-log-records.ts';
import { type ProxyPod, proxyPods } from '../evidence/proxy/pods.ts';
import { ProxyReader } from '../evidence/proxy/reader.ts';
import { findAddress } from '../mesh/find.ts';
import { type Mesh, workloads } from '../mesh/mesh.ts';
import type { Cluster } from '../sources/cluster.ts';
import { mapLimited } from '../sources/kube/limit.ts';
import type { DashboardEvent, RefusalsView } from './wire.ts';

type RefusedEvent = Extract<DashboardEvent, { kind: 'refused' }>;

/** Logs read in one look: the API server hands each out from a node. Of more proxies a part is read each time, in turn. */
const logsPerLook = 40;
/** Proxies asked in one look whether they log refusals at all. */
const questionsPerLook = 2;
const concurrency = 4;
export const lookEveryMs = 3_000;
/** What was refused, and what a proxy said of its logging, is asked again after so long. */
const againMs = { refused: 60_000, logging: 600_000 } as const;

interface Followed {
  /** The stamp of the last line that was read. */
  readonly last: string;
  /** When it was read, in milliseconds since the epoch. */
  readonly at: number;
  /** Why it could not be read. */
  readonly why?: string;
}

export class Refusals {
  readonly #cluster: Cluster;
  /** RFC 3339: where the first look at a proxy begins. */
  readonly #began: string;
  /** By `NAMESPACE/POD`. */
  #followed = new Map<string, Followed>();
  #logging = new Map<string, { readonly at: number; readonly refusals: boolean | undefined }>();
  /** Namespaces whose logs may not be read. */
  readonly #forbidden = new Map<string, { readonly at: number; readonly why: string }>();
  #proxies: number | undefined;
  #tookMs = 0;

  constructor(cluster: Cluster, began: string) {
    this.#cluster = cluster;
    this.#began = began;
  }

  /** How long to rest before the next look. */
  get restMs(): number {
    return Math.max(lookEveryMs, 3 * this.#tookMs);
  }

  /** @returns the refusals that were found since the last look, oldest first */
  async look(
    mesh: Mesh,
    namespaces: readonly string[] | undefined,
    now: () => number,
    signal: AbortSignal,
  ): Promise<readonly RefusedEvent[]> {
    const began = now();
    const reader = new ProxyReader({ cluster: this.#cluster, now, signal });
    const pods = proxyPods(mesh, workloads(mesh, namespaces));
    this.#proxies = pods.size;
    this.#followed = new Map([...this.#followed].filter(([name]) => pods.has(name)));
    this.#logging = new Map([...this.#logging].filter(([name]) => pods.has(name)));
    const turn = this.#whoseTurn(pods, began);
    const found = await mapLimited(turn, concurrency, (pod) => this.#lookAt(reader, mesh, pod, now));
    await this.#askLogging(reader, pods, now);
    this.#tookMs = now() - began;
    return found.flat().toSorted((a, b) => (a.at < b.at ? -1 : 1));
  }

  /** Which proxies are read, how often, and which are not. */
  view(): RefusalsView {
    const looks = Math.ceil((this.#proxies ?? 0) / logsPerLook);
    const failed = [...this.#followed].flatMap(([pod, { why }]) => (why === undefined ? [] : [{ pod, why }]));
    const silent = [...this.#logging].flatMap(([pod, { refusals }]) => (refusals === false ? [pod] : []));
    return {
      ...(this.#proxies === undefined ? {} : { proxies: this.#proxies }),
      everySeconds: Math.round((looks * (this.restMs + this.#tookMs)) / 1000),
      forbidden: [...this.#forbidden].map(([namespace, { why }]) => ({ namespace, why })),
      failed,
      silent: silent.toSorted(),
    };
  }

  /** Those that have waited longest, but none that were refused a moment ago. */
  #whoseTurn(pods: ReadonlyMap<string, ProxyPod>, at: number): readonly ProxyPod[] {
    for (const [namespace, refused] of this.#forbidden) {
      if (at - refused.at > againMs.refused) this.#forbidden.delete(namespace);
    }
    const readAt = (name: string): number => this.#followed.get(name)?.at ?? 0;
    return [...pods]
      .filter(([, { namespace }]) => !this.#forbidden.has(namespace))
      .toSorted(([a], [b]) => readAt(a) - readAt(b))
      .slice(0, logsPerLook)
      .map(([, pod]) => pod);
  }

  async #lookAt(
    reader: ProxyReader,
    mesh: Mesh,
    pod: ProxyPod,
    now: () => number,
  ): Promise<readonly RefusedEvent[]> {
    const { namespace } = pod;
    if (this.#forbidden.has(namespace)) return [];
    const name = `${namespace}/${pod.name}`;
    const after = this.#followed.get(name)?.last ?? this.#began;
    const events: RefusedEvent[] = [];
    const answer = await reader.accessLog({ ...pod, pod: pod.name }, { after }, (entries) => {
      events.push(...entries.flatMap(({ entry }) => refusal(mesh, pod, entry)));
    });
    const at = now();
    if (answer.read) {
      const why = answer.gap === undefined ? {} : { why: answer.gap };
      this.#followed.set(name, { last: answer.last ?? after, at, ...why });
    } else {
      if (answer.right !== undefined) this.#forbidden.set(namespace, { at, why: answer.reason });
      this.#followed.set(name, {
        last: after,
        at,
        ...(answer.right === undefined ? { why: answer.reason } : {}),
      });
    }
    return events;
  }

  /** Nothing comes from a proxy that does not log refusals: a few are asked each time, all of them by and by. */
  async #askLogging(
    reader: ProxyReader,
    pods: ReadonlyMap<string, ProxyPod>,
    now: () => number,
  ): Promise<void> {
    const askedAt = (name: string): number => this.#logging.get(name)?.at ?? Number.NEGATIVE_INFINITY;
    const due = [...pods]
      .filter(([name, pod]) => pod.ready && now() - askedAt(name) > againMs.logging)
      .slice(0, questionsPerLook);
    for (const [name, pod] of due) {
      const logging = await reader.accessLogging(pod.namespace, pod.name);
      this.#logging.set(name, { at: now(), refusals: logging?.refusals });
    }
  }
}

function refusal(mesh: Mesh, pod: ProxyPod, entry: AccessLogEntry): readonly RefusedEvent[] {
  if (entry.details !== 'filter_chain_not_found') return [];
  const address = splitAddress(entry.remoteAddress)?.address ?? '';
  const found = findAddress(mesh, address);
  const sender =
    found !== undefined && 'workload' in found
      ? `${found.workload.namespace}/${found.pod}`
      : address === ''
        ? 'an address that the log does not tell'
        : `${address} (no pod: a node, the API server, by which Padlock probes too, or somebody outside)`;
  const port = splitAddress(entry.localAddress)?.port;
  return [
    {
      kind: 'refused',
      at: entry.time,
      namespace: pod.namespace,
      pod: `${pod.namespace}/${pod.name}`,
      ...(port === undefined ? {} : { port }),
      sender,
      text: `${pod.namespace}/${pod.name} refused a plaintext connection of ${sender}`,
    },
  ];
}
