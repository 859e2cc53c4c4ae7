/** The HTTP/2 connection to one endpoint; a second one opens when the first is going away. */
import { type ClientHttp2Session, connect } from 'node:http2';
import type { StatScope } from '../stats/stats.ts';
import type { UpstreamConnection } from './cluster.ts';
import type { Connect } from './http1-pool.ts';

export interface Http2Connection {
  readonly session: ClientHttp2Session;
  readonly upstream: UpstreamConnection;
}

export class Http2Pool {
  readonly #connect: Connect;
  readonly #stats: StatScope;
  #current: Promise<Http2Connection> | undefined;

  constructor(connectUpstream: Connect, stats: StatScope) {
    this.#connect = connectUpstream;
    this.#stats = stats;
  }

  /** Rejects with `ConnectFailure`. */
  async acquire(alpn: readonly string[] | undefined): Promise<Http2Connection> {
    this.#stats.count('upstream_rq_pending_total');
    const opening = this.#current ?? this.#open(alpn);
    this.#current = opening;
    try {
      const connection = await opening;
      if (!connection.session.closed && !connection.session.destroyed) return connection;
    } catch (error) {
      this.#forget(opening);
      throw error;
    }
    this.#forget(opening);
    return this.acquire(alpn);
  }

  /** No new requests; the connection closes when those under way have ended. */
  drain(): void {
    const opening = this.#current;
    this.#current = undefined;
    opening?.then(
      ({ session }) => session.close(),
      () => this.#stats.count('upstream_cx_destroy_local'),
    );
  }

  #forget(opening: Promise<Http2Connection>): void {
    if (this.#current === opening) this.#current = undefined;
  }

  async #open(alpn: readonly string[] | undefined): Promise<Http2Connection> {
    const upstream = await this.#connect(alpn);
    this.#stats.count('upstream_cx_http2_total');
    const session = connect('http://upstream', {
      createConnection: () => upstream.socket,
      settings: { enablePush: false, initialWindowSize: 1024 * 1024 },
    });
    session.setLocalWindowSize(1024 * 1024);
    session.on('error', () => this.#stats.count('upstream_cx_protocol_error'));
    const opening = this.#current;
    session.once('goaway', () => {
      this.#stats.count('upstream_cx_close_notify');
      if (opening !== undefined) this.#forget(opening);
      else this.#current = undefined;
    });
    return { session, upstream };
  }
}
