/**
 * The access log of a pod's sidecar as the API server hands it out: in pieces, by the kubelet's time stamps, with the
 * container before a restart, and with what the node has kept of it (a rotated log begins later than was asked).
 */
import { PadlockError } from '../../errors.ts';
import type { Cluster } from '../../sources/cluster.ts';
import { errorForStatus } from '../../sources/kube/status.ts';
import { type AccessLogEntry, parseAccessLogLine } from '../envoy/access-log.ts';

export interface LoggedEntry {
  readonly entry: AccessLogEntry;
  /** When the line was written, which is when the request or connection ended. Milliseconds since the epoch. */
  readonly at: number;
}

export interface LogTarget {
  readonly namespace: string;
  readonly pod: string;
  /** When the sidecar's container started, in milliseconds since the epoch, and how often it did before; absent: not known. */
  readonly proxyStartedAt?: number | undefined;
  readonly proxyRestarts?: number;
}

/** Which part of a log is read. */
export type LogPart =
  /** All since a moment, in milliseconds since the epoch; the answer says what the node has lost of it. */
  | { readonly since: number }
  /** What came after the line with this stamp, which is the `last` of an answer before. */
  | { readonly after: string }
  /** What was written in the last seconds, by the node's own clock. */
  | { readonly seconds: number }
  /** The newest lines. */
  | { readonly newest: number };

export type LogAnswer =
  | {
      readonly read: true;
      /** How many entries were handed over. */
      readonly entries: number;
      /** The kubelet's stamp of the last line (RFC 3339); absent where there was no line. */
      readonly last?: string;
      /** Why a part of the time is missing; absent: all of it was read. */
      readonly gap?: string;
    }
  | { readonly read: false; readonly reason: string; readonly right?: string };

/** Gets the entries piece by piece: a log may be larger than memory has room for. */
export type TakeEntries = (entries: readonly LoggedEntry[]) => void;

const pieceBytes = 4 * 1024 * 1024;
const mostBytes = 64 * 1024 * 1024;
/** A proxy writes its first lines within this time of its start. */
const firstLinesMs = 60_000;

/** @throws only the signal's reason */
export async function readAccessLog(
  cluster: Cluster,
  target: LogTarget,
  part: LogPart,
  take: TakeEntries,
  signal?: AbortSignal,
): Promise<LogAnswer> {
  let entries = 0;
  const into: TakeEntries = (piece) => {
    entries += piece.length;
    take(piece);
  };
  const log = (query: LogQuery): Promise<Fetched> => fetchLog(cluster, target, query, signal);
  const current = await readPieces(log, part, false, into);
  if ('reason' in current) return { read: false, ...current };
  const gaps = current.gap === undefined ? [] : [current.gap];
  const from = startOf(part);
  if (from !== undefined && startedWithin(target, from)) {
    const previous = await readPieces(log, part, true, into);
    if ('reason' in previous) gaps.push('the log of the sidecar before its restart is gone');
    if ((target.proxyRestarts ?? 0) > 1) gaps.push('only the log before the last restart is kept');
  } else if ('since' in part && (current.first === undefined || current.first > part.since + 1000)) {
    const rotated = await beginsLate(log, target, part.since);
    if (rotated !== undefined) gaps.push(rotated);
  }
  return {
    read: true,
    entries,
    ...(current.last === undefined ? {} : { last: current.last }),
    ...(gaps.length === 0 ? {} : { gap: gaps.join('; ') }),
  };
}

function startOf(part: LogPart): number | undefined {
  if ('since' in part) return part.since;
  return 'after' in part ? Date.parse(part.after) : undefined;
}

/** Another container of the pod wrote a part of what was asked for. */
function startedWithin({ proxyStartedAt, proxyRestarts = 0 }: LogTarget, from: number): boolean {
  return proxyRestarts > 0 && (proxyStartedAt === undefined || proxyStartedAt > from);
}

interface Refused {
  readonly reason: string;
  readonly right?: string;
}
type Fetched = { readonly text: string } | Refused;
type Fetch = (query: LogQuery) => Promise<Fetched>;

interface LogQuery {
  readonly previous: boolean;
  readonly sinceTime?: string;
  readonly sinceSeconds?: string;
  readonly tailLines?: string;
  readonly limitBytes?: number;
}

interface Pieces {
  /** Of the first line, in milliseconds since the epoch. */
  readonly first: number | undefined;
  readonly last: string | undefined;
  readonly gap?: string;
}

