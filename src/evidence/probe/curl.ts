/** Requests by curl inside a container: how they are made and what their end means. */
import type { Cluster, ExecResult } from '../../sources/cluster.ts';
import type { ForeignTlsOutcome, PlaintextOutcome, ShownCertificate } from './outcome.ts';
import { readConnectionError } from './pod-proxy.ts';

export interface Container {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}

export interface CurlResult {
  readonly exitCode: number;
  /** 0 where no HTTP answer came. */
  readonly status: number;
  readonly body: string;
  readonly stderr: string;
}

/** The container has no curl; nothing was sent. */
export class NoCurl extends Error {
  override readonly name = 'NoCurl';
}

export interface CurlOptions {
  readonly userAgent: string;
  readonly signal?: AbortSignal | undefined;
  readonly insecure?: boolean;
  /** How often the URL is asked for, in one run; 1 when absent. */
  readonly times?: number;
  /** HTTP/2 without an upgrade, for servers that speak nothing else. */
  readonly http2?: boolean;
  /** A PEM file in the container with a certificate and its key. */
  readonly certificate?: string;
}

/** One request, or the same one several times, by curl in a container. */
export type Curl = (where: Container, url: string, options: CurlOptions) => Promise<CurlResult>;

const mark = 'padlock-end';
const maxBody = 256 * 1024;
const seconds = 8;
/** A bare connection says nothing, so it stands until its time is up. */
export const bareSeconds = 2;

export interface CurlRequest {
  readonly url: string;
  readonly options: CurlOptions;
}

/**
 * GETs URLs one after the other; never anything but a GET, or for `telnet://` a bare connection without a byte.
 * @returns a result for each
 * @throws NoCurl where the container has none; PadlockError where the command may not be run
 */
