/**
 * The positive probe: a request from inside the mesh, through the client's own sidecar, and what shows that it travelled by
 * mutual TLS with the expected identities. Three things can show it, tried in this order: the application echoes
 * `X-Forwarded-Client-Cert`; the server's access log has the request with Istio's server name; the server's counters
 * name both principals.
 */
import { parseXfcc, type XfccElement } from '../../istio/xfcc.ts';
import type { Cluster } from '../../sources/cluster.ts';
import { type AccessLogEntry, callerSentNothing, isIstioServerName } from '../envoy/access-log.ts';
import type { Sample } from '../envoy/prometheus.ts';
import type { ProxyReader } from '../proxy/reader.ts';
import type { MeshClient } from './clients.ts';
import { bareSeconds, type Curl, type CurlResult, singleCurl } from './curl.ts';
import type { MutualTlsOutcome } from './outcome.ts';
import { probePath } from './pod-proxy.ts';
import { rawCurl } from './raw-answer.ts';
import { receivedBetween, receivedCounters, recentAccessLog } from './server-records.ts';

export interface MutualTlsTarget {
  readonly host: string;
  /** The Service's port. */
  readonly port: number;
  /** The container port behind it. */
  readonly targetPort: number;
  /** The port's protocol is not HTTP: only a connection is opened, and nothing is sent. */
  readonly bare: boolean;
  /** The server speaks HTTP/2 without an upgrade (gRPC). */
  readonly http2?: boolean;
  readonly pods: readonly { readonly namespace: string; readonly pod: string }[];
  /** The workload's own id, by its service account. */
  readonly server: string;
  readonly client: string;
  /**
   * The server's identity is vouched for by more than the request: its certificate was read and says so, or the client's
   * sidecar accepts no other name. Needed where only the access log speaks, which names neither.
   */
  readonly serverVouched: boolean;
  /** Ids of other workloads behind the same Service port, which may answer in its place. */
  readonly others: readonly string[];
}

export interface MutualTlsEffects {
  readonly cluster: Cluster;
  readonly curl?: Curl;
  readonly reader: ProxyReader;
  readonly now: () => number;
  readonly sleep: (milliseconds: number) => Promise<void>;
  readonly nonce: () => string;
  readonly signal?: AbortSignal | undefined;
}

const maxRequests = 12;
/** Envoy writes its log to the disk once a second. */
const logTries = 5;
const logWaitMs = 500;

/** @throws NoCurl, PadlockError of exec */
export async function probeMutualTls(
  from: MeshClient,
  target: MutualTlsTarget,
  effects: MutualTlsEffects,
): Promise<MutualTlsOutcome> {
  const started = effects.now();
  const { userAgent, result } = await request(from, target, effects);
  return {
    ...(await judgeRequest(from, target, effects, { userAgent, result, started })),
    raw: rawCurl(result),
  };
}

async function judgeRequest(
  from: MeshClient,
  target: MutualTlsTarget,
  effects: MutualTlsEffects,
  sent: { readonly userAgent: string; readonly result: CurlResult; readonly started: number },
): Promise<MutualTlsOutcome> {
  const { userAgent, result, started } = sent;
  const failed = readFailure(result);
  if (failed !== undefined) return failed;
  const echoed = judgeXfcc(readXfcc(result.body), target);
  if (echoed !== undefined) return echoed;
  const logged = await findInLog(from, target, userAgent, started, effects);
  if (typeof logged === 'object') {
    return target.bare && result.exitCode === 0 && result.body === '' && callerSentNothing(logged)
      ? closedAtOnce
      : judgeLogged(logged, target);
  }
  const counted = await countRequest(from, target, effects);
  if (counted !== undefined) return counted;
  const wayless = `HTTP ${result.status}, but no X-Forwarded-Client-Cert came back, ${logged}, and no counter moved`;
  return { kind: 'unrecorded', detail: wayless };
}

