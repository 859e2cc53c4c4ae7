/**
 * What the servers' own proxies recorded since the last look: requests in plaintext and connections refused for lack of
 * mutual TLS, with their senders (access log), and failed handshakes (counters, where the mesh exports them).
 */
import { PadlockError } from '../../errors.ts';
import type { Mesh } from '../../mesh/mesh.ts';
import type { Cluster } from '../../sources/cluster.ts';
import { mapLimited } from '../../sources/kube/limit.ts';
import { errorForStatus } from '../../sources/kube/status.ts';
import { AdminReader } from '../admin.ts';
import { parseAccessLogLine } from '../envoy/access-log.ts';
import { parseStats } from '../envoy/stats.ts';
import { accessLogRecords } from '../observed/access-log-records.ts';
import { addressBook, type Party } from '../observed/address-book.ts';
import type { LoggedEntry } from '../observed/read-access-log.ts';
import type { Fact } from './fact.ts';
import { podsWithProxy } from './proxy-facts.ts';

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
const mostBytes = 4 * 1024 * 1024;
const tlsFailures =
  /^listener\.[^;]*_15006\.ssl\.(fail_verify_error|fail_verify_san|fail_verify_cert_hash|fail_verify_no_cert|no_certificate|connection_error)$/;

export async function lookAtTraffic(
  mesh: Mesh,
  namespaces: readonly string[] | undefined,
  before: Cursors,
  effects: { readonly cluster: Cluster; readonly signal: AbortSignal; now(): number },
): Promise<TrafficLook> {
  const book = addressBook([mesh]);
  const admin = new AdminReader(effects.cluster, effects.signal);
  const counts = new Map<string, { readonly one: Omit<Traffic, 'count'>; count: number }>();
  const logs = new Map<string, string>();
  const counters = new Map<string, number>();
  const unread = new Map<string, string>();
  const began = new Date(effects.now()).toISOString();
  const facts = new Map<string, Fact>();
  let counting = 0;
  const add = (one: Omit<Traffic, 'count'>, by: number): void => {
    const key = `${one.kind} ${one.server} ${one.sender}`;
    const known = counts.get(key);
    if (known === undefined) counts.set(key, { one, count: by });
    else known.count += by;
  };
  await mapLimited(podsWithProxy(mesh, namespaces), atOnce, async ({ workload, pod }) => {
    const { namespace } = workload;
    const name = `${namespace}/${pod}`;
    const server = `${namespace}/${workload.kind}/${workload.name}`;
    const own = new Set(workload.pods.find((one) => one.name === pod)?.ips);
    const since = before.logs.get(name) ?? (before.first ? began : beginning);
    logs.set(name, since);
    try {
      const { entries, last } = await readLog(effects, namespace, pod, since);
      logs.set(name, last);
      for (const record of accessLogRecords(workload, own, entries, book)) {
        const { sender, security, refused, port = 0 } = record;
        // Padlock's own probes are no news, nor is what a pod says to itself.
        if (sender.kind === 'padlock' || sender.kind === 'self') continue;
        const kind = refused === true ? 'refused' : security === 'plaintext' ? 'plaintext' : undefined;
        if (kind === undefined) continue;
        add({ kind, namespace, server: `${server}:${port}`, sender: fullName(sender) }, record.count);
      }
    } catch (error) {
      if (!(error instanceof PadlockError)) throw error;
      unread.set(name, error.message);
      if (error.code === 'CLUSTER_FORBIDDEN') {
        const key = `unseen access logs of ${namespace}`;
        facts.set(key, { key, value: '', namespace, detail: error.message });
      }
    }
    const stats = await admin.get(namespace, pod, '/stats?filter=_15006.ssl');
    if (!stats.ok) return;
    const failures = [...parseStats(stats.text)].filter(([counter]) => tlsFailures.test(counter));
    if (failures.length > 0) counting += 1;
    for (const [counter, value] of failures) {
      const key = `${name} ${counter}`;
      // A proxy that started anew counts from zero; one that was never looked at tells nothing of since when.
      const earlier = before.counters.get(key);
      counters.set(key, value);
      const grown = earlier === undefined ? 0 : value < earlier ? value : value - earlier;
      const reason = counter.slice(counter.lastIndexOf('.') + 1);
      if (grown > 0) add({ kind: 'tls-failed', namespace, server: name, sender: reason }, grown);
    }
  });
  const traffic = [...counts.values()].map(({ one, count }) => ({ ...one, count }));
  return { traffic, cursors: { first: false, logs, counters }, facts: [...facts.values()], unread, counting };
}

/** Lines after `since`, by the kubelet's own time stamps: lines are logged when a request ends, not in the order of its start. */
async function readLog(
  { cluster, signal }: { readonly cluster: Cluster; readonly signal: AbortSignal },
  namespace: string,
  pod: string,
  since: string,
): Promise<{ readonly entries: readonly LoggedEntry[]; readonly last: string }> {
  const query = new URLSearchParams({
    container: 'istio-proxy',
    timestamps: 'true',
    // Whole seconds to the API; what was read already is left out below.
    sinceTime: `${since.slice(0, 19)}Z`,
    limitBytes: String(mostBytes),
  });
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/log?${query}`;
  const answer = await cluster.raw({ method: 'GET', path, signal });
  if (answer.status >= 400) {
    const asked = { verb: 'get', group: '', resource: 'pods/log', namespace, name: pod };
    throw errorForStatus(answer.status, answer.body, asked, cluster.context);
  }
  let last = since;
  const entries: LoggedEntry[] = [];
  // A line that was cut at the limit has no end, and is read whole the next time.
  const complete = answer.body.slice(0, answer.body.lastIndexOf('\n') + 1);
  for (const line of complete.split('\n')) {
    const blank = line.indexOf(' ');
    const time = line.slice(0, blank);
    if (blank === -1 || !isLater(time, since)) continue;
    if (isLater(time, last)) last = time;
    const entry = parseAccessLogLine(line.slice(blank + 1));
    if (entry !== undefined) entries.push({ entry, at: Date.parse(time) });
  }
  return { entries, last };
}

/** RFC 3339 in UTC with any number of decimals, trailing zeros left out: compared digit by digit. */
function isLater(time: string, than: string): boolean {
  const padded = (text: string): string =>
    text.replace(/(\.\d+)?Z$/, (end) => end.slice(0, -1).padEnd(10, end === 'Z' ? '.000000000' : '0'));
  return padded(time) > padded(than);
}

function fullName({ namespace, name }: Party): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}
