/** A loaded cluster: its endpoints, whom to ask next, and connections to them. */
import type { Socket } from 'node:net';
import type { Endpoint } from '../../net/network.ts';
import type { ClusterConfig, ClusterLoadAssignment } from '../config/cluster.ts';
import { upstreamTlsType } from '../config/tls.ts';
import type { ProxyRuntime } from '../proxy.ts';
import type { StatScope } from '../stats/stats.ts';
import { originateTls, TlsFailure } from '../tls/upstream-tls.ts';
import { ConnectFailure, dialFailure } from './connect-failure.ts';
import { Http1Pool } from './http1-pool.ts';
import { Http2Pool } from './http2-pool.ts';
import { resolveSocket, UpstreamHost } from './upstream-host.ts';

export interface UpstreamConnection {
  readonly socket: Socket;
  /** As access logs print it. */
  readonly localAddress: string;
  readonly tls: boolean;
}

const connectTimeoutMs = 10_000;

export class Cluster {
  readonly config: ClusterConfig;
  readonly stats: StatScope;
  readonly #proxy: ProxyRuntime;
  /** In the order in which EDS names them; for ORIGINAL_DST those that were asked for. */
  readonly #hosts = new Map<string, UpstreamHost>();
  #turn = 0;
  #draining = false;

  constructor(config: ClusterConfig, proxy: ProxyRuntime) {
    this.config = config;
    this.#proxy = proxy;
    this.stats = proxy.stats.scope(`cluster.${config.alt_stat_name}.`, 'clusterUnused');
    if (config.load_assignment !== undefined) this.setEndpoints(config.load_assignment);
  }

  get hosts(): Iterable<UpstreamHost> {
    return this.#hosts.values();
  }

