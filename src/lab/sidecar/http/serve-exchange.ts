/** A request from its headers to the last byte of its answer: filters, route, upstream, answer, record. */
import type { StreamRecord } from '../access-log.ts';
import type { HttpFilter } from '../config/listener.ts';
import type { HttpRbacConfig } from '../config/rbac.ts';
import { httpRbacType } from '../config/rbac.ts';
import type { Route, RouteConfiguration } from '../config/route.ts';
import type { DownstreamConnection } from '../listener/downstream-connection.ts';
import { enforce } from '../rbac/rbac-engine.ts';
import type { HttpChain } from './connection-manager.ts';
import type { Exchange } from './exchange.ts';
import { type ForwardResult, forward } from './forward.ts';
import { HeaderList } from './header-list.ts';
import { sendLocalReply } from './local-reply.ts';
import { RequestBody } from './request-body.ts';
import {
  decoratorHeader,
  type PreparedRequest,
  peerMetadataIdHeader,
  prepareRequest,
} from './request-headers.ts';
import { recordRequest } from './request-metrics.ts';
import { relayResponse, responseFields } from './response.ts';
import { matchRoute, type RouteMatchResult } from './route-match.ts';
import { startRecord } from './stream-record.ts';

/** Never rejects for what a client or an endpoint does. */
export async function serveExchange(
  chain: HttpChain,
  connection: DownstreamConnection,
  exchange: Exchange,
  draining: () => boolean,
): Promise<void> {
  const { proxy, stats } = chain;
  const startedAt = proxy.now();
  const record = startRecord(connection, startedAt);
  countRequest(chain, exchange);
  const request = prepareRequest(chain, connection, exchange);
  describeRequest(record, exchange, request);
  const client = new AbortController();
  exchange.onAbort(() => client.abort());
  exchange.body.on('error', () => client.abort());
  const stream: ServedStream = {
    chain,
    connection,
    exchange,
    request,
    record,
    draining,
    signal: client.signal,
  };
  await answer(stream);
  if (client.signal.aborted && record.responseCode === 0) {
    record.flags.push('DC');
    record.responseCodeDetails = 'downstream_remote_disconnect';
    stats.count('downstream_rq_rx_reset');
  }
  record.durationMs = proxy.now() - startedAt;
  finishRecord(stream);
}

export interface ServedStream {
  readonly chain: HttpChain;
  readonly connection: DownstreamConnection;
  readonly exchange: Exchange;
  readonly request: PreparedRequest;
  readonly record: StreamRecord;
  readonly draining: () => boolean;
  readonly signal: AbortSignal;
}

async function answer(stream: ServedStream): Promise<void> {
  const { chain, request, record } = stream;
  const refused = authorize(stream);
  if (refused !== undefined) {
    record.responseCodeDetails = `rbac_access_denied_matched_policy[${refused}]`;
    reply(stream, 403, 'RBAC: access denied');
    return;
  }
  const routes = routeConfiguration(chain);
  const matched = routes === undefined ? undefined : matchRoute(routes, request);
  if (matched === undefined) {
    chain.stats.count('no_route');
    record.flags.push('NR');
    record.responseCodeDetails = 'route_not_found';
    reply(stream, 404, '');
    return;
  }
  if (matched.route.name !== undefined) record.routeName = matched.route.name;
  if (matched.route.direct_response !== undefined) {
    chain.stats.count('rq_direct_response');
    record.responseCodeDetails = 'direct_response';
    reply(stream, matched.route.direct_response.status, '');
    return;
  }
  await forwardToCluster(stream, matched);
}

/** Runs the RBAC filters in order. @returns the policy that refused, or undefined. */
function authorize({ chain, connection, request }: ServedStream): string | undefined {
  const filters = chain.config.http_filters.filter(isRbac);
  if (filters.length === 0) return undefined;
  const input = {
    peer: connection.peer,
    tls: connection.tls,
    destinationIp: connection.to.ip,
    destinationPort: connection.to.port,
    serverName: connection.serverName,
    directRemoteIp: connection.from.ip,
    remoteIp: request.forwardedFor ?? connection.from.ip,
    http: request,
  };
  for (const filter of filters) {
    const decision = enforce(filter.typed_config, input, chain.stats, 'rbac.');
    if (decision?.allowed === false) return decision.policy;
  }
  return undefined;
}

function isRbac(filter: HttpFilter): filter is HttpFilter & { readonly typed_config: HttpRbacConfig } {
  return filter.typed_config['@type'] === httpRbacType;
}

function routeConfiguration({ config, proxy }: HttpChain): RouteConfiguration | undefined {
  if (config.route_config !== undefined) return config.route_config;
  return config.rds === undefined ? undefined : proxy.routes(config.rds.route_config_name);
}

