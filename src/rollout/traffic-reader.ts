/** Reads what proxies have recorded of live traffic: their counters by the admin port, refusals and senders by the access log. */
import {
  type AccessLogEntry,
  callerSentNothing,
  isIstioServerName,
  isRefusal,
} from '../evidence/envoy/access-log.ts';
import { type AccessLogging, accessLoggingOff } from '../evidence/envoy/access-logging.ts';
import type { Sample } from '../evidence/envoy/prometheus.ts';
import type { LogPart } from '../evidence/proxy/log.ts';
import { type ProxyPod, podsWithProxy } from '../evidence/proxy/pods.ts';
import type { ProxyReader } from '../evidence/proxy/reader.ts';
import type { Mesh } from '../mesh/mesh.ts';
import type { Workload } from '../mesh/workload.ts';
import { mapLimited } from '../sources/kube/limit.ts';
import type { Plan } from './plan.ts';
import { concerns } from './proof.ts';
import type { PodReading, Reading, Sender, Tally } from './traffic.ts';

export interface TrafficSources {
  readonly reader: ProxyReader;
  readonly mesh: Mesh;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

interface Asked {
  readonly pod: ProxyPod;
  /** `Deployment/cart` where the rollout is about it; undefined for a client. */
  readonly server: string | undefined;
}

/** Proxies asked at once. */
const atOnce = 8;
/** How many of a log's newest lines tell where it stands, and whether anything is logged at all. */
const firstLines = 50;

/**
 * Reads the plan's servers, and the clients that they have heard of.
 * @param since the reading before, from where access logs are read on
 */
export async function readTraffic(
  plan: Plan,
  sources: TrafficSources,
  since: Reading | undefined,
): Promise<Reading> {
  const at = sources.now();
  const unseen = new Set<string>();
  const pods = new Map<string, PodReading>();
  const callers = new Set<string>();
  const read = async ({ pod, server }: Asked): Promise<void> => {
    const key = keyOf(pod);
    const counters = await countersOf(pod, server, sources, unseen);
    if (server !== undefined) for (const caller of callersIn(counters)) callers.add(caller);
    const client = clientName(pod.workload);
    const tallies = talliesOf(counters, plan.namespace, server, client);
    const counts = Object.keys(tallies).length > 0;
    // A client's log is of use only where its proxy keeps no counters.
    const log =
      server === undefined && counts
        ? { reading: { senders: [], logged: undefined }, entries: [] }
        : await logOf(pod, server, sources, since, unseen);
    if (server !== undefined && !counts) {
      for (const caller of callersOf(log.entries, sources.mesh)) callers.add(caller);
    }
    pods.set(key, {
      server,
      ready: pod.ready,
      tallies,
      plaintext: plaintextBySource(counters),
      open: openPlaintext(counters),
      loggedTallies: loggedTallies(log.entries, plan.namespace, server, client),
      ...log.reading,
    });
  };
  await mapLimited(serversOf(plan, sources.mesh), atOnce, read);
  const clients = clientsOf(sources.mesh, callers).filter(({ pod }) => !pods.has(keyOf(pod)));
  await mapLimited(clients, atOnce, read);
  return { at, pods, unseen: [...unseen] };
}

function keyOf({ namespace, name }: ProxyPod): string {
  return `${namespace}/${name}`;
}

function clientName({ kind, namespace, name }: Workload): string {
  return `${kind} ${namespace}/${name}`;
}

function serversOf(plan: Plan, mesh: Mesh): readonly Asked[] {
  const servers = mesh.workloads.filter(
    ({ namespace, dataplane }) => namespace === plan.namespace && dataplane === 'sidecar',
  );
  return podsWithProxy(mesh, servers).map((pod) => {
    const name = `${pod.workload.kind}/${pod.workload.name}`;
    return { pod, server: concerns(plan, name) ? name : undefined };
  });
}

/** Whom the servers name as callers: sidecars elsewhere, and gateways. */
function clientsOf(mesh: Mesh, callers: ReadonlySet<string>): readonly Asked[] {
  const clients = mesh.workloads.filter(
    ({ dataplane, namespace, name }) => dataplane !== 'waypoint' && callers.has(`${namespace}/${name}`),
  );
  return podsWithProxy(mesh, clients).map((pod) => ({ pod, server: undefined }));
}

async function countersOf(
  pod: ProxyPod,
  server: string | undefined,
  { reader }: TrafficSources,
  unseen: Set<string>,
): Promise<readonly Sample[]> {
  const answer = await reader.counters(pod.namespace, pod.name);
  if (answer.read) return answer.reading.samples;
  const what = server === undefined ? 'a client’s counters' : 'counters';
  unseen.add(`${what} of ${keyOf(pod)} (${answer.reason})`);
  return [];
}

function callersIn(samples: readonly Sample[]): readonly string[] {
  return samples
    .filter(({ labels }) => labels.reporter === 'destination')
    .map(({ labels }) => `${labels.source_workload_namespace}/${labels.source_workload}`);
}

/** What a client's sidecar answers in the server's stead: it reached nobody, or the connection broke. */
const brokenFlags = /(^|,)(UF|UC|URX|UO|UH|NC|UPE|UR|LR)(,|$)/;

const requests = 'istio_requests_total';
/** A TCP connection counts when it is over: only then it is known how it went. */
const closed = 'istio_tcp_connections_closed_total';

/** What a server answered, and what a client heard of the namespace's servers. */
function talliesOf(
  samples: readonly Sample[],
  namespace: string,
  server: string | undefined,
  client: string,
): PodReading['tallies'] {
  const tallies: Record<string, Tally> = {};
  for (const { name, labels, value } of samples) {
    const isServers = labels.reporter === 'destination';
    const counts = isServers ? name === requests : name === requests || name === closed;
    if (!counts || (!isServers && labels.destination_service_namespace !== namespace)) continue;
    const key = isServers ? server : `${labels.destination_service_name} from ${client}`;
    if (key === undefined) continue;
    const failed = isServers ? isFailure(labels) : brokenFlags.test(labels.response_flags ?? '');
    const sum = tallies[key] ?? { requests: 0, failed: 0 };
    tallies[key] = { requests: sum.requests + value, failed: sum.failed + (failed ? value : 0) };
  }
  return tallies;
}

/** `DC`: the client went away by itself. */
const clientLeft = /(^|,)DC(,|$)/;

/** gRPC answers 200 whatever happens; 14 is UNAVAILABLE. */
function isFailure(labels: Sample['labels']): boolean {
  const { response_code: code = '0', response_flags: flags = '', grpc_response_status: grpc } = labels;
  return isFailedResponse(Number(code), flags) || (grpc === '14' && !clientLeft.test(flags));
}

function isFailedResponse(code: number, flags: string): boolean {
  return (code >= 500 || code === 0) && !clientLeft.test(flags);
}

function plaintextBySource(samples: readonly Sample[]): Readonly<Record<string, number>> {
  const sums: Record<string, number> = {};
  for (const { name, labels, value } of samples) {
    if (labels.reporter !== 'destination' || labels.connection_security_policy !== 'none') continue;
    if (name === 'istio_tcp_connections_closed_total') continue;
    const workload = labels.source_workload ?? 'unknown';
    const from =
      workload === 'unknown' ? 'an unknown sender' : `${labels.source_workload_namespace}/${workload}`;
    sums[from] = (sums[from] ?? 0) + value;
  }
  return sums;
}

/** TCP connections in plaintext that stand: opened less closed. The proxy counts an opening within five seconds of it. */
export function openPlaintext(samples: readonly Sample[]): number {
  let open = 0;
  for (const { name, labels, value } of samples) {
    if (labels.reporter !== 'destination' || labels.connection_security_policy !== 'none') continue;
    if (name === 'istio_tcp_connections_opened_total') open += value;
    if (name === 'istio_tcp_connections_closed_total') open -= value;
  }
  return Math.max(0, open);
}

interface LogReading {
  readonly reading: Pick<PodReading, 'senders' | 'logged' | 'readTo' | 'blind' | 'unrecorded'>;
  /** Since the reading before; the newest lines for a first reading. */
  readonly entries: readonly AccessLogEntry[];
}

async function logOf(
  pod: ProxyPod,
  server: string | undefined,
  { reader, mesh }: TrafficSources,
  since: Reading | undefined,
  unseen: Set<string>,
): Promise<LogReading> {
  const key = keyOf(pod);
  const before = since?.pods.get(key);
  const fresh: AccessLogEntry[] = [];
  let newest = before?.logged ?? '';
  const answer = await reader.accessLog({ ...pod, pod: pod.name }, partSince(since, before), (entries) => {
    for (const { entry } of entries) {
      if (since === undefined || isAfter(entry.time, before?.logged, since.at)) fresh.push(entry);
      if (entry.time > newest) newest = entry.time;
    }
  });
  if (!answer.read) {
    const blind = `the access log of ${key} cannot be read (${answer.reason})`;
    return { reading: { senders: [], logged: before?.logged, ...readTo(before), blind }, entries: [] };
  }
  if (answer.gap !== undefined) unseen.add(`part of the access log of ${key} (${answer.gap})`);
  // The setting is asked for once a window: a proxy that was asked at its beginning is not asked again.
  const logging = before === undefined ? await reader.accessLogging(pod.namespace, pod.name) : undefined;
  const blind = before === undefined ? blindTo(logging, answer.entries > 0) : before.blind;
  const unrecorded =
    before === undefined
      ? logging !== undefined && !logging.requests && !logging.counters
      : before.unrecorded === true;
  const reading = {
    senders: since === undefined || server === undefined ? [] : sendersOf(fresh, server, mesh),
    logged: newest === '' ? undefined : newest,
    ...readTo(answer.last === undefined ? before : { readTo: answer.last }),
    ...(blind === undefined ? {} : { blind }),
    ...(unrecorded ? { unrecorded } : {}),
  };
  return { reading, entries: fresh };
}

function readTo(known: Pick<PodReading, 'readTo'> | undefined): Pick<PodReading, 'readTo'> {
  return known?.readTo === undefined ? {} : { readTo: known.readTo };
}

/** What the reading before has not had; the first one only looks where the log stands. */
function partSince(since: Reading | undefined, before: PodReading | undefined): LogPart {
  if (since === undefined) return { newest: firstLines };
  return before?.readTo === undefined ? { since: since.at } : { after: before.readTo };
}

/** Why refusals do not come into the log, if they do not. */
function blindTo(logging: AccessLogging | undefined, logs: boolean): string | undefined {
  if (logging === undefined) {
    return logs ? undefined : 'no access log entry is there, and its proxy does not say whether it keeps any';
  }
  if (logging.refusals) return undefined;
  return logging.requests
    ? 'its proxy logs requests and not refusals (meshConfig.disableEnvoyListenerLog)'
    : accessLoggingOff;
}

/**
 * A proxy writes its log up to a second late, so that lines of Padlock's own probes may come after the reading that follows
 * them: lines of that second are not counted.
 */
function isAfter(time: string, logged: string | undefined, readAt: number): boolean {
  if (logged !== undefined && time <= logged) return false;
  return Date.parse(time) > readAt;
}

function sendersOf(entries: readonly AccessLogEntry[], server: string, mesh: Mesh): PodReading['senders'] {
  const sums = new Map<string, Sender & { refused: boolean }>();
  for (const entry of entries) {
    if (callerSentNothing(entry)) continue;
    const refused = isRefusal(entry);
    const plain = isInbound(entry) && !isIstioServerName(entry.serverName);
    if (!refused && !plain) continue;
    const from = ownerOf(mesh, entry.remoteAddress ?? '');
    const key = `${refused} ${from}`;
    sums.set(key, { to: server, from, refused, count: (sums.get(key)?.count ?? 0) + 1 });
  }
  return [...sums.values()];
}

/** `Deployment jobs/report` for the address of one of its pods. */
function ownerOf(mesh: Mesh, address: string): string {
  const owner = ownerAt(mesh, address);
  if (owner !== undefined) return clientName(owner);
  return `${ipOf(address)} (no pod of this cluster: a node, the API server or somebody outside)`;
}

function ownerAt(mesh: Mesh, address: string): Workload | undefined {
  const ip = ipOf(address);
  return mesh.workloads.find((workload) => workload.pods.some((pod) => pod.ips.includes(ip)));
}

function ipOf(address: string): string {
  return address.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
}

function isInbound({ upstreamCluster }: AccessLogEntry): boolean {
  return upstreamCluster?.startsWith('inbound|') === true;
}

/** Who has called by an access log, as `NAMESPACE/NAME`. */
function callersOf(entries: readonly AccessLogEntry[], mesh: Mesh): readonly string[] {
  const addresses = new Set(entries.filter(isInbound).map(({ remoteAddress }) => ipOf(remoteAddress ?? '')));
  return [...addresses].flatMap((address) => {
    const owner = ownerAt(mesh, address);
    return owner === undefined ? [] : [`${owner.namespace}/${owner.name}`];
  });
}

/** What an access log counts, for a proxy that keeps no Istio counters: the same failures, by the same names. */
function loggedTallies(
  entries: readonly AccessLogEntry[],
  namespace: string,
  server: string | undefined,
  client: string,
): PodReading['tallies'] {
  const tallies: Record<string, Tally> = {};
  const add = (key: string, failed: boolean): void => {
    const sum = tallies[key] ?? { requests: 0, failed: 0 };
    tallies[key] = { requests: sum.requests + 1, failed: sum.failed + (failed ? 1 : 0) };
  };
  for (const entry of entries) {
    const [, service, of] =
      /^outbound\|\d+\|[^|]*\|([^.]+)\.([^.]+)\.svc\./.exec(entry.upstreamCluster ?? '') ?? [];
    if (service !== undefined && of === namespace) {
      add(`${service} from ${client}`, brokenFlags.test(entry.flags));
    } else if (server !== undefined && isInbound(entry) && entry.request !== undefined) {
      add(server, isFailedResponse(entry.status, entry.flags));
    }
  }
  return tallies;
}
