/** Envoy's router filter: one request to a cluster, with its attempts. */
import type { StreamRecord } from '../access-log.ts';
import { followsDownstreamProtocol, speaksHttp2, takesAlpnOverride } from '../config/cluster.ts';
import type { RetryPolicy } from '../config/route.ts';
import type { DownstreamConnection } from '../listener/downstream-connection.ts';
import type { Cluster } from '../upstream/cluster.ts';
import { ConnectFailure } from '../upstream/connect-failure.ts';
import type { UpstreamHost } from '../upstream/upstream-host.ts';
import type { HttpChain } from './connection-manager.ts';
import type { Exchange } from './exchange.ts';
import type { RequestBody } from './request-body.ts';
import { isRetriable, retryDelayMs } from './retry.ts';
import {
  openHttp1Stream,
  openHttp2Stream,
  type RequestHead,
  UpstreamReset,
  type UpstreamResponse,
  type UpstreamStream,
} from './upstream-stream.ts';

export interface ForwardRequest {
  readonly chain: HttpChain;
  readonly connection: DownstreamConnection;
  readonly exchange: Exchange;
  readonly cluster: Cluster;
  readonly head: RequestHead;
  readonly body: RequestBody;
  readonly retry: RetryPolicy | undefined;
  /** 0 for none. */
  readonly timeoutMs: number;
  /** Whether the upstream hears which attempt this is. */
  readonly countAttempts: boolean;
  readonly record: StreamRecord;
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal;
}

export type ForwardResult =
  | {
      readonly kind: 'response';
      readonly response: UpstreamResponse;
      readonly stream: UpstreamStream;
      readonly host: UpstreamHost;
    }
  | { readonly kind: 'no-host' }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'aborted' }
  | {
      readonly kind: 'failed';
      readonly resetReason: string;
      readonly transportFailure: string;
      readonly retried: boolean;
    };

/** Tries until a response begins, the retries are used up, the time is over or the client is gone. */
export async function forward(request: ForwardRequest): Promise<ForwardResult> {
  const { cluster, connection, retry, record, signal, chain } = request;
  const tried = new Set<UpstreamHost>();
  const deadline = createDeadline(request.timeoutMs, signal);
  const retries = retry?.num_retries ?? 0;
  try {
    for (let attempt = 1; ; attempt += 1) {
      const host = cluster.pick(connection.to, tried);
      if (host === undefined) return { kind: 'no-host' };
      tried.add(host);
      const outcome = await attemptOnce(request, host, attempt, deadline.signal);
      if (outcome.kind === 'response') {
        if (attempt > 1) cluster.stats.count('upstream_rq_retry_success');
        return outcome;
      }
      if (signal.aborted) return { kind: 'aborted' };
      if (deadline.expired()) return { kind: 'timeout' };
      const { failure } = outcome;
      const retriable = isRetriable(retry, failure) && request.body.canReplay;
      if (!retriable || attempt > retries) {
        if (retriable && retries > 0) {
          record.flags.push('URX');
          cluster.stats.count('upstream_rq_retry_limit_exceeded');
        }
        return { ...describe(failure), kind: 'failed', retried: attempt > 1 };
      }
      cluster.stats.count('upstream_rq_retry');
      cluster.stats.count('upstream_rq_retry_backoff_exponential');
      await pause(retryDelayMs(attempt, chain.proxy.random), deadline.signal);
    }
  } finally {
    deadline.clear();
  }
}

type AttemptOutcome =
  | Extract<ForwardResult, { kind: 'response' }>
  | { readonly kind: 'failure'; readonly failure: ConnectFailure | UpstreamReset };

async function attemptOnce(
  request: ForwardRequest,
  host: UpstreamHost,
  attempt: number,
  signal: AbortSignal,
): Promise<AttemptOutcome> {
  const { cluster, record, body } = request;
  record.upstreamHost = host.label;
  host.requestsTotal += 1;
  host.requestsActive += 1;
  cluster.stats.move('upstream_rq_active', 1);
  let stream: UpstreamStream | undefined;
  const abort = (): void => stream?.abort();
  signal.addEventListener('abort', abort);
  const finish = (): void => {
    signal.removeEventListener('abort', abort);
    host.requestsActive -= 1;
    cluster.stats.move('upstream_rq_active', -1);
  };
  try {
    stream = await openStream(request, host, attempt);
    cluster.stats.count('upstream_rq_total');
    if (signal.aborted) stream.abort();
    body.sendTo(stream);
    const response = await stream.response;
    response.body.once('close', finish);
    return { kind: 'response', response, stream, host };
  } catch (error) {
    finish();
    host.requestErrors += 1;
    if (error instanceof ConnectFailure || error instanceof UpstreamReset)
      return { kind: 'failure', failure: error };
    throw error;
  }
}

async function openStream(
  request: ForwardRequest,
  host: UpstreamHost,
  attempt: number,
): Promise<UpstreamStream> {
  const { cluster, exchange, record, chain } = request;
  const headers = request.head.headers.copy();
  if (request.countAttempts) headers.set('x-envoy-attempt-count', String(attempt));
  const head: RequestHead = { ...request.head, headers };
  const onContinue = (): void => exchange.sendContinue();
  const http2 =
    speaksHttp2(cluster.config) ||
    (followsDownstreamProtocol(cluster.config) && exchange.protocol === 'HTTP/2');
  if (http2) {
    const upstream = await cluster.http2(host).acquire(alpnOverride(chain, cluster, 'HTTP2'));
    record.upstreamLocalAddress = upstream.upstream.localAddress;
    return openHttp2Stream(upstream, head, onContinue);
  }
  const fresh = attempt > 1;
  const upstream = await cluster.http1(host).acquire(alpnOverride(chain, cluster, 'HTTP11'), fresh);
  record.upstreamLocalAddress = upstream.upstream.localAddress;
  return openHttp1Stream(upstream, head, onContinue);
}

/** What the HTTP filter `istio.alpn` offers, so that the server's proxy can tell Istio's HTTP from TCP. */
function alpnOverride(
  chain: HttpChain,
  cluster: Cluster,
  protocol: 'HTTP11' | 'HTTP2',
): readonly string[] | undefined {
  if (!takesAlpnOverride(cluster.config)) return undefined;
  const filter = chain.config.http_filters.find((item) => item.name === 'istio.alpn');
  const overrides =
    filter !== undefined && 'alpn_override' in filter.typed_config
      ? filter.typed_config.alpn_override
      : undefined;
  if (!Array.isArray(overrides)) return undefined;
  for (const item of overrides) {
    if (item?.upstream_protocol === protocol && Array.isArray(item.alpn_override))
      return item.alpn_override.map(String);
  }
  return undefined;
}

function describe(failure: ConnectFailure | UpstreamReset): {
  readonly resetReason: string;
  readonly transportFailure: string;
} {
  return failure instanceof ConnectFailure
    ? { resetReason: failure.resetReason, transportFailure: failure.transportFailure }
    : { resetReason: failure.resetReason, transportFailure: '' };
}

function createDeadline(timeoutMs: number, client: AbortSignal) {
  const controller = new AbortController();
  let expired = false;
  const timer =
    timeoutMs === 0
      ? undefined
      : setTimeout(() => {
          expired = true;
          controller.abort();
        }, timeoutMs);
  return {
    signal: AbortSignal.any([controller.signal, client]),
    expired: () => expired,
    clear: () => clearTimeout(timer),
  };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}
