/** Requests by curl inside a container: how they are made and what their end means. */
import type { Cluster, ExecResult } from '../../sources/cluster.ts';
import type { ForeignTlsOutcome, PlaintextOutcome } from './outcome.ts';
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

const mark = '\npadlock-status:';
const maxBody = 256 * 1024;
const seconds = 8;
/** A bare connection says nothing, so it stands until its time is up. */
const bareSeconds = 2;

/**
 * GETs a URL; never anything but a GET, or for `telnet://` a bare connection without a byte.
 * @throws NoCurl where the container has none; PadlockError where the command may not be run
 */
export async function curl(
  cluster: Cluster,
  where: Container,
  url: string,
  options: {
    readonly userAgent: string;
    readonly signal?: AbortSignal | undefined;
    readonly insecure?: boolean;
    /** How often the URL is asked for, in one run; 1 when absent. */
    readonly times?: number;
  },
): Promise<CurlResult> {
  const command = [
    'curl',
    '-sS',
    '--http1.1',
    '--max-time',
    String(url.startsWith('telnet:') ? bareSeconds : seconds),
    ...(options.insecure === true ? ['-k'] : []),
    '-A',
    options.userAgent,
    '-w',
    `${mark}%{http_code}\n`,
    ...Array.from({ length: options.times ?? 1 }, () => url),
  ];
  let result: ExecResult;
  try {
    result = await cluster.exec(where.namespace, where.pod, command, {
      container: where.container,
      maxOutput: maxBody,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
  } catch (error) {
    if (error instanceof Error && isMissing(error.message)) throw new NoCurl(error.message);
    throw error;
  }
  if (result.exitCode === 127 || (result.exitCode === 126 && isMissing(result.stderr + result.stdout))) {
    throw new NoCurl(result.stderr.trim());
  }
  const statuses = [...result.stdout.matchAll(new RegExp(`${mark}(\\d+)\n`, 'g'))].map((match) =>
    Number(match[1]),
  );
  return {
    exitCode: result.exitCode,
    // Where several were sent, one that got through tells more than one that did not.
    status: statuses.toSorted((a, b) => (a === 0 ? 1 : b === 0 ? -1 : a - b))[0] ?? 0,
    body: result.stdout.replaceAll(new RegExp(`${mark}\\d+\n`, 'g'), '\n'),
    stderr: result.stderr.trim(),
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
      return readConnectionError(detail) ?? { kind: 'nothing-listens', detail };
    case 28:
      return { kind: 'timeout', detail };
    case 52:
      return { kind: 'closed', detail };
    case 55:
    case 56:
      return { kind: 'reset', detail };
    default:
      return { kind: 'not-run', detail: `curl ended with ${result.exitCode}: ${detail}` };
  }
}

/** The outcome of TLS without a client certificate: a handshake that fails, or an answer inside it. */
export function readForeignTlsCurl(result: CurlResult): ForeignTlsOutcome {
  const detail = result.stderr.split('\n')[0] ?? '';
  if (result.status > 0) return { kind: 'answered', detail: `HTTP ${result.status} over TLS` };
  // 16 and 55: the peer closed while the handshake was written; 35: the handshake failed; 52 and 56: it was reset after.
  if ([16, 35, 52, 55, 56].includes(result.exitCode)) return { kind: 'refused', detail };
  return { kind: 'not-run', detail: `curl ended with ${result.exitCode}: ${detail}` };
}