export async function runCurl(
  cluster: Cluster,
  where: Container,
  requests: readonly CurlRequest[],
  signal: AbortSignal | undefined,
): Promise<readonly CurlResult[]> {
  const words = requests.map(({ url, options }, index) => [
    ...(index === 0 ? [] : ['--next']),
    ...curlArguments(url, options, index),
  ]);
  let result: ExecResult;
  try {
    result = await cluster.exec(where.namespace, where.pod, ['curl', ...words.flat()], {
      container: where.container,
      maxOutput: maxBody * requests.length,
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    if (error instanceof Error && isMissing(error.message)) throw new NoCurl(error.message);
    throw error;
  }
  if (result.exitCode === 127 || (result.exitCode === 126 && isMissing(result.stderr + result.stdout))) {
    throw new NoCurl(result.stderr.trim());
  }
  return readOutput(result, requests.length);
}

function curlArguments(url: string, options: CurlOptions, index: number): readonly string[] {
  return [
    '-sS',
    options.http2 === true ? '--http2-prior-knowledge' : '--http1.1',
    '--max-time',
    String(url.startsWith('telnet:') ? bareSeconds : seconds),
    ...(options.insecure === true ? ['-k'] : []),
    ...(options.certificate === undefined ? [] : ['--cert', options.certificate]),
    '-A',
    options.userAgent,
    '-w',
    // Where TLS was spoken, the certificates that the server showed; a curl before 7.88 prints none.
    `\n${url.startsWith('https:') ? '%{certs}' : ''}\n${mark} ${index} %{http_code} %{exitcode} %{errormsg}\n`,
    ...Array.from({ length: options.times ?? 1 }, () => url),
  ];
}

interface Piece {
  readonly index: number;
  readonly status: number;
  /** Undefined for a curl before 7.75, which cannot tell. */
  readonly exitCode: number | undefined;
  readonly error: string;
  readonly body: string;
}

function readOutput(result: ExecResult, count: number): readonly CurlResult[] {
  const pieces: Piece[] = [];
  let from = 0;
  for (const match of result.stdout.matchAll(new RegExp(`^${mark} (\\d+) (\\d+) (\\d*) ?(.*)$`, 'gm'))) {
    const [line, index, status, exitCode, error = ''] = match;
    pieces.push({
      index: Number(index),
      status: Number(status),
      exitCode: exitCode === '' ? undefined : Number(exitCode),
      error,
      body: result.stdout.slice(from, match.index).trim(),
    });
    from = match.index + line.length;
  }
  return Array.from({ length: count }, (_none, index) => {
    const own = pieces.filter((piece) => piece.index === index);
    const body = own.map((piece) => piece.body).join('\n');
    const alone = count === 1;
    // Where several were sent, one that got through tells more than one that did not.
    const best = own.toSorted((a, b) => rank(a.status) - rank(b.status))[0];
    const failed = best?.exitCode ?? (alone ? result.exitCode : undefined);
    const stderr = alone && result.stderr.trim() !== '' ? result.stderr.trim() : errorLine(best);
    return { exitCode: failed ?? unknownExit, status: best?.status ?? 0, body, stderr };
  });
}

/** A lower status is more of an answer; none at all comes last. */
function rank(status: number): number {
  return status === 0 ? 1000 : status;
}

function errorLine(piece: Piece | undefined): string {
  return piece?.exitCode === undefined || piece.exitCode === 0
    ? ''
    : `curl: (${piece.exitCode}) ${piece.error}`;
}

/** No exit code is known: the curl is too old to tell of one among several, or it ended before this one's turn. */
export const unknownExit = -1;

/** One request, in a run of its own. */
export function singleCurl(cluster: Cluster): Curl {
  return async (where, url, options) => {
    const [result] = await runCurl(cluster, where, [{ url, options }], options.signal);
    if (result === undefined) throw new Error('curl gave no result');
    return result;
  };
}

/** What container runtimes say where the program is not in the image. */
function isMissing(message: string): boolean {
  return /executable file not found|no such file or directory|stat .*: no such|not found in \$PATH/i.test(
    message,
  );
}

/** A plaintext caller's outcome from curl's exit codes (curl.se/libcurl/c/libcurl-errors.html). */
export function readPlaintextCurl(result: CurlResult): PlaintextOutcome {
  const detail = result.stderr.split('\n')[0] ?? '';
  if (result.status > 0) {
    const by = /^upstream connect error/.test(result.body) ? 'proxy' : 'application';
    return { kind: 'answered', by, detail: `HTTP ${result.status}` };
  }
  switch (result.exitCode) {
    case 0:
      return { kind: 'answered', by: 'application', detail: 'bytes that are no HTTP' };
    // "Received HTTP/0.9 when not allowed": bytes came, and they are no HTTP.
    case 1:
      return { kind: 'answered', by: 'application', detail };
    case 6:
      return { kind: 'not-run', detail };
    case 7:
      if (/timed out/i.test(detail)) return { kind: 'dropped', detail };
      return readConnectionError(detail) ?? { kind: 'nothing-listens', detail };
    case 28:
      return readConnectionError(detail) ?? { kind: 'timeout', detail };
    case 52:
      return { kind: 'closed', detail };
    case 55:
    case 56:
      return { kind: 'reset', detail };
    default:
      return { kind: 'not-run', detail: `curl ended with ${result.exitCode}: ${detail}` };
  }
}

/** The certificates that a server showed, as PEM, leaf first: %{certs} prints them before the transfer's end. */
export function shownCertificates(body: string): string {
  return (body.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? []).join('\n');
}

/** The outcome of TLS from nobody: a handshake that fails, or an answer inside it. */
export function readForeignTlsCurl(result: CurlResult, shown: ShownCertificate): ForeignTlsOutcome {
  const detail = result.stderr.split('\n')[0] ?? '';
  if (result.status > 0) return { kind: 'answered', shown, detail: `HTTP ${result.status} over TLS` };
  // 16 and 55: the peer closed while the handshake was written; 35: the handshake failed; 52 and 56: it was reset after.
  if ([16, 35, 52, 55, 56].includes(result.exitCode)) return { kind: 'refused', shown, detail };
  return { kind: 'not-run', shown, detail: `curl ended with ${result.exitCode}: ${detail}` };
}
