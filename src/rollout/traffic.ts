/** Live traffic as a rollout judges it: readings of the proxies' own records, what lies between two, and whether it is harm. */
import { areOrIs, outOf } from './count.ts';
import type { MaxErrors, Watch } from './plan.ts';

export interface Tally {
  readonly requests: number;
  readonly failed: number;
}

/** By what answered: `Deployment/cart`, or `HOST from Deployment NS/NAME` for what never reached a server. */
export type Baseline = Readonly<Record<string, Tally>>;

/** A sender that is not, or not by mutual TLS, in the mesh. */
export interface Sender {
  /** `Deployment/cart`. */
  readonly to: string;
  /** `Deployment jobs/report`, `10.0.0.7 (no pod of this cluster)`. */
  readonly from: string;
  readonly count: number;
}

/** What one proxy has recorded so far. */
export interface PodReading {
  /** `Deployment/cart` of the rollout's namespace; undefined for a client elsewhere. */
  readonly server: string | undefined;
  readonly ready: boolean;
  /** Totals since the proxy started. */
  readonly tallies: Baseline;
  /**
   * The same by the access log, since the reading before (for a first reading: by its newest lines). Counted only where the
   * proxy keeps no Istio counters: its metrics are off, or it lacks Istio's stats filter.
   */
  readonly loggedTallies?: Baseline;
  /** Requests and connections that came in plaintext, by sender as far as the counters know it. */
  readonly plaintext: Readonly<Record<string, number>>;
  /** TCP connections that came in plaintext and are open still: Envoy closes them its drain time after STRICT. */
  readonly open: number;
  /** From the access log since the reading before. */
  readonly senders: readonly (Sender & { readonly refused: boolean })[];
  /** The access log's newest line, by the pod's own clock. */
  readonly logged: string | undefined;
  /** The kubelet's stamp of the log's last line that was read; absent where there was none. */
  readonly readTo?: string;
  /** The server's proxy records of no request that it came: it keeps neither Istio's counters nor an access log. */
  readonly unrecorded?: true;
  /** Why connections that this server's proxy refuses cannot be seen; absent where they can. */
  readonly blind?: string;
}

export interface Reading {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** By `NAMESPACE/NAME/UID`. */
  readonly pods: ReadonlyMap<string, PodReading>;
  /** What could not be read, and why. */
  readonly unseen: readonly string[];
}

export interface Blind {
  /** `Deployment/cart`. */
  readonly server: string;
  readonly reason: string;
}

/** What happened between two readings. */
export interface Traffic {
  readonly seconds: number;
  readonly requests: number;
  readonly failed: number;
  readonly tallies: Baseline;
  readonly plaintext: readonly Sender[];
  readonly refused: readonly Sender[];
  /** Servers whose refusals cannot be seen, so that `refused` says nothing of them. */
  readonly blind: readonly Blind[];
  /** Servers, as `Deployment/cart`, whose proxies record of no request that it came: zero says nothing there. */
  readonly unrecorded: readonly string[];
  /** How many servers there are. */
  readonly servers: number;
  /** Plaintext TCP connections that are open at the end; by `Deployment/cart`. */
  readonly open: Readonly<Record<string, number>>;
  /** Workloads with fewer ready pods than before. */
  readonly unready: readonly string[];
  readonly unseen: readonly string[];
}

/** @returns what was added from `before` to `after`; pods that are new count from zero */
export function trafficBetween(before: Reading, after: Reading): Traffic {
  const tallies = new Map<string, Tally>();
  const plaintext: Sender[] = [];
  const refused: Sender[] = [];
  const open: Record<string, number> = {};
  for (const [key, pod] of after.pods) {
    const earlier = before.pods.get(key);
    for (const [name, tally] of Object.entries(talliesBetween(earlier, pod))) {
      const sum = tallies.get(name) ?? { requests: 0, failed: 0 };
      tallies.set(name, { requests: sum.requests + tally.requests, failed: sum.failed + tally.failed });
    }
    plaintext.push(...plaintextOf(pod, earlier));
    if (pod.server !== undefined && pod.open > 0) open[pod.server] = (open[pod.server] ?? 0) + pod.open;
    refused.push(...pod.senders.filter((sender) => sender.refused));
  }
  const sums = Object.fromEntries([...tallies].filter(([, { requests }]) => requests > 0));
  return {
    seconds: (after.at - before.at) / 1000,
    requests: Object.values(sums).reduce((sum, { requests }) => sum + requests, 0),
    failed: Object.values(sums).reduce((sum, { failed }) => sum + failed, 0),
    tallies: sums,
    plaintext: merged(plaintext),
    refused: merged(refused),
    blind: blindIn(after),
    unrecorded: unrecordedIn(after),
    servers: serversOf(after).size,
    open,
    unready: unreadyNow(before, after),
    unseen: after.unseen,
  };
}

function talliesBetween(earlier: PodReading | undefined, pod: PodReading): Baseline {
  if (!keepsCounters(pod)) return pod.loggedTallies ?? {};
  return Object.fromEntries(
    Object.entries(pod.tallies).map(([name, tally]) => {
      const old = earlier?.tallies[name];
      const requests = added(tally.requests, old?.requests);
      return [name, { requests, failed: added(tally.failed, old?.failed) }];
    }),
  );
}

/** Istio's counters are there from the first request on; a log that has requests while they are not says that nobody counts. */
export function keepsCounters({ tallies }: PodReading): boolean {
  return Object.keys(tallies).length > 0;
}

/** A counter that went down was reset by a restart and counts from zero. */
function added(now: number, before = 0): number {
  return now < before ? now : now - before;
}

