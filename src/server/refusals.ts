/**
 * Refused connections as they happen: a sidecar under STRICT writes a refused plaintext connection into its access log as
 * `NR filter_chain_not_found`, with the sender's address. The logs are read every few seconds while a page listens.
 */
import { PadlockError } from '../errors.ts';
import type { AccessLogEntry } from '../evidence/envoy/access-log.ts';
import { type ProxyPod, proxyPods } from '../evidence/proxy/pods.ts';
import { ProxyReader } from '../evidence/proxy/reader.ts';
import { findAddress } from '../mesh/find.ts';
import { type Mesh, workloads } from '../mesh/mesh.ts';
import type { Cluster } from '../sources/cluster.ts';
import { mapLimited } from '../sources/kube/limit.ts';
import type { DashboardEvent } from './wire.ts';

type RefusedEvent = Extract<DashboardEvent, { kind: 'refused' }>;

/** Logs of more proxies than these are not followed; the page says so. */
export const followedProxies = 40;
const concurrency = 4;

export class Refusals {
  readonly #cluster: Cluster;
  /** RFC 3339: where the first look at a proxy begins. */
  readonly #began: string;
  /** The stamp of the last line that was read, by `NAMESPACE/POD`. */
  #read: ReadonlyMap<string, string> = new Map();

  constructor(cluster: Cluster, began: string) {
    this.#cluster = cluster;
    this.#began = began;
  }

  /**
   * @returns the refusals since the last call, oldest first, and how many proxies were looked at of how many
   * @throws PadlockError where logs may not be read
   */
  async look(
    mesh: Mesh,
    namespaces: readonly string[] | undefined,
    now: () => number,
    signal: AbortSignal,
  ): Promise<{ readonly events: readonly RefusedEvent[]; readonly followed: number; readonly of: number }> {
    const reader = new ProxyReader({ cluster: this.#cluster, now, signal });
    const pods = [...proxyPods(mesh, workloads(mesh, namespaces)).values()];
    const followed = pods.slice(0, followedProxies);
    const looks = await mapLimited(followed, concurrency, async (pod) => this.#lookAt(reader, mesh, pod));
    this.#read = new Map(looks.map(({ name, last }) => [name, last]));
    return {
      events: looks.flatMap(({ events }) => events).toSorted((a, b) => (a.at < b.at ? -1 : 1)),
      followed: followed.length,
      of: pods.length,
    };
  }

  async #lookAt(reader: ProxyReader, mesh: Mesh, pod: ProxyPod) {
    const name = `${pod.namespace}/${pod.name}`;
    const after = this.#read.get(name) ?? this.#began;
    const events: RefusedEvent[] = [];
    const answer = await reader.accessLog({ ...pod, pod: pod.name }, { after }, (entries) => {
      events.push(...entries.flatMap(({ entry }) => refusal(mesh, pod, entry)));
    });
    // A pod that has just gone or not yet begun has no log; what may not be read is told.
    if (!answer.read && answer.right !== undefined)
      throw new PadlockError('CLUSTER_FORBIDDEN', answer.reason);
    return { name, events, last: answer.read ? (answer.last ?? after) : after };
  }
}

function refusal(mesh: Mesh, pod: ProxyPod, entry: AccessLogEntry): readonly RefusedEvent[] {
  if (entry.details !== 'filter_chain_not_found') return [];
  const address = (entry.remoteAddress ?? '').replace(/:\d+$/, '');
  const found = findAddress(mesh, address);
  const sender =
    found !== undefined && 'workload' in found
      ? `${found.workload.namespace}/${found.pod}`
      : address === ''
        ? 'an address that the log does not tell'
        : address;
  const port = Number(/:(\d+)$/.exec(entry.localAddress ?? '')?.[1]);
  return [
    {
      kind: 'refused',
      at: entry.time,
      namespace: pod.namespace,
      pod: `${pod.namespace}/${pod.name}`,
      ...(Number.isInteger(port) ? { port } : {}),
      sender,
      text: `${pod.namespace}/${pod.name} refused a plaintext connection of ${sender}`,
    },
  ];
}
