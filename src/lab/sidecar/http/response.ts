/** The answer of an endpoint on its way back to the client. */
import { finished } from 'node:stream/promises';
import type { Route } from '../config/route.ts';
import type { Cluster } from '../upstream/cluster.ts';
import type { ForwardResult } from './forward.ts';
import { type HeaderList, removeHopByHop } from './header-list.ts';
import { decoratorHeader, peerMetadataHeader, peerMetadataIdHeader } from './request-headers.ts';
import type { ServedStream } from './serve-exchange.ts';
import type { UpstreamResponse } from './upstream-stream.ts';

/** The header fields that the client gets: the endpoint's, with what Envoy adds and takes out. */
export function responseFields(
  { chain, request, record, draining }: ServedStream,
  response: UpstreamResponse,
  serviceTimeMs: number,
  route: Route,
): HeaderList {
  const fields = response.headers.copy();
  removeHopByHop(fields);
  if (!fields.has('date')) fields.set('date', new Date(chain.proxy.now()).toUTCString());
  fields.set('server', chain.config.server_name ?? 'envoy');
  fields.set('x-envoy-upstream-service-time', String(Math.max(0, Math.round(serviceTimeMs))));
  record.responseHeaders = fields.toMap();
  for (const name of [decoratorHeader, peerMetadataHeader, peerMetadataIdHeader]) fields.remove(name);
  if (chain.direction === 'INBOUND') {
    // A caller without a proxy is told the operation's name; a proxy named it itself, and is told who answered.
    if (!request.operationNamed && route.decorator !== undefined) {
      fields.set(decoratorHeader, route.decorator.operation);
    }
    if (request.peerNode !== undefined) fields.set(peerMetadataIdHeader, chain.proxy.node.id);
  }
  if (draining()) {
    fields.set('connection', 'close');
    chain.stats.count('downstream_cx_drain_close');
  }
  return fields;
}

/** Passes the answer on as it comes; resolves when it has ended on either side. */
export async function relayResponse(
  stream: ServedStream,
  { response, stream: upstream, host }: Extract<ForwardResult, { kind: 'response' }>,
  fields: HeaderList,
  cluster: Cluster,
): Promise<void> {
  const { exchange, record, signal, chain } = stream;
  record.responseCode = response.status;
  countResponse(cluster, response.status);
  if (response.status < 500) host.requestSuccesses += 1;
  else host.requestErrors += 1;
  const sink = exchange.respond(response.status, fields);
  const { body } = response;
  body.on('data', (chunk: Buffer) => {
    record.bytesSent += chunk.length;
    if (sink.destroyed || sink.write(chunk)) return;
    body.pause();
    sink.once('drain', () => body.resume());
  });
  const abort = (): void => {
    upstream.abort();
    body.destroy();
  };
  signal.addEventListener('abort', abort);
  try {
    await finished(body, { writable: false });
    exchange.end(response.trailers());
  } catch (error) {
    if (!signal.aborted) {
      record.flags.push('UC');
      record.responseCodeDetails = `upstream_reset_after_response_started{${describeError(error)}}`;
      chain.stats.count('rq_reset_after_downstream_response_started');
      exchange.reset();
    }
  } finally {
    signal.removeEventListener('abort', abort);
  }
  if (signal.aborted && !sink.writableFinished) {
    record.flags.push('DC');
    record.responseCodeDetails = 'downstream_remote_disconnect';
  }
}

function describeError(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return code.startsWith('HPE_') ? 'protocol error' : 'connection termination';
}

function countResponse({ stats }: Cluster, status: number): void {
  const group = `upstream_rq_${Math.floor(status / 100)}xx`;
  for (const prefix of ['', 'external.']) {
    stats.count(`${prefix}${group}`);
    stats.count(`${prefix}upstream_rq_${status}`);
    stats.count(`${prefix}upstream_rq_completed`);
  }
}
