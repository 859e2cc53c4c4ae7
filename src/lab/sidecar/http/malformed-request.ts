/** Bytes that are no HTTP: Envoy answers 400, closes, and writes `400 DPE http1.codec_error`. */
import type { DownstreamConnection } from '../listener/downstream-connection.ts';
import type { HttpChain } from './connection-manager.ts';
import { startRecord } from './stream-record.ts';

const body = 'Bad Request';

/** @param error what Node's parser said; a connection that broke off is no malformed request. */
export function refuseMalformed(
  chain: HttpChain,
  connection: DownstreamConnection,
  error: NodeJS.ErrnoException,
): void {
  const { socket } = connection;
  if (error.code?.startsWith('HPE_') !== true || error.code === 'HPE_INVALID_EOF_STATE') {
    socket.destroy();
    return;
  }
  const { stats, listenerStats, proxy } = chain;
  stats.count('downstream_cx_protocol_error');
  for (const name of ['downstream_rq_total', 'downstream_rq_http1_total', 'downstream_rq_rx_reset'])
    stats.count(name);
  for (const scope of [stats, listenerStats]) {
    scope.count('downstream_rq_4xx');
    scope.count('downstream_rq_completed');
  }
  if (socket.writable) {
    socket.end(
      `HTTP/1.1 400 Bad Request\r\ncontent-length: ${body.length}\r\ncontent-type: text/plain\r\n` +
        `date: ${new Date(proxy.now()).toUTCString()}\r\nserver: ${chain.config.server_name ?? 'envoy'}\r\n` +
        `connection: close\r\n\r\n${body}`,
      () => socket.destroySoon(),
    );
  }
  const record = startRecord(connection, proxy.now());
  record.protocol = 'HTTP/1.1';
  record.responseCode = 400;
  record.flags.push('DPE');
  record.responseCodeDetails = 'http1.codec_error';
  record.bytesSent = body.length;
  chain.log(record);
}
