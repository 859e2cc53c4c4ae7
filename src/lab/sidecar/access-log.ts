/** Envoy's access log: a format string with command operators becomes a function from a stream's record to a line. */

/** What is known about a request or a connection when it ends. */
export interface StreamRecord {
  /** Milliseconds since the epoch. */
  startedAt: number;
  durationMs: number;
  method?: string;
  /** As it came, before any rewriting. */
  path?: string;
  protocol?: string;
  requestHeaders?: ReadonlyMap<string, string>;
  responseHeaders?: ReadonlyMap<string, string>;
  responseCode: number;
  /** Envoy's short names in the order in which they were set: `URX`, `UF`. */
  readonly flags: string[];
  responseCodeDetails?: string;
  connectionTerminationDetails?: string;
  upstreamTransportFailure?: string;
  bytesReceived: number;
  bytesSent: number;
  upstreamHost?: string;
  upstreamCluster?: string;
  upstreamLocalAddress?: string;
  readonly downstreamLocalAddress: string;
  downstreamRemoteAddress: string;
  requestedServerName?: string;
  routeName?: string;
}

type Operator = (record: StreamRecord) => string | undefined;

/** Operators without an argument (https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage). */
const operators: Readonly<Record<string, Operator>> = {
  START_TIME: (record) => new Date(record.startedAt).toISOString(),
  PROTOCOL: (record) => record.protocol,
  RESPONSE_CODE: (record) => String(record.responseCode),
  RESPONSE_FLAGS: (record) => (record.flags.length === 0 ? undefined : record.flags.join(',')),
  RESPONSE_CODE_DETAILS: (record) => withoutSpaces(record.responseCodeDetails),
  CONNECTION_TERMINATION_DETAILS: (record) => withoutSpaces(record.connectionTerminationDetails),
  UPSTREAM_TRANSPORT_FAILURE_REASON: (record) => withoutSpaces(record.upstreamTransportFailure),
  BYTES_RECEIVED: (record) => String(record.bytesReceived),
  BYTES_SENT: (record) => String(record.bytesSent),
  DURATION: (record) => String(Math.max(0, Math.round(record.durationMs))),
  UPSTREAM_HOST: (record) => record.upstreamHost,
  UPSTREAM_CLUSTER: (record) => record.upstreamCluster,
  UPSTREAM_CLUSTER_RAW: (record) => record.upstreamCluster,
  UPSTREAM_LOCAL_ADDRESS: (record) => record.upstreamLocalAddress,
  DOWNSTREAM_LOCAL_ADDRESS: (record) => record.downstreamLocalAddress,
  DOWNSTREAM_REMOTE_ADDRESS: (record) => record.downstreamRemoteAddress,
  REQUESTED_SERVER_NAME: (record) => record.requestedServerName,
  ROUTE_NAME: (record) => record.routeName,
};

/** @returns the formatter; an operator that is not known prints `-`, as an absent value does. */
export function compileAccessLog(format: string): (record: StreamRecord) => string {
  const parts: (string | Operator)[] = [];
  let end = 0;
  for (const match of format.matchAll(/%([A-Z_0-9]+)(?:\(([^)]*)\))?(?::\d+)?%/g)) {
    parts.push(format.slice(end, match.index));
    parts.push(compileOperator(match[1] ?? '', match[2]));
    end = match.index + match[0].length;
  }
  parts.push(format.slice(end));
  return (record) =>
    parts.map((part) => (typeof part === 'string' ? part : presentOr(part(record), '-'))).join('');
}

function compileOperator(name: string, argument: string | undefined): Operator {
  if (argument === undefined) return operators[name] ?? (() => undefined);
  // `REQ(X?Y)`: the header X, and where it is absent Y.
  const headers = argument.toLowerCase().split('?');
  if (name === 'REQ') return (record) => firstPresent(headers, (header) => requestHeader(record, header));
  if (name === 'RESP') {
    return (record) => firstPresent(headers, (header) => record.responseHeaders?.get(header));
  }
  return () => undefined;
}

function requestHeader(record: StreamRecord, header: string): string | undefined {
  if (header === ':method') return record.method;
  if (header === ':path') return record.path;
  return record.requestHeaders?.get(header === ':authority' ? 'host' : header);
}

function firstPresent(
  names: readonly string[],
  read: (name: string) => string | undefined,
): string | undefined {
  for (const name of names) {
    const value = read(name);
    if (value !== undefined && value !== '') return value;
  }
  return undefined;
}

function presentOr(value: string | undefined, absent: string): string {
  return value === undefined || value === '' ? absent : value;
}

function withoutSpaces(text: string | undefined): string | undefined {
  return text?.replaceAll(/\s/g, '_');
}