/** The access log names senders; without one the counters tell how many there were. */
function plaintextOf(pod: PodReading, earlier: PodReading | undefined): readonly Sender[] {
  const { server } = pod;
  if (server === undefined) return [];
  const logged = pod.senders.filter((sender) => !sender.refused);
  if (logged.length > 0) return logged;
  return Object.entries(pod.plaintext)
    .map(([from, count]) => ({ to: server, from, count: added(count, earlier?.plaintext[from]) }))
    .filter(({ count }) => count > 0);
}

function merged(senders: readonly Sender[]): readonly Sender[] {
  const sums = new Map<string, Sender>();
  for (const { to, from, count } of senders) {
    const key = `${from} ${to}`;
    sums.set(key, { to, from, count: (sums.get(key)?.count ?? 0) + count });
  }
  return [...sums.values()].toSorted((a, b) => b.count - a.count);
}

function serversOf({ pods }: Reading): ReadonlySet<string> {
  return new Set([...pods.values()].flatMap(({ server }) => (server === undefined ? [] : [server])));
}

function unrecordedIn({ pods }: Reading): readonly string[] {
  const names = [...pods.values()].flatMap(({ server, unrecorded }) =>
    server !== undefined && unrecorded === true ? [server] : [],
  );
  return [...new Set(names)].toSorted();
}

/** Servers with a pod whose refusals cannot be seen, once each. */
export function blindIn({ pods }: Reading): readonly Blind[] {
  const found = new Map<string, Blind>();
  for (const { server, blind } of pods.values()) {
    if (server !== undefined && blind !== undefined && !found.has(server)) {
      found.set(server, { server, reason: blind });
    }
  }
  // Proxies answer in any order.
  return [...found.values()].toSorted((a, b) => (a.server < b.server ? -1 : 1));
}

function unreadyNow(before: Reading, after: Reading): readonly string[] {
  const then = readyByServer(before);
  const now = readyByServer(after);
  return [...then].flatMap(([server, count]) => {
    const left = now.get(server) ?? 0;
    return left < count ? [`${server}: ${outOf(left, count, 'pod')} ${areOrIs(count)} ready`] : [];
  });
}

function readyByServer(reading: Reading): ReadonlyMap<string, number> {
  const ready = new Map<string, number>();
  for (const { server, ready: isReady } of reading.pods.values()) {
    if (server !== undefined && isReady) ready.set(server, (ready.get(server) ?? 0) + 1);
  }
  return ready;
}

export type Judgement =
  | { readonly kind: 'good' }
  /** Nobody is harmed yet; STRICT would harm them. */
  | { readonly kind: 'plaintext'; readonly reason: string }
  | { readonly kind: 'harm'; readonly reason: string };

/** Whether a rollout may go on. What fails as often as it did before is not the rollout's doing. */
export function judgeTraffic(
  watch: Watch,
  traffic: Traffic,
  baseline: Baseline,
  maxErrors: MaxErrors,
): Judgement {
  const limit = limitOf(maxErrors, traffic.requests);
  if (watch.kind === 'baseline') return { kind: 'good' };
  const plain = total(traffic.plaintext);
  if (watch.kind === 'plaintext') {
    if (plain <= limit) return { kind: 'good' };
    return {
      kind: 'plaintext',
      reason: `STRICT would refuse who sends plaintext still: ${named(traffic.plaintext)}`,
    };
  }
  const refused = total(traffic.refused);
  const excess = excessOf(traffic.tallies, baseline);
  const failed = excess.reduce((sum, { beyond }) => sum + beyond, 0);
  if (refused + failed > limit) {
    const [worst] = excess;
    const reasons = [
      ...(refused > 0 ? [`plaintext was refused: ${named(traffic.refused)}`] : []),
      ...(worst === undefined
        ? []
        : [`${outOf(worst.failed, worst.requests, 'request')} failed at ${worst.name}`]),
    ];
    return { kind: 'harm', reason: `${reasons.join('; ')} (--max-errors ${limitText(maxErrors)})` };
  }
  if (traffic.unready.length > 0) {
    return { kind: 'harm', reason: `it became unhealthy: ${traffic.unready.join(', ')}` };
  }
  return { kind: 'good' };
}

function limitOf(maxErrors: MaxErrors, requests: number): number {
  return maxErrors.kind === 'count' ? maxErrors.value : (maxErrors.value / 100) * requests;
}

export function limitText({ kind, value }: MaxErrors): string {
  return kind === 'count' ? String(value) : `${value}%`;
}

interface Excess extends Tally {
  readonly name: string;
  readonly beyond: number;
}

/** Failures beyond what the baseline's rate lets expect, with three standard deviations of a rare event's count as slack. */
function excessOf(tallies: Baseline, baseline: Baseline): readonly Excess[] {
  return Object.entries(tallies)
    .map(([name, tally]): Excess => {
      const before = baseline[name];
      const rate = before === undefined || before.requests === 0 ? 0 : before.failed / before.requests;
      const expected = rate * tally.requests;
      return {
        name,
        ...tally,
        beyond: Math.max(0, tally.failed - Math.ceil(expected + 3 * Math.sqrt(expected))),
      };
    })
    .filter(({ beyond }) => beyond > 0)
    .toSorted((a, b) => b.beyond - a.beyond);
}

function total(senders: readonly Sender[]): number {
  return senders.reduce((sum, { count }) => sum + count, 0);
}

/** `Deployment jobs/report to Deployment/cart (12 times)`. */
function named(senders: readonly Sender[], shown = 5): string {
  const texts = senders.slice(0, shown).map(({ from, to, count }) => {
    return `${from} to ${to} (${count === 1 ? 'once' : `${count} times`})`;
  });
  const more = senders.length - texts.length;
  return `${texts.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
