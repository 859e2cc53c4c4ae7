/**
 * The access log of a pod's sidecar since a moment, whole: in pieces, with the container before a restart, and with what
 * the node has kept of it (a rotated log begins later than was asked).
 */
import { PadlockError } from '../../errors.ts';
import type { Cluster } from '../../sources/cluster.ts';
import { statusMessage } from '../../sources/kube/status.ts';
import { type AccessLogEntry, parseAccessLogLine } from '../envoy/access-log.ts';

export interface LoggedEntry {
  readonly entry: AccessLogEntry;
  /** When the line was written, which is when the request or connection ended. Milliseconds since the epoch. */
  readonly at: number;
}

export type AccessLogAnswer =
  | {
      readonly read: true;
      /** How many entries were handed over. */
      readonly entries: number;
      /** Why a part of the time is missing; absent: all of it was read. */
      readonly gap?: string;
    }
  | { readonly read: false; readonly reason: string; readonly right?: string };

export interface AccessLogTarget {
  readonly namespace: string;
  readonly pod: string;
  /** When the sidecar's container started, as far as it is known, and how often it did before. */
  readonly startedAt?: number;
  readonly restarts: number;
}

const pieceBytes = 4 * 1024 * 1024;
const mostBytes = 64 * 1024 * 1024;

/**
 * @param take gets the entries piece by piece: a log may be larger than memory has room for
 * @throws only the signal's reason
 */
export async function readAccessLog(
  cluster: Cluster,
  target: AccessLogTarget,
  since: number,
  take: (entries: readonly LoggedEntry[]) => void,
  signal?: AbortSignal,
): Promise<AccessLogAnswer> {
  let entries = 0;
  const into = (piece: readonly LoggedEntry[]): void => {
    entries += piece.length;
    take(piece);
  };
  const current = await readSince(cluster, target, since, false, into, signal);
  if ('reason' in current) return { read: false, ...current };
  const gaps = current.gap === undefined ? [] : [current.gap];
  const { startedAt } = target;
  if (target.restarts > 0 && (startedAt === undefined || startedAt > since)) {
    const previous = await readSince(cluster, target, since, true, into, signal);
    if ('reason' in previous) gaps.push('the log of the sidecar before its restart is gone');
    if (target.restarts > 1) gaps.push('only the log before the last restart is kept');
  } else if (current.first === undefined || current.first > since + 1000) {
    const rotated = await beginsLate(cluster, target, since, signal);
    if (rotated !== undefined) gaps.push(rotated);
  }
  return { read: true, entries, ...(gaps.length === 0 ? {} : { gap: gaps.join('; ') }) };
}

type Piece =
  | { readonly gap?: string; readonly first: number | undefined }
  | { readonly reason: string; readonly right?: string };

async function readSince(
  cluster: Cluster,
  target: AccessLogTarget,
  since: number,
  previous: boolean,
  into: (entries: readonly LoggedEntry[]) => void,
  signal: AbortSignal | undefined,
): Promise<Piece> {
  let from = since;
  let after = '';
  let first: number | undefined;
  for (let bytes = 0; bytes < mostBytes; ) {
    const query = { sinceTime: isoSeconds(from), limitBytes: pieceBytes, previous };
    const answer = await fetchLog(cluster, target, query, signal);
    if ('reason' in answer) {
      return bytes === 0 ? answer : { first, gap: `the log broke off: ${answer.reason}` };
    }
    const size = Buffer.byteLength(answer.text);
    const lines = freshLines(answer.text, after, size >= pieceBytes);
    first ??= lines[0]?.at;
    after = lines.at(-1)?.stamp ?? after;
    into(entriesOf(lines, since));
    if (size < pieceBytes * 0.9) return { first };
    bytes += size;
    const last = Date.parse(after);
    // Since times are cut to seconds: a second with more than a piece of log cannot be passed.
    if (lines.length === 0 || Math.floor(last / 1000) === Math.floor(from / 1000)) {
      return { first, gap: `more log in one second than can be read (${isoSeconds(last)})` };
    }
    from = last;
  }
  const size = `${mostBytes / 1024 / 1024} MiB`;
  return { first, gap: `the log is longer than ${size} and was read until ${isoSeconds(Date.parse(after))}` };
}

/** @param cut the text is as long as was allowed, so its last line may be half a line */
function freshLines(text: string, after: string, cut: boolean): readonly StampedLine[] {
  const lines = text.split('\n');
  if (cut) lines.pop();
  return lines.map(stamped).filter((line): line is StampedLine => line !== undefined && line.stamp > after);
}

function entriesOf(lines: readonly StampedLine[], since: number): readonly LoggedEntry[] {
  return lines.flatMap(({ text, at }): readonly LoggedEntry[] => {
    const entry = at >= since ? parseAccessLogLine(text) : undefined;
    return entry === undefined ? [] : [{ entry, at }];
  });
}

/** Whether the node's log file begins after the moment although the container ran then. */
async function beginsLate(
  cluster: Cluster,
  target: AccessLogTarget,
  since: number,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const { startedAt } = target;
  if (startedAt === undefined) return undefined;
  const head = await fetchLog(cluster, target, { limitBytes: 4096, previous: false }, signal);
  if ('reason' in head) return undefined;
  const first = head.text
    .split('\n')
    .map(stamped)
    .find((line) => line !== undefined);
  // The proxy writes its first lines within seconds; a log that begins much later was rotated.
  if (first === undefined || first.at <= since || first.at - startedAt < 60_000) return undefined;
  return `the node keeps this log since ${new Date(first.at).toISOString().slice(0, 19)}Z only`;
}

interface LogQuery {
  readonly sinceTime?: string;
  readonly limitBytes: number;
  readonly previous: boolean;
}

async function fetchLog(
  cluster: Cluster,
  { namespace, pod }: AccessLogTarget,
  { sinceTime, limitBytes, previous }: LogQuery,
  signal: AbortSignal | undefined,
): Promise<{ readonly text: string } | { readonly reason: string; readonly right?: string }> {
  const query = new URLSearchParams({
    container: 'istio-proxy',
    timestamps: 'true',
    limitBytes: String(limitBytes),
    ...(sinceTime === undefined ? {} : { sinceTime }),
    ...(previous ? { previous: 'true' } : {}),
  });
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/log?${query}`;
  try {
    const answer = await cluster.raw({ method: 'GET', path, ...(signal === undefined ? {} : { signal }) });
    if (answer.status === 200) return { text: answer.body };
    const reason = statusMessage(answer.body) || `the API server answered ${answer.status}`;
    return { reason, ...(answer.status === 403 ? { right: 'get pods/log' } : {}) };
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

function isoSeconds(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19)}Z`;
}
