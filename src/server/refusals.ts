/**
 * Refused connections as they happen: a sidecar under STRICT writes a refused plaintext connection into its access log as
 * `NR filter_chain_not_found`, with the sender's address. The logs are read every few seconds while a page listens.
 */
import { PadlockError } from '../errors.ts';
import { type AccessLogEntry, parseAccessLog } from '../evidence/envoy/access-log.ts';
import { findAddress } from '../mesh/find.ts';
import { type Mesh, workloads } from '../mesh/mesh.ts';
import type { Cluster } from '../sources/cluster.ts';
import { mapLimited } from '../sources/kube/limit.ts';
import { resourcePath } from '../sources/kube/resource-path.ts';
import { podsType } from '../sources/snapshot-types.ts';
import type { DashboardEvent } from './wire.ts';

type RefusedEvent = Extract<DashboardEvent, { kind: 'refused' }>;

/** Logs of more proxies than these are not followed; the page says so. */
export const followedProxies = 40;
const concurrency = 4;

export class Refusals {
  readonly #cluster: Cluster;
  readonly #told = new Set<string>();
  /** RFC 3339: lines from then on are read. */
  #since: string;

  constructor(cluster: Cluster, since: string) {
    this.#cluster = cluster;
    this.#since = since;
  }

  /**
   * @returns the refusals since the last call, oldest first, and how many proxies were looked at of how many
   * @throws PadlockError where logs may not be read
   */
  async look(
    mesh: Mesh,
    namespaces: readonly string[] | undefined,
    now: number,
    signal: AbortSignal,
  ): Promise<{ readonly events: readonly RefusedEvent[]; readonly followed: number; readonly of: number }> {
    const since = this.#since;
    const pods = workloads(mesh, namespaces)
      .filter(({ dataplane }) => dataplane === 'sidecar')
      .flatMap(({ namespace, pods: all }) =>
        all.filter(({ phase }) => phase === 'Running').map(({ name, ips }) => ({ namespace, name, ips })),
      );
    const followed = pods.slice(0, followedProxies);
    const events = await mapLimited(followed, concurrency, async ({ namespace, name, ips }) => {
      const log = await this.#log(namespace, name, since, signal);
      return parseAccessLog(log).flatMap((entry) => this.#refusal(mesh, { namespace, name, ips }, entry));
    });
    // Seconds overlap: the API's `sinceTime` is exact to one, and what was told is remembered.
    this.#since = new Date(now - 2000).toISOString();
    return {
      events: events.flat().toSorted((a, b) => (a.at < b.at ? -1 : 1)),
      followed: followed.length,
      of: pods.length,
    };
  }

  #refusal(
    mesh: Mesh,
    pod: { readonly namespace: string; readonly name: string; readonly ips: readonly string[] },
    entry: AccessLogEntry,
  ): readonly RefusedEvent[] {
    if (entry.details !== 'filter_chain_not_found') return [];
    const key = `${pod.namespace}/${pod.name} ${entry.time} ${entry.remoteAddress ?? ''}`;
    if (this.#told.has(key)) return [];
    this.#told.add(key);
    if (this.#told.size > 10_000) this.#told.clear();
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

  async #log(namespace: string, pod: string, since: string, signal: AbortSignal): Promise<string> {
    const query = new URLSearchParams({ container: 'istio-proxy', sinceTime: since, limitBytes: '1000000' });
    const path = `${resourcePath(podsType, namespace, pod)}/log?${query}`;
    const answer = await this.#cluster.raw({ method: 'GET', path, signal });
    if (answer.status === 403) {
      throw new PadlockError('CLUSTER_FORBIDDEN', `not allowed to read logs of pods in ${namespace}`);
    }
    // A pod that has just gone or not yet begun has no log.
    return answer.status === 200 ? answer.body : '';
  }
}