/**
 * The sidecar lets the client connect before it has reached the server, and the server's TCP proxy writes the same line with
 * the same server name whether the handshake succeeds or fails. Only that the connection stood tells.
 */
const closedAtOnce: MutualTlsOutcome = {
  kind: 'unrecorded',
  detail:
    'the connection was closed at once and nothing came through it: the handshake failed, or the application closes at once',
};

async function request(
  from: MeshClient,
  target: MutualTlsTarget,
  effects: MutualTlsEffects,
): Promise<{ readonly userAgent: string; readonly result: CurlResult }> {
  const userAgent = `padlock-probe/${effects.nonce()}`;
  const host = `${target.host}:${target.port}`;
  const url = target.bare ? `telnet://${host}` : `http://${host}${probePath}`;
  const { signal } = effects;
  // Each request is balanced on its own: enough of them to meet every workload behind the Service.
  const times = Math.min(maxRequests, target.others.length === 0 ? 1 : 3 * (target.others.length + 1));
  const run = effects.curl ?? singleCurl(effects.cluster);
  const options = { userAgent, signal, times };
  if (target.http2 !== true) return { userAgent, result: await run(from, url, options) };
  const result = await run(from, url, { ...options, http2: true });
  // A curl that was built without HTTP/2; the client's sidecar takes either and speaks HTTP/2 to the server.
  if (![1, 2, 4].includes(result.exitCode)) return { userAgent, result };
  return { userAgent, result: await run(from, url, options) };
}

/** What curl and the client's sidecar say where the request did not get through. */
export function readFailure(result: CurlResult): MutualTlsOutcome | undefined {
  const reason = /^(upstream connect error|no healthy upstream).*/s
    .exec(result.body)?.[0]
    .trim()
    .slice(0, 400);
  if (reason !== undefined && result.status >= 500) {
    const isTls = /TLS[_ ]error|CERTIFICATE_VERIFY_FAILED|SSL routines/.test(reason);
    // A proxy before the application answers so too; the server's records then tell that the request had arrived.
    if (isTls) return { kind: 'tls-failed', detail: reason };
    if (/connection (termination|failure)|reset/.test(reason) && !/delayed connect error/.test(reason)) {
      return { kind: 'unavailable', detail: `HTTP ${result.status}: ${reason}` };
    }
  }
  if (result.status > 0 || result.exitCode === 0) return undefined;
  // A bare connection ends when its time is up: it stood until then. curl's telnet says "Time-out" only once it is connected.
  const stood = /with \d+ (out of \d+ )?bytes received|\(28\) Time-out/;
  if (result.exitCode === 28 && stood.test(result.stderr)) return undefined;
  return {
    kind: 'unavailable',
    detail: `curl ended with ${result.exitCode}: ${result.stderr.split('\n')[0]}`,
  };
}

