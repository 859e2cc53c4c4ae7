/** Connections to one endpoint that carry HTTP/1.1, kept open between requests. */
import { Agent } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { StatScope } from '../stats/stats.ts';
import type { UpstreamConnection } from './cluster.ts';

/** What the filter `istio.alpn` offers for HTTP/1.1 upstream; used only where the connection is TLS. */
export type Connect = (alpn: readonly string[] | undefined) => Promise<UpstreamConnection>;

/**
 * One connection. Node's agent does the keeping alive; it is given a single socket, so that a request goes
 * exactly where the pool says.
 */
export class Http1Connection extends Agent {
  readonly upstream: UpstreamConnection;
  /** Requests that it has carried. */
  carried = 0;
  draining = false;
  readonly #onIdle: () => void;
  #taken = false;

  constructor(upstream: UpstreamConnection, onIdle: (connection: Http1Connection) => void) {
    super({ keepAlive: true, maxSockets: 1 });
    this.upstream = upstream;
    this.#onIdle = () => onIdle(this);
  }

  get closed(): boolean {
    return this.upstream.socket.destroyed;
  }

  override createConnection(): Socket {
    if (this.#taken) throw new Error('an upstream connection is used for one socket only');
    this.#taken = true;
    return this.upstream.socket;
  }

  override keepSocketAlive(socket: Duplex): boolean {
    if (this.draining || this.closed || !socket.writable) return false;
    // Node heeds the server's `Keep-Alive: timeout` here, so that a server's idle timeout is not raced.
    const keep: unknown = super.keepSocketAlive(socket);
    if (keep === false) return false;
    // The agent files the socket as free only after this call returns.
    queueMicrotask(this.#onIdle);
    return true;
  }
}

export class Http1Pool {
  readonly #connect: Connect;
  readonly #stats: StatScope;
  readonly #idle = new Set<Http1Connection>();
  readonly #busy = new Set<Http1Connection>();
  #draining = false;

  constructor(connect: Connect, stats: StatScope) {
    this.#connect = connect;
    this.#stats = stats;
  }

  /**
   * A connection for one request: one that is idle, else a new one. Rejects with `ConnectFailure`.
   * @param fresh never an idle one, for a second attempt after an idle one turned out to be dead.
   */
  async acquire(alpn: readonly string[] | undefined, fresh = false): Promise<Http1Connection> {
    if (!fresh) {
      for (const connection of this.#idle) {
        this.#idle.delete(connection);
        if (connection.closed) continue;
        this.#busy.add(connection);
        return connection;
      }
    }
    this.#stats.count('upstream_rq_pending_total');
    const upstream = await this.#connect(alpn);
    this.#stats.count('upstream_cx_http1_total');
    const connection = new Http1Connection(upstream, (idle) => this.#release(idle));
    connection.draining = this.#draining;
    this.#busy.add(connection);
    upstream.socket.once('close', () => {
      this.#idle.delete(connection);
      this.#busy.delete(connection);
      this.#stats.record('upstream_rq_per_cx', connection.carried);
    });
    return connection;
  }

  /** Idle connections close now, busy ones after their request. */
  drain(): void {
    this.#draining = true;
    for (const connection of this.#idle) connection.upstream.socket.destroy();
    this.#idle.clear();
    for (const connection of this.#busy) connection.draining = true;
  }

  #release(connection: Http1Connection): void {
    if (!this.#busy.delete(connection)) return;
    if (connection.closed) return;
    if (this.#draining) connection.upstream.socket.destroy();
    else this.#idle.add(connection);
  }
}
