/** Envoy's HTTP connection manager: HTTP/1.1 and HTTP/2 on one connection, and what happens to each request. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttp2Server, type Http2Server, type Http2Session } from 'node:http2';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { StreamRecord } from '../access-log.ts';
import type { HttpConnectionManager as Config } from '../config/listener.ts';
import type { DownstreamConnection } from '../listener/downstream-connection.ts';
import { beginsHttp2 } from '../listener/http-inspector.ts';
import { peek } from '../listener/peek.ts';
import type { ProxyRuntime } from '../proxy.ts';
import type { StatScope } from '../stats/stats.ts';
import { type Exchange, http1Exchange, http2Exchange } from './exchange.ts';
import { refuseMalformed } from './malformed-request.ts';
import { serveExchange } from './serve-exchange.ts';
import { forwardUpgrade } from './upgrade.ts';

/** What one filter chain hands to its connection manager. */
export interface HttpChain {
  readonly config: Config;
  readonly proxy: ProxyRuntime;
  readonly direction: 'INBOUND' | 'OUTBOUND';
  readonly stats: StatScope;
  /** `listener.ADDRESS.http.PREFIX.` */
  readonly listenerStats: StatScope;
  log(record: StreamRecord): void;
}

/** How long clients that were told to go may still open streams: Envoy's drain timeout for HTTP/2. */
const goAwayGraceMs = 5000;
const shutdownNotice = 2 ** 31 - 1;

export class HttpConnectionManager {
  readonly #chain: HttpChain;
  readonly #http1: Server;
  readonly #http2: Http2Server;
  readonly #connections = new Map<Duplex, DownstreamConnection>();
  readonly #sessions = new Map<Http2Session, DownstreamConnection>();
  /** While Node makes a session out of a connection. */
  #arriving: DownstreamConnection | undefined;
  #draining = false;

  constructor(chain: HttpChain) {
    this.#chain = chain;
    this.#http1 = this.#createHttp1();
    this.#http2 = this.#createHttp2();
  }

  /** Takes a connection whose first bytes may have been put back. */
  async accept(connection: DownstreamConnection): Promise<void> {
    const { socket } = connection;
    this.#track(connection);
    const http2 = connection.alpn === 'h2' || (connection.alpn === undefined && (await speaksHttp2(socket)));
    if (socket.destroyed) return;
    const { stats } = this.#chain;
    const version = http2 ? 'http2' : 'http1';
    stats.count(`downstream_cx_${version}_total`);
    stats.move(`downstream_cx_${version}_active`, 1);
    socket.once('close', () => stats.move(`downstream_cx_${version}_active`, -1));
    this.#arriving = connection;
    (http2 ? this.#http2 : this.#http1).emit('connection', socket);
    this.#arriving = undefined;
    if (!http2) socket.resume();
  }

  /**
   * The chain was removed: HTTP/1.1 connections end with their next response, HTTP/2 ones are told to go away and
   * end with their last stream. Nothing that is under way is cut.
   */
  drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    for (const session of this.#sessions.keys()) sendAway(session);
  }

  #createHttp1(): Server {
    const server = createServer({
      keepAliveTimeout: 0,
      headersTimeout: 0,
      requestTimeout: 0,
      noDelay: true,
      // A request without Host is Envoy's to judge.
      requireHostHeader: false,
    });
    const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
      this.#serve(request.socket, http1Exchange(request, response));
    };
    server.on('request', onRequest);
    server.on('checkContinue', onRequest);
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      const connection = this.#connections.get(socket);
      if (connection === undefined) socket.destroy();
      else forwardUpgrade(this.#chain, connection, request, socket, head);
    });
    server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
      const connection = this.#connections.get(socket);
      if (connection === undefined) socket.destroy();
      else refuseMalformed(this.#chain, connection, error);
    });
    return server;
  }

  #createHttp2(): Http2Server {
    const server = createHttp2Server({
      settings: { maxConcurrentStreams: 2 ** 31 - 1, initialWindowSize: 1024 * 1024 },
    });
    server.on('session', (session) => {
      const connection = this.#arriving;
      if (connection !== undefined) this.#sessions.set(session, connection);
      session.setLocalWindowSize(1024 * 1024);
      session.once('close', () => this.#sessions.delete(session));
      if (this.#draining) sendAway(session);
    });
    server.on('sessionError', () => this.#chain.stats.count('downstream_cx_protocol_error'));
    server.on('request', (request, response) => {
      const { session } = response.stream;
      const connection = session === undefined ? undefined : this.#sessions.get(session);
      if (connection === undefined) response.stream.close();
      else this.#serveOn(connection, http2Exchange(request, response));
    });
    return server;
  }

  #serve(socket: Socket, exchange: Exchange): void {
    const connection = this.#connections.get(socket);
    if (connection === undefined) socket.destroy();
    else this.#serveOn(connection, exchange);
  }

  #serveOn(connection: DownstreamConnection, exchange: Exchange): void {
    void serveExchange(this.#chain, connection, exchange, () => this.#draining);
  }

  #track(connection: DownstreamConnection): void {
    const { socket } = connection;
    const { stats, proxy } = this.#chain;
    this.#connections.set(socket, connection);
    // Zeros of what exists only from the first connection on, as Envoy's deferred creation has it.
    stats.kinds.add('http');
    this.#chain.listenerStats.kinds.add('listenerHttp');
    stats.count('downstream_cx_total');
    stats.move('downstream_cx_active', 1);
    if (connection.tls) {
      stats.count('downstream_cx_ssl_total');
      stats.move('downstream_cx_ssl_active', 1);
    }
    socket.once('close', () => {
      this.#connections.delete(socket);
      stats.move('downstream_cx_active', -1);
      stats.count('downstream_cx_destroy');
      if (connection.tls) stats.move('downstream_cx_ssl_active', -1);
      stats.count('downstream_cx_rx_bytes_total', socket.bytesRead);
      stats.count('downstream_cx_tx_bytes_total', socket.bytesWritten);
      stats.record('downstream_cx_length_ms', proxy.now() - connection.openedAt);
    });
  }
}

async function speaksHttp2(socket: Socket): Promise<boolean> {
  const answer = await peek(socket, (bytes) => {
    const http2 = beginsHttp2(bytes);
    return http2 === 'incomplete' ? undefined : http2;
  });
  return answer === 'yes';
}

/** Two steps, as in Envoy: a notice that leaves time for streams on their way, then the end of new ones. */
function sendAway(session: Http2Session): void {
  if (session.destroyed) return;
  session.goaway(0, shutdownNotice);
  const timer = setTimeout(() => session.close(), goAwayGraceMs);
  session.once('close', () => clearTimeout(timer));
}