async function forwardToCluster(stream: ServedStream, { host, route }: RouteMatchResult): Promise<void> {
  const { chain, connection, exchange, request, record } = stream;
  const name = chooseCluster(route, chain.proxy.random);
  const cluster = name === undefined ? undefined : chain.proxy.cluster(name);
  if (name === undefined || cluster === undefined) {
    chain.stats.count('no_cluster');
    record.flags.push('NC');
    record.responseCodeDetails = 'cluster_not_found';
    reply(stream, 503, '');
    return;
  }
  record.upstreamCluster = name;
  chain.stats.count('rq_total');
  const headers = request.headers.copy();
  if (chain.direction === 'OUTBOUND') {
    headers.set(peerMetadataIdHeader, chain.proxy.node.id);
    if (route.decorator !== undefined) headers.set(decoratorHeader, route.decorator.operation);
  }
  const body = new RequestBody(exchange.body, () => exchange.requestTrailers());
  const sentAt = chain.proxy.now();
  const result = await forward({
    chain,
    connection,
    exchange,
    cluster,
    head: { ...request, headers, hasBody: exchange.hasBody },
    body,
    retry: route.route?.retry_policy,
    timeoutMs: durationMs(route.route?.timeout),
    countAttempts: host.include_request_attempt_count === true,
    record,
    signal: stream.signal,
  });
  body.forget();
  if (result.kind === 'response') {
    record.responseCodeDetails = 'via_upstream';
    const fields = responseFields(stream, result.response, chain.proxy.now() - sentAt, route);
    await relayResponse(stream, result, fields, cluster);
  } else {
    replyForFailure(stream, result);
  }
  record.bytesReceived = body.size;
}

function replyForFailure(
  stream: ServedStream,
  result: Exclude<ForwardResult, { readonly kind: 'response' }>,
): void {
  const { record } = stream;
  switch (result.kind) {
    case 'aborted':
      return;
    case 'no-host':
      record.flags.push('UH');
      record.responseCodeDetails = 'no_healthy_upstream';
      reply(stream, 503, 'no healthy upstream');
      return;
    case 'timeout':
      record.flags.push('UT');
      record.responseCodeDetails = 'upstream_response_timeout';
      reply(stream, 504, 'upstream request timeout');
      return;
    case 'failed': {
      const { resetReason, transportFailure, retried } = result;
      record.flags.push(resetFlag(resetReason));
      if (transportFailure !== '') record.upstreamTransportFailure = transportFailure;
      const inDetails = transportFailure === '' ? resetReason : `${resetReason}|${transportFailure}`;
      record.responseCodeDetails = `upstream_reset_before_response_started{${inDetails}}`;
      const again = retried ? 'retried and the latest ' : '';
      const why = transportFailure === '' ? '' : `, transport failure reason: ${transportFailure}`;
      reply(
        stream,
        503,
        `upstream connect error or disconnect/reset before headers. ${again}reset reason: ${resetReason}${why}`,
      );
      return;
    }
  }
}

function resetFlag(resetReason: string): string {
  switch (resetReason) {
    case 'remote connection failure':
    case 'connection timeout':
      return 'UF';
    case 'connection termination':
      return 'UC';
    case 'protocol error':
      return 'UPE';
    default:
      return 'UR';
  }
}

function reply(stream: ServedStream, status: number, body: string): void {
  const { chain, exchange, record, draining } = stream;
  const headers = new HeaderList([
    ['date', new Date(chain.proxy.now()).toUTCString()],
    ['server', chain.config.server_name ?? 'envoy'],
  ]);
  if (draining()) headers.set('connection', 'close');
  record.responseCode = status;
  record.bytesSent = sendLocalReply(exchange, status, body, headers);
}

function chooseCluster(route: Route, random: () => number): string | undefined {
  if (route.route?.cluster !== undefined) return route.route.cluster;
  const clusters = route.route?.weighted_clusters?.clusters ?? [];
  const total = clusters.reduce((sum, { weight }) => sum + weight, 0);
  let at = random() * total;
  for (const cluster of clusters) {
    at -= cluster.weight;
    if (at < 0) return cluster.name;
  }
  return undefined;
}

/** Envoy writes durations as `15s` or `0.250s`. */
function durationMs(duration: string | undefined): number {
  return Math.round(Number((duration ?? '0s').replace(/s$/, '')) * 1000);
}

function countRequest({ stats }: HttpChain, exchange: Exchange): void {
  stats.count('downstream_rq_total');
  stats.move('downstream_rq_active', 1);
  stats.count(exchange.protocol === 'HTTP/2' ? 'downstream_rq_http2_total' : 'downstream_rq_http1_total');
}

function describeRequest(record: StreamRecord, exchange: Exchange, request: PreparedRequest): void {
  record.method = exchange.method;
  record.path = exchange.path;
  record.protocol = exchange.protocol;
  record.requestHeaders = request.headers.toMap();
  // Of an address that a header tells Envoy knows no port.
  if (request.forwardedFor !== undefined) record.downstreamRemoteAddress = `${request.forwardedFor}:0`;
}

function finishRecord(stream: ServedStream): void {
  const { chain, record } = stream;
  const { stats, listenerStats } = chain;
  stats.move('downstream_rq_active', -1);
  if (record.responseCode > 0) {
    const group = `downstream_rq_${Math.floor(record.responseCode / 100)}xx`;
    for (const scope of [stats, listenerStats]) {
      scope.count(group);
      scope.count('downstream_rq_completed');
    }
  }
  stats.record('downstream_rq_time', record.durationMs);
  recordRequest(stream);
  chain.log(record);
}