/** For each header shown in a body, JSON or plain, the hop nearest to the server. */
export function readXfcc(body: string): readonly XfccElement[] {
  const text = body.replaceAll('\\"', '"');
  const headers = text.matchAll(/By=spiffe:\/\/[^\n]*?URI=spiffe:\/\/[^\s",;\]]+/g);
  return [...headers].map(([header]) => parseXfcc(header).at(-1)).filter((element) => element !== undefined);
}

/** Undefined where the headers do not tell: none came, or they may be another workload's with the same identity. */
function judgeXfcc(seen: readonly XfccElement[], target: MutualTlsTarget): MutualTlsOutcome | undefined {
  if (target.others.includes(target.server)) return undefined;
  const own = seen.filter((element) => !target.others.includes(element.by ?? ''));
  const [element] = own;
  if (element === undefined) return undefined;
  const how = 'the application echoed X-Forwarded-Client-Cert';
  return judgeIdentities(element.uri[0] ?? '', element.by ?? '', target, 'xfcc', how);
}

function judgeIdentities(
  client: string,
  server: string,
  target: MutualTlsTarget,
  shownBy: 'xfcc' | 'metrics',
  how: string,
): MutualTlsOutcome {
  if (client !== target.client || server !== target.server) {
    const expected = `${target.client} to ${target.server}`;
    return { kind: 'wrong-identity', detail: `${how}: ${client} to ${server}, expected ${expected}` };
  }
  return { kind: 'accepted', client, server, shownBy, detail: `${how}: ${client} to ${server}` };
}

function judgeLogged(entry: AccessLogEntry, target: MutualTlsTarget): MutualTlsOutcome {
  const line = `the server’s access log: ${entry.remoteAddress} to ${entry.localAddress}, server name ${entry.serverName ?? '-'}`;
  if (!isIstioServerName(entry.serverName)) return { kind: 'plaintext', detail: line };
  if (!target.serverVouched) {
    return { kind: 'unrecorded', detail: `${line}; nothing shows the server’s identity` };
  }
  return {
    kind: 'accepted',
    client: target.client,
    server: target.server,
    shownBy: 'access-log',
    detail: line,
  };
}

/** @returns the request's line, or why there is none. */
async function findInLog(
  from: MeshClient,
  target: MutualTlsTarget,
  userAgent: string,
  started: number,
  effects: MutualTlsEffects,
): Promise<AccessLogEntry | string> {
  for (let attempt = 0; attempt < logTries; attempt++) {
    await effects.sleep(logWaitMs);
    let sawLines = false;
    for (const pod of target.pods) {
      const seconds = (effects.now() - started) / 1000 + 2;
      const entries = await recentAccessLog(effects.reader, pod, seconds);
      if ('unread' in entries) return entries.unread;
      sawLines ||= entries.length > 0;
      const found = entries.findLast((entry) => isOurs(entry, from, target, userAgent, started));
      if (found !== undefined) return found;
    }
    // Where access logs are off there is nothing to wait for after a second look.
    if (!sawLines && attempt > 1) break;
  }
  return 'no access log has it';
}

function isOurs(
  entry: AccessLogEntry,
  from: MeshClient,
  target: MutualTlsTarget,
  userAgent: string,
  started: number,
): boolean {
  if (entry.upstreamCluster?.startsWith('outbound|') === true) return false;
  if (!target.bare) return entry.userAgent === userAgent;
  return (
    entry.request === undefined &&
    entry.flags !== 'NR' &&
    !isFailedHandshake(entry) &&
    entry.localAddress?.endsWith(`:${target.targetPort}`) === true &&
    entry.remoteAddress?.startsWith(`${from.address}:`) === true &&
    Date.parse(entry.time) >= started - 1000
  );
}

/** The same client has knocked without a certificate, too: that line has no server name, no bytes of the caller, and is over in no time. */
function isFailedHandshake(entry: AccessLogEntry): boolean {
  return (
    callerSentNothing(entry) && !isIstioServerName(entry.serverName) && entry.duration < bareSeconds * 500
  );
}

/** Sends the request once more between two readings of the servers' counters. */
async function countRequest(
  from: MeshClient,
  target: MutualTlsTarget,
  effects: MutualTlsEffects,
): Promise<MutualTlsOutcome | undefined> {
  const before = await readAll(target, effects);
  if (before.every((samples) => samples === undefined)) return undefined;
  await request(from, target, effects);
  for (let attempt = 0; attempt < logTries; attempt++) {
    const after = await readAll(target, effects);
    const received = after.flatMap((samples, index) =>
      samples === undefined ? [] : receivedBetween(before[index] ?? [], samples),
    );
    const ours = received.find((one) => one.client === target.client);
    if (ours?.security === 'mutual_tls') {
      return judgeIdentities(ours.client, ours.server, target, 'metrics', 'the server’s counters');
    }
    await effects.sleep(logWaitMs);
  }
  return undefined;
}

function readAll(
  target: MutualTlsTarget,
  effects: MutualTlsEffects,
): Promise<readonly (readonly Sample[] | undefined)[]> {
  return Promise.all(target.pods.map((pod) => receivedCounters(effects.reader, pod)));
}