  /** Takes a new list of endpoints. Those that stay keep their connections; those that leave finish what they carry. */
  setEndpoints(assignment: ClusterLoadAssignment): void {
    const wanted = new Map<string, UpstreamHost>();
    for (const locality of assignment.endpoints ?? []) {
      for (const endpoint of locality.lb_endpoints) {
        const { address, port_value: port } = endpoint.endpoint.address.socket_address;
        const key = `${address}:${port}`;
        const host = this.#hosts.get(key) ?? new UpstreamHost({ ip: address, port }, endpoint);
        host.endpoint = endpoint;
        wanted.set(key, host);
      }
    }
    for (const [key, host] of this.#hosts) if (!wanted.has(key)) drainHost(host);
    this.#hosts.clear();
    for (const [key, host] of wanted) this.#hosts.set(key, host);
    this.stats.count('membership_change');
    this.stats.set('membership_total', wanted.size);
    this.stats.set('membership_healthy', [...wanted.values()].filter((host) => host.healthy).length);
  }

  /**
   * The next endpoint: fewest requests first, in turn among equals. For ORIGINAL_DST it is where the client wanted
   * to go. Undefined: no healthy endpoint. `tried` are left out while there are others.
   */
  pick(
    originalDestination: Endpoint,
    tried: ReadonlySet<UpstreamHost> = new Set(),
  ): UpstreamHost | undefined {
    if (this.config.type === 'ORIGINAL_DST') return this.#originalDestination(originalDestination);
    const healthy = [...this.#hosts.values()].filter((host) => host.healthy);
    const fresh = healthy.filter((host) => !tried.has(host));
    const candidates = fresh.length > 0 ? fresh : healthy;
    if (candidates.length === 0) {
      this.stats.count('upstream_cx_none_healthy');
      return undefined;
    }
    this.#turn += 1;
    let best: UpstreamHost | undefined;
    for (let offset = 0; offset < candidates.length; offset += 1) {
      const host = candidates[(this.#turn + offset) % candidates.length];
      if (host === undefined) continue;
      const load = host.requestsActive + host.connectionsActive;
      if (best === undefined || load < best.requestsActive + best.connectionsActive) best = host;
    }
    return best;
  }

  /**
   * A new connection with TLS where the endpoint wants it.
   * @param alpn replaces the protocols of the TLS context. Rejects with `ConnectFailure`.
   */
  async connect(host: UpstreamHost, alpn?: readonly string[]): Promise<UpstreamConnection> {
    const { stats } = this;
    const resolved = resolveSocket(this.config, host.endpoint);
    stats.kinds.add('cluster');
    if (resolved.socket.typed_config['@type'] === upstreamTlsType) stats.kinds.add('ssl');
    stats.count(`${resolved.match}.total_match_count`);
    stats.count('upstream_cx_total');
    host.connectionsTotal += 1;
    const startedAt = this.#proxy.now();
    try {
      const raw = await this.#dial(host.address);
      const localAddress = this.#localAddress(raw);
      const config = resolved.socket;
      if (config.typed_config['@type'] !== upstreamTlsType) {
        this.#track(host, raw, startedAt);
        return { socket: raw, localAddress, tls: false };
      }
      const tls = await originateTls(raw, {
        config: { name: 'envoy.transport_sockets.tls', typed_config: config.typed_config },
        secrets: this.#proxy.secrets,
        stats,
        now: this.#proxy.now,
        applicationProtocols: alpn,
      });
      this.#track(host, tls, startedAt);
      return { socket: tls, localAddress, tls: true };
    } catch (error) {
      const failure =
        error instanceof TlsFailure
          ? new ConnectFailure('remote connection failure', error.reason, error)
          : error instanceof ConnectFailure
            ? error
            : dialFailure(error);
      stats.count('upstream_cx_connect_fail');
      stats.count('upstream_rq_pending_failure_eject');
      host.connectFailures += 1;
      throw failure;
    }
  }

  http1(host: UpstreamHost): Http1Pool {
    host.http1 ??= new Http1Pool((alpn) => this.connect(host, alpn), this.stats);
    if (this.#draining) host.http1.drain();
    return host.http1;
  }

  http2(host: UpstreamHost): Http2Pool {
    host.http2 ??= new Http2Pool((alpn) => this.connect(host, alpn), this.stats);
    if (this.#draining) host.http2.drain();
    return host.http2;
  }

  /** The cluster was replaced or removed: idle connections close now, busy ones when their requests end. */
  drain(): void {
    this.#draining = true;
    for (const host of this.#hosts.values()) drainHost(host);
  }

  #originalDestination(destination: Endpoint): UpstreamHost {
    const key = `${destination.ip}:${destination.port}`;
    let host = this.#hosts.get(key);
    if (host === undefined) {
      host = new UpstreamHost(destination, undefined);
      this.#hosts.set(key, host);
      this.stats.count('membership_change');
      this.stats.set('membership_total', this.#hosts.size);
      this.stats.set('membership_healthy', this.#hosts.size);
    }
    return host;
  }

  async #dial(address: Endpoint): Promise<Socket> {
    const { host } = this.#proxy;
    // A bind address marks the clusters that lead to the application inside the pod.
    const dialling =
      this.config.upstream_bind_config === undefined ? host.dial(address) : host.connectLocal(address.port);
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new ConnectFailure('connection timeout', '')), connectTimeoutMs);
    });
    try {
      return await Promise.race([dialling, timeout]);
    } catch (error) {
      if (error instanceof ConnectFailure) {
        this.stats.count('upstream_cx_connect_timeout');
        dialling.then((late) => late.destroy()).catch(dialFailure);
      }
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  #localAddress(socket: Socket): string {
    const bind = this.config.upstream_bind_config?.source_address.address;
    return `${bind ?? this.#proxy.host.ip}:${socket.localPort ?? 0}`;
  }

  #track(host: UpstreamHost, socket: Socket, startedAt: number): void {
    const { stats } = this;
    stats.record('upstream_cx_connect_ms', this.#proxy.now() - startedAt);
    stats.move('upstream_cx_active', 1);
    host.connectionsActive += 1;
    socket.once('close', () => {
      stats.move('upstream_cx_active', -1);
      stats.count('upstream_cx_destroy');
      stats.count('upstream_cx_rx_bytes_total', socket.bytesRead);
      stats.count('upstream_cx_tx_bytes_total', socket.bytesWritten);
      stats.record('upstream_cx_length_ms', this.#proxy.now() - startedAt);
      host.connectionsActive -= 1;
    });
  }
}

function drainHost(host: UpstreamHost): void {
  host.http1?.drain();
  host.http2?.drain();
}
