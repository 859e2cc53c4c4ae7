/**
 * What the servers' own proxies recorded since the last look: requests in plaintext and connections refused for lack of
 * mutual TLS, with their senders (access log), and failed handshakes (counters, where the mesh exports them).
 */
import { type Mesh, workloads } from '../../mesh/mesh.ts';
import type { Cluster } from '../../sources/cluster.ts';
import { mapLimited } from '../../sources/kube/limit.ts';
import { accessLogRecords } from '../observed/access-log-records.ts';
import { addressBook, type Party } from '../observed/address-book.ts';
import type { TrafficRecord } from '../observed/record.ts';
import { type ProxyPod, podsWithProxy } from '../proxy/pods.ts';
import { ProxyReader } from '../proxy/reader.ts';
import type { Fact } from './fact.ts';

/** One kind of thing that happened between one sender and one server port since the last look. */
export interface Traffic {
  readonly kind: 'plaintext' | 'refused' | 'tls-failed';
  readonly namespace: string;
  /** `shop/Deployment/cart:8080`, or a pod for failed handshakes. */
  readonly server: string;
  /** `bank/Deployment/batch`, an address, or for failed handshakes the counter's name. */
  readonly sender: string;
  readonly count: number;
}

/** Where the last look ended, by pod: `NAMESPACE/NAME`. Saved with the state, so that a restart reads on from there. */
export interface Cursors {
  /** Nothing was read yet: what was logged before is not told. A pod that is new later is read from its beginning. */
  readonly first: boolean;
  /** The time that the kubelet gave the last line read (RFC 3339, nanoseconds). */
  readonly logs: ReadonlyMap<string, string>;
  /** Counters of failed handshakes: `POD NAME`. */
  readonly counters: ReadonlyMap<string, number>;
}

export interface TrafficLook {
  readonly traffic: readonly Traffic[];
  readonly cursors: Cursors;
  /** Namespaces whose logs may not be read. */
  readonly facts: readonly Fact[];
  /** Pods whose log could not be read, and why. */
  readonly unread: ReadonlyMap<string, string>;
  /** Pods whose proxy exports the counters of failed handshakes. */
  readonly counting: number;
}

const atOnce = 8;
const beginning = '1970-01-01T00:00:00Z';
const tlsFailures =
  /^listener\.[^;]*_15006\.ssl\.(fail_verify_error|fail_verify_san|fail_verify_cert_hash|fail_verify_no_cert|no_certificate|connection_error)$/;

type Happening = Omit<Traffic, 'count'>;

export async function lookAtTraffic(
  mesh: Mesh,
  namespaces: readonly string[] | undefined,
  before: Cursors,
  effects: { readonly cluster: Cluster; readonly signal: AbortSignal; now(): number },
): Promise<TrafficLook> {
  const reader = new ProxyReader(effects);
  const book = addressBook([mesh]);
  const began = new Date(effects.now()).toISOString();
  const sums = new Sums();
  const logs = new Map<string, string>();
  const counters = new Map<string, number>();
  const unread = new Map<string, string>();
  const facts = new Map<string, Fact>();
  let counting = 0;
  const pods = podsWithProxy(mesh, workloads(mesh, namespaces)).filter(
    ({ workload }) => workload.dataplane !== 'waypoint',
  );
  await mapLimited(pods, atOnce, async (pod) => {
    const { namespace } = pod;
    const name = `${namespace}/${pod.name}`;
    const after = before.logs.get(name) ?? (before.first ? began : beginning);
    const log = await reader.accessLog({ ...pod, pod: pod.name }, { after }, (entries) => {
      for (const record of accessLogRecords(pod.workload, pod.addresses, entries, book)) {
        const happening = happeningOf(pod, record);
        if (happening !== undefined) sums.add(happening, record.count);
      }
    });
    logs.set(name, log.read ? (log.last ?? after) : after);
    if (!log.read) unread.set(name, log.reason);
    if (!log.read && log.right !== undefined) {
      const key = `unseen access logs of ${namespace}`;
      facts.set(key, { key, value: '', namespace, detail: log.reason });
    }
    const failures = await tlsFailuresOf(reader, pod);
    if (failures.length > 0) counting += 1;
    for (const [counter, value] of failures) {
      const key = `${name} ${counter}`;
      counters.set(key, value);
      const grown = grownBy(value, before.counters.get(key));
      const reason = counter.slice(counter.lastIndexOf('.') + 1);
      if (grown > 0) sums.add({ kind: 'tls-failed', namespace, server: name, sender: reason }, grown);
    }
  });
  const cursors = { first: false, logs, counters };
  return { traffic: sums.all(), cursors, facts: [...facts.values()], unread, counting };
}

/** How often the same thing happened. */
class Sums {
  readonly #counts = new Map<string, { readonly one: Happening; count: number }>();

  add(one: Happening, by: number): void {
    const key = `${one.kind} ${one.server} ${one.sender}`;
    const known = this.#counts.get(key);
    if (known === undefined) this.#counts.set(key, { one, count: by });
    else known.count += by;
  }

  all(): readonly Traffic[] {
    return [...this.#counts.values()].map(({ one, count }) => ({ ...one, count }));
  }
}

/** @returns undefined for what is as it should be, and for what is no news: Padlock's own probes, a pod that calls itself */
function happeningOf({ workload, namespace }: ProxyPod, record: TrafficRecord): Happening | undefined {
  const { sender, security, refused, port = 0 } = record;
  if (sender.kind === 'padlock' || sender.kind === 'self') return undefined;
  const kind = refused === true ? 'refused' : security === 'plaintext' ? 'plaintext' : undefined;
  if (kind === undefined) return undefined;
  const server = `${namespace}/${workload.kind}/${workload.name}:${port}`;
  return { kind, namespace, server, sender: fullName(sender) };
}

/** A proxy that started anew counts from zero; one that was never looked at tells nothing of since when. */
function grownBy(value: number, earlier: number | undefined): number {
  if (earlier === undefined) return 0;
  return value < earlier ? value : value - earlier;
}

async function tlsFailuresOf(
  reader: ProxyReader,
  { namespace, name }: ProxyPod,
): Promise<readonly (readonly [string, number])[]> {
  const answer = await reader.stats(namespace, name, '_15006.ssl');
  return answer.read ? [...answer.stats].filter(([counter]) => tlsFailures.test(counter)) : [];
}

function fullName({ namespace, name }: Party): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}
