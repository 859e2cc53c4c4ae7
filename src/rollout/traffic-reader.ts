/** Reads what proxies have recorded of live traffic: their counters by the admin port, refusals and senders by the access log. */
import { PadlockError } from '../errors.ts';
import type { AdminReader } from '../evidence/admin.ts';
import { type AccessLogEntry, isIstioServerName, parseAccessLog } from '../evidence/envoy/access-log.ts';
import { type AccessLogging, accessLoggingOff, readAccessLogging } from '../evidence/envoy/access-logging.ts';
import { parsePrometheus, type Sample } from '../evidence/envoy/prometheus.ts';
import type { Mesh } from '../mesh/mesh.ts';
import type { Workload, WorkloadPod } from '../mesh/workload.ts';
import type { Cluster } from '../sources/cluster.ts';
import { mapLimited } from '../sources/kube/limit.ts';
import { statusMessage } from '../sources/kube/status.ts';
import type { Plan } from './plan.ts';
import { concerns } from './proof.ts';
import type { PodReading, Reading, Sender, Tally } from './traffic.ts';

export interface TrafficSources {
  readonly cluster: Cluster;
  readonly admin: AdminReader;
  readonly mesh: Mesh;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly signal: AbortSignal;
}

interface Asked {
  readonly workload: Workload;
  readonly pod: WorkloadPod;
  /** `Deployment/cart` where the rollout is about it; undefined for a client. */
  readonly server: string | undefined;
}

/** Proxies asked at once. */
const atOnce = 8;
/** A busy server writes some 300 bytes a request; what is cut is said. */
const logBytes = 8 * 1024 * 1024;

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
  const known = new Set<string>();
  const callers = new Set<string>();
  const read = async ({ workload, pod, server }: Asked): Promise<void> => {
    const key = `${workload.namespace}/${pod.name}`;
    known.add(key);
    const what = server === undefined ? 'a client’s counters' : 'counters';
    const counters = await countersOf(`${what} of ${key}`, workload, pod, sources, unseen);
    for (const { labels } of counters) {
      if (server !== undefined && labels.reporter === 'destination') {
        callers.add(`${labels.source_workload_namespace}/${labels.source_workload}`);
      }
    }
    const log =
      server === undefined
        ? { senders: [], logged: undefined }
        : await logOf(key, server, { workload, pod }, sources, { since, at, unseen });
    pods.set(key, {
      server,
      ready: pod.ready,
      tallies: talliesOf(
        counters,
        plan.namespace,
        server,
        `${workload.kind} ${key.split('/')[0]}/${workload.name}`,
      ),
      plaintext: plaintextBySource(counters),
      open: openPlaintext(counters),
      ...log,
    });
  };
  await mapLimited(serversOf(plan, sources.mesh), atOnce, read);
  const clients = clientsOf(sources.mesh, callers).filter(
    ({ workload, pod }) => !known.has(`${workload.namespace}/${pod.name}`),
  );
  await mapLimited(clients, atOnce, read);
  return { at, pods, unseen: [...unseen] };
}

function isServing(pod: WorkloadPod): boolean {
  return pod.phase === 'Running' && !pod.deleting;
}

function askedOf(workload: Workload, server: string | undefined): readonly Asked[] {
  return workload.pods.filter(isServing).map((pod) => ({ workload, pod, server }));
}

function serversOf(plan: Plan, mesh: Mesh): readonly Asked[] {
  return mesh.workloads
    .filter((workload) => workload.namespace === plan.namespace && workload.dataplane === 'sidecar')
    .flatMap((workload) => {
      const name = `${workload.kind}/${workload.name}`;
      return askedOf(workload, concerns(plan, name) ? name : undefined);
    });
}

/** Whom the servers name as callers: sidecars elsewhere, and gateways. */
function clientsOf(mesh: Mesh, callers: ReadonlySet<string>): readonly Asked[] {
  return mesh.workloads
    .filter(
      (workload) =>
        (workload.dataplane === 'gateway' || workload.dataplane === 'sidecar') &&
        callers.has(`${workload.namespace}/${workload.name}`),
    )
    .flatMap((workload) => askedOf(workload, undefined));
}

const counterNames = /^istio_(requests_total|tcp_connections_opened_total|tcp_connections_closed_total)$/;

async function countersOf(
  what: string,
  workload: Workload,
  pod: WorkloadPod,
  { admin, signal }: TrafficSources,
  unseen: Set<string>,
): Promise<readonly Sample[]> {
  const filter = encodeURIComponent('istio_(requests_total|tcp_connections_(opened|closed)_total)');
  const answer = await admin.get(workload.namespace, pod.name, `/stats/prometheus?filter=${filter}`);
  signal.throwIfAborted();
  if (answer.ok) return parsePrometheus(answer.text, (name) => counterNames.test(name));
  unseen.add(`${what} (${answer.reasons.join('; ')})`);
  return [];
}

/** What a client's sidecar answers in the server's stead: it reached nobody, or the connection broke. */
const brokenFlags = /(^|,)(UF|UC|URX|UO|UH|NC|UPE|UR|LR)(,|$)/;