async function readPieces(
  log: Fetch,
  part: LogPart,
  previous: boolean,
  take: TakeEntries,
): Promise<Pieces | Refused> {
  const earliest = startOf(part) ?? Number.NEGATIVE_INFINITY;
  let first: number | undefined;
  let last = 'after' in part ? part.after : undefined;
  let gap: string | undefined;
  let query: LogQuery = { ...firstQuery(part), previous };
  const pieces = (): Pieces => ({ first, last, ...(gap === undefined ? {} : { gap }) });
  for (let bytes = 0; bytes < mostBytes; ) {
    const answer = await log(query);
    if ('reason' in answer) {
      if (bytes === 0) return answer;
      gap = `the log broke off: ${answer.reason}`;
      return pieces();
    }
    const size = Buffer.byteLength(answer.text);
    const lines = freshLines(answer.text, last, size >= pieceBytes);
    first ??= lines[0]?.at;
    last = lines.at(-1)?.stamp ?? last;
    take(entriesOf(lines, earliest));
    if (size < pieceBytes * 0.9 || 'newest' in part || last === undefined) return pieces();
    bytes += size;
    const next = wholeSeconds(Date.parse(last));
    // Since times are cut to seconds: one with more than a piece of log can only be passed over.
    const stuck = next === query.sinceTime;
    if (stuck) gap = `more log in one second than can be read (${next})`;
    const sinceTime = stuck ? wholeSeconds(Date.parse(last) + 1000) : next;
    query = { previous, sinceTime, limitBytes: pieceBytes };
  }
  const until = last === undefined ? '' : ` and was read until ${wholeSeconds(Date.parse(last))}`;
  gap = `the log is longer than ${mostBytes / 1024 / 1024} MiB${until}`;
  return pieces();
}

function firstQuery(part: LogPart): Omit<LogQuery, 'previous'> {
  if ('newest' in part) return { tailLines: String(part.newest) };
  if ('seconds' in part) {
    return { sinceSeconds: String(Math.max(1, Math.ceil(part.seconds))), limitBytes: pieceBytes };
  }
  const from = 'after' in part ? Date.parse(part.after) : part.since;
  return { sinceTime: wholeSeconds(from), limitBytes: pieceBytes };
}

/** @param cut the text is as long as was allowed, so its last line may be half a line */
function freshLines(text: string, after: string | undefined, cut: boolean): readonly StampedLine[] {
  const lines = text.split('\n');
  if (cut) lines.pop();
  return lines
    .map(stamped)
    .filter((line): line is StampedLine => line !== undefined && isLater(line.stamp, after));
}

function entriesOf(lines: readonly StampedLine[], earliest: number): readonly LoggedEntry[] {
  return lines.flatMap(({ text, at }): readonly LoggedEntry[] => {
    const entry = at >= earliest ? parseAccessLogLine(text) : undefined;
    return entry === undefined ? [] : [{ entry, at }];
  });
}

/** Whether the node's log file begins after the moment although the container ran then. */
async function beginsLate(log: Fetch, target: LogTarget, since: number): Promise<string | undefined> {
  const { proxyStartedAt } = target;
  if (proxyStartedAt === undefined) return undefined;
  const head = await log({ limitBytes: 4096, previous: false });
  if ('reason' in head) return undefined;
  const first = head.text
    .split('\n')
    .map(stamped)
    .find((line) => line !== undefined);
  // A log that begins much later than its proxy was rotated.
  if (first === undefined || first.at <= since || first.at - proxyStartedAt < firstLinesMs) return undefined;
  return `the node keeps this log since ${wholeSeconds(first.at)} only`;
}

async function fetchLog(
  cluster: Cluster,
  { namespace, pod }: LogTarget,
  { previous, limitBytes, ...where }: LogQuery,
  signal: AbortSignal | undefined,
): Promise<Fetched> {
  const query = new URLSearchParams({
    container: 'istio-proxy',
    timestamps: 'true',
    ...where,
    ...(limitBytes === undefined ? {} : { limitBytes: String(limitBytes) }),
    ...(previous ? { previous: 'true' } : {}),
  });
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/log?${query}`;
  try {
    const answer = await cluster.raw({ method: 'GET', path, ...(signal === undefined ? {} : { signal }) });
    if (answer.status === 200) return { text: answer.body };
    const asked = { verb: 'get', group: '', resource: 'pods/log', namespace, name: pod };
    const { message } = errorForStatus(answer.status, answer.body, asked, cluster.context);
    return { reason: message, ...(answer.status === 403 ? { right: 'get pods/log' } : {}) };
  } catch (error) {
    signal?.throwIfAborted();
    if (!(error instanceof PadlockError)) throw error;
    return { reason: error.message };
  }
}

interface StampedLine {
  readonly stamp: string;
  readonly at: number;
  readonly text: string;
}

/** `2026-11-24T02:12:45.895123456Z line`, as kubelets print with `timestamps`. */
function stamped(line: string): StampedLine | undefined {
  const space = line.indexOf(' ');
  const stamp = line.slice(0, space);
  const at = /^\d{4}-\d\d-\d\dT/.test(stamp) ? Date.parse(stamp) : Number.NaN;
  if (!Number.isNaN(at)) return { stamp, at, text: line.slice(space + 1) };
  // A server that prints no times: the entry's own will do.
  const entry = parseAccessLogLine(line);
  return entry === undefined ? undefined : { stamp: entry.time, at: Date.parse(entry.time), text: line };
}

/** RFC 3339 in UTC with any number of decimals, trailing zeros left out: compared digit by digit. */
function isLater(stamp: string, than: string | undefined): boolean {
  if (than === undefined) return true;
  return stamp.length === than.length ? stamp > than : nanoseconds(stamp) > nanoseconds(than);
}

function nanoseconds(stamp: string): string {
  const [, seconds = stamp, decimals = ''] = /^(.*?)(?:\.(\d+))?Z$/.exec(stamp) ?? [];
  return `${seconds}.${decimals.padEnd(9, '0')}`;
}

function wholeSeconds(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19)}Z`;
}
