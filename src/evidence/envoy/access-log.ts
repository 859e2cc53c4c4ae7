/**
 * Istio's access log, in its default text format (istio.io/latest/docs/tasks/observability/logs/access-log) and as JSON.
 * The requested server name tells an Istio mutual-TLS connection (`outbound_.8000_._.host`) from plaintext (`-`).
 */
import { asNumber, asText, isObject, type JsonObject } from '../../sources/json-value.ts';

export interface AccessLogEntry {
  /** RFC 3339. */
  readonly time: string;
  /** `GET /headers HTTP/1.1`; undefined for a TCP connection or one that was refused. */
  readonly request: string | undefined;
  readonly status: number;
  /** Response flags: `NR`, `UF,URX`; `` for none. */
  readonly flags: string;
  /** `filter_chain_not_found`, `via_upstream`. */
  readonly details: string;
  /** Bytes of a TCP connection, or of the request's and the response's bodies. */
  readonly received: number;
  readonly sent: number;
  /** Milliseconds. */
  readonly duration: number;
  readonly userAgent: string | undefined;
  readonly requestId: string | undefined;
  readonly authority: string | undefined;
  /** `inbound|8080||`, `outbound|8000||httpbin…`. */
  readonly upstreamCluster: string | undefined;
  /** The address and port that were called. */
  readonly localAddress: string | undefined;
  /** Who called. */
  readonly remoteAddress: string | undefined;
  readonly serverName: string | undefined;
}

/** @returns undefined for lines that are no access log (the proxy's own messages stand between them). */
export function parseAccessLogLine(line: string): AccessLogEntry | undefined {
  const text = line.trim();
  if (text.startsWith('{')) return parseJsonLine(text);
  return text.startsWith('[') ? parseTextLine(text) : undefined;
}

/** All entries of a log, oldest first. */
export function parseAccessLog(text: string): readonly AccessLogEntry[] {
  return text
    .split('\n')
    .map(parseAccessLogLine)
    .filter((entry) => entry !== undefined);
}

/** Istio's own names start so; the certificate's owner is not in the default format. */
export function isIstioServerName(name: string | undefined): boolean {
  return name?.startsWith('outbound_.') === true;
}

/** STRICT's answer to plaintext. */
export function isRefusal(entry: AccessLogEntry): boolean {
  return entry.details === 'filter_chain_not_found';
}

/**
 * A TCP connection that tells neither of plaintext nor of mutual TLS: its caller sent no byte. Envoy's TCP proxy writes a
 * line for it as for any other, with the inbound cluster and without a server name, also where the TLS handshake
 * failed: a port scan, a health check that only connects, TLS without a certificate under STRICT. Where the server speaks
 * first, its greeting is counted as sent although the caller never got it.
 */
export function callerSentNothing(entry: AccessLogEntry): boolean {
  return entry.request === undefined && entry.received === 0 && !isRefusal(entry);
}

/** `[time] "METHOD PATH PROTOCOL" status flags details connection-details "failure" …`: words, some of them quoted. */
function parseTextLine(text: string): AccessLogEntry | undefined {
  const close = text.indexOf(']');
  const time = text.slice(1, close);
  if (close === -1 || Number.isNaN(Date.parse(time))) return undefined;
  const words = [...text.slice(close + 1).matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(
    (match) => match[1] ?? match[2] ?? '',
  );
  const word = (index: number): string | undefined => blank(words[index]);
  const status = Number(words[1]);
  if (words.length < 20 || !Number.isInteger(status)) return undefined;
  return {
    time,
    request: words[0] === '- - -' ? undefined : word(0),
    status,
    flags: word(2) ?? '',
    details: word(3) ?? '',
    received: Number(word(6) ?? 0),
    sent: Number(word(7) ?? 0),
    duration: Number(word(8) ?? 0),
    userAgent: word(11),
    requestId: word(12),
    authority: word(13),
    upstreamCluster: word(15),
    localAddress: word(17),
    remoteAddress: word(18),
    serverName: word(19),
  };
}

function blank(word: string | undefined): string | undefined {
  return word === undefined || word === '-' || word === '' ? undefined : word;
}

function parseJsonLine(text: string): AccessLogEntry | undefined {
  const fields = parseObject(text);
  const time = asText(fields?.start_time);
  if (fields === undefined || time === undefined) return undefined;
  const read = (name: string): string | undefined => blank(asText(fields[name]));
  const method = read('method');
  return {
    time,
    request: method === undefined ? undefined : `${method} ${read('path') ?? ''} ${read('protocol') ?? ''}`,
    status: asNumber(fields.response_code) ?? 0,
    flags: read('response_flags') ?? '',
    details: read('response_code_details') ?? '',
    received: asNumber(fields.bytes_received) ?? 0,
    sent: asNumber(fields.bytes_sent) ?? 0,
    duration: asNumber(fields.duration) ?? 0,
    userAgent: read('user_agent'),
    requestId: read('request_id'),
    authority: read('authority'),
    upstreamCluster: read('upstream_cluster'),
    localAddress: read('downstream_local_address'),
    remoteAddress: read('downstream_remote_address'),
    serverName: read('requested_server_name'),
  };
}

function parseObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch (error) {
    // A line of another program, or one that the log was cut in.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