function talliesOf(
  samples: readonly Sample[],
  namespace: string,
  server: string | undefined,
  client: string,
): PodReading['tallies'] {
  const tallies: Record<string, Tally> = {};
  const add = (key: string, requests: number, failed: number): void => {
    const sum = tallies[key] ?? { requests: 0, failed: 0 };
    tallies[key] = { requests: sum.requests + requests, failed: sum.failed + failed };
  };
  for (const { name, labels, value } of samples) {
    const flags = labels.response_flags ?? '';
    if (labels.reporter === 'destination') {
      if (server === undefined || name !== 'istio_requests_total') continue;
      add(server, value, isFailure(labels) ? value : 0);
    } else if (labels.destination_service_namespace === namespace) {
      const key = `${labels.destination_service_name} from ${client}`;
      const broken = brokenFlags.test(flags);
      if (name === 'istio_requests_total') add(key, value, broken ? value : 0);
      // A TCP connection counts when it is over: only then it is known how it went.
      if (name === 'istio_tcp_connections_closed_total') add(key, value, broken ? value : 0);
    }
  }
  return tallies;
}

/** gRPC answers 200 whatever happens; 14 is UNAVAILABLE. `DC`: the client went away by itself. */
function isFailure(labels: Sample['labels']): boolean {
  const code = Number(labels.response_code ?? '0');
  if (/(^|,)DC(,|$)/.test(labels.response_flags ?? '')) return false;
  return code >= 500 || code === 0 || labels.grpc_response_status === '14';
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

/** Opened less closed. The proxy counts an opening within five seconds of it. */
function openPlaintext(samples: readonly Sample[]): number {
  let open = 0;
  for (const { name, labels, value } of samples) {
    if (labels.reporter !== 'destination' || labels.connection_security_policy !== 'none') continue;
    if (name === 'istio_tcp_connections_opened_total') open += value;
    if (name === 'istio_tcp_connections_closed_total') open -= value;
  }
  return Math.max(0, open);
}

interface LogContext {
  readonly since: Reading | undefined;
  readonly at: number;
  readonly unseen: Set<string>;
}

async function logOf(
  key: string,
  server: string,
  { workload, pod }: Pick<Asked, 'workload' | 'pod'>,
  { cluster, admin, mesh, signal }: TrafficSources,
  { since, at, unseen }: LogContext,
): Promise<Pick<PodReading, 'senders' | 'logged' | 'blind'>> {
  const before = since?.pods.get(key);
  const query = new URLSearchParams({
    container: 'istio-proxy',
    ...(since === undefined
      ? { tailLines: '50' }
      : { sinceSeconds: String(Math.ceil((at - since.at) / 1000) + 5), limitBytes: String(logBytes) }),
  });
  const path = `/api/v1/namespaces/${encodeURIComponent(workload.namespace)}/pods/${encodeURIComponent(pod.name)}/log?${query}`;
  const answer = await tryRaw(cluster, path, signal);
  if (answer.status >= 300) {
    const blind = `the access log of ${key} cannot be read (${statusMessage(answer.body)})`;
    return { senders: [], logged: before?.logged, blind };
  }
  if (answer.body.length >= logBytes) unseen.add(`part of the access log of ${key} (it is too long)`);
  const entries = parseAccessLog(answer.body);
  const logged = entries.reduce((newest, { time }) => (time > newest ? time : newest), before?.logged ?? '');
  const fresh =
    since === undefined ? [] : entries.filter(({ time }) => isAfter(time, before?.logged, since.at));
  // The setting is asked for once a window: a proxy that was asked at its beginning is not asked again.
  const blind =
    before === undefined
      ? blindTo(await readAccessLogging(admin, workload.namespace, pod.name), entries.length > 0)
      : before.blind;
  return {
    senders: sendersOf(fresh, server, mesh),
    logged: logged === '' ? undefined : logged,
    ...(blind === undefined ? {} : { blind }),
  };
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

async function tryRaw(
  cluster: Cluster,
  path: string,
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly body: string }> {
  try {
    return await cluster.raw({ method: 'GET', path, signal });
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof PadlockError)) throw error;
    return { status: 599, body: error.message };
  }
}

function sendersOf(entries: readonly AccessLogEntry[], server: string, mesh: Mesh): PodReading['senders'] {
  const sums = new Map<string, Sender & { refused: boolean }>();
  for (const entry of entries) {
    const refused = entry.details === 'filter_chain_not_found';
    const plain =
      entry.upstreamCluster?.startsWith('inbound|') === true && !isIstioServerName(entry.serverName);
    if (!refused && !plain) continue;
    const from = ownerOf(mesh, entry.remoteAddress ?? '');
    const key = `${refused} ${from}`;
    sums.set(key, { to: server, from, refused, count: (sums.get(key)?.count ?? 0) + 1 });
  }
  return [...sums.values()];
}

/** `Deployment jobs/report` for the address of one of its pods. */
function ownerOf(mesh: Mesh, address: string): string {
  const ip = address.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  const owner = mesh.workloads.find((workload) => workload.pods.some((pod) => pod.ips.includes(ip)));
  if (owner !== undefined) return `${owner.kind} ${owner.namespace}/${owner.name}`;
  return `${ip} (no pod of this cluster: a node, the API server or somebody outside)`;
}
