/** Envoy's listener filters: what a connection's first bytes tell before a filter chain is chosen. */
import type { Socket } from 'node:net';
import type { ListenerConfig, ListenerFilter, ListenerFilterPredicate } from '../config/listener.ts';
import type { Stats } from '../stats/stats.ts';
import { type HttpInspection, inspectHttp } from './http-inspector.ts';
import { peek } from './peek.ts';
import { inspectTls, type TlsInspection } from './tls-inspector.ts';

export interface Inspection {
  readonly transport: 'tls' | 'raw_buffer';
  readonly applicationProtocols: readonly string[];
  readonly serverName: string | undefined;
}

const plain: Inspection = { transport: 'raw_buffer', applicationProtocols: [], serverName: undefined };

type Verdict = {
  readonly tls: TlsInspection | undefined;
  readonly http: HttpInspection | undefined;
  readonly bytes: number;
};

/**
 * Waits for as many bytes as the listener's inspectors need, without a limit of time, as Istio configures it; where
 * there is no inspector for the port nothing is waited for. Undefined: the connection ended first.
 */
export async function inspectConnection(
  listener: ListenerConfig,
  socket: Socket,
  port: number,
  stats: Stats,
): Promise<Inspection | undefined> {
  const tls = filterRunsOn(listener, 'envoy.filters.listener.tls_inspector', port);
  const http = filterRunsOn(listener, 'envoy.filters.listener.http_inspector', port);
  if (!tls && !http) return plain;
  const verdict = await peek(socket, (bytes) => judge(bytes, tls, http));
  if (verdict === undefined) return undefined;
  count(verdict, stats);
  if (verdict.tls?.kind === 'too-large') return undefined;
  if (verdict.tls?.kind === 'client-hello') {
    const { applicationProtocols, serverName } = verdict.tls;
    return { transport: 'tls', applicationProtocols, serverName };
  }
  const protocol = verdict.http;
  if (protocol === undefined || protocol === 'not-http' || protocol === 'incomplete') return plain;
  return { ...plain, applicationProtocols: [protocol] };
}

/** Undefined while an inspector needs more bytes. The HTTP inspector looks at plaintext only. */
function judge(bytes: Buffer, tls: boolean, http: boolean): Verdict | undefined {
  const found = tls ? inspectTls(bytes) : undefined;
  if (found?.kind === 'incomplete') return undefined;
  if (!http || found?.kind === 'client-hello' || found?.kind === 'too-large') {
    return { tls: found, http: undefined, bytes: bytes.length };
  }
  const protocol = inspectHttp(bytes);
  return protocol === 'incomplete' ? undefined : { tls: found, http: protocol, bytes: bytes.length };
}

/** Whether the listener has the filter and does not switch it off for the port. */
export function filterRunsOn(listener: ListenerConfig, name: ListenerFilter['name'], port: number): boolean {
  const filter = listener.listener_filters?.find((item) => item.name === name);
  if (filter === undefined) return false;
  return filter.filter_disabled === undefined || !covers(filter.filter_disabled, port);
}

function covers(predicate: ListenerFilterPredicate, port: number): boolean {
  if ('or_match' in predicate) return predicate.or_match.rules.some((rule) => covers(rule, port));
  if ('not_match' in predicate) return !covers(predicate.not_match, port);
  const { start, end } = predicate.destination_port_range;
  return port >= start && port < end;
}

const httpCounters: Readonly<Record<HttpInspection, string>> = {
  'http/1.0': 'http10_found',
  'http/1.1': 'http11_found',
  h2c: 'http2_found',
  'not-http': 'http_not_found',
  incomplete: 'read_error',
};

function count({ tls, http, bytes }: Verdict, stats: Stats): void {
  if (tls !== undefined) {
    const scope = stats.scope('tls_inspector.', 'tlsInspector');
    if (tls.kind === 'client-hello') {
      scope.count('tls_found');
      scope.count(tls.serverName === undefined ? 'sni_not_found' : 'sni_found');
      scope.count(tls.applicationProtocols.length === 0 ? 'alpn_not_found' : 'alpn_found');
    } else {
      scope.count(tls.kind === 'too-large' ? 'client_hello_too_large' : 'tls_not_found');
    }
    scope.record('bytes_processed', bytes);
  }
  if (http !== undefined) stats.scope('http_inspector.', 'httpInspector').count(httpCounters[http]);
}
