/** A loaded listener: inspects new connections, finds their filter chain, refuses what has none. */
import type { Socket } from 'node:net';
import type { Endpoint } from '../../net/network.ts';
import { resetSocket } from '../../net/reset.ts';
import type { FilterChain as ChainConfig, ListenerConfig } from '../config/listener.ts';
import { startRecord } from '../http/stream-record.ts';
import type { ProxyRuntime } from '../proxy.ts';
import type { StatScope } from '../stats/stats.ts';
import { createLogWriter, FilterChain } from './filter-chain.ts';
import { matchFilterChain } from './filter-chain-match.ts';
import { type Inspection, inspectConnection } from './inspect-connection.ts';

export class Listener {
  readonly config: ListenerConfig;
  readonly #proxy: ProxyRuntime;
  readonly #stats: StatScope;
  readonly #chains = new Map<ChainConfig, FilterChain>();

  /** @param keep chains of the configuration before that stay as they are, with their connections. */
  constructor(
    config: ListenerConfig,
    proxy: ProxyRuntime,
    keep: ReadonlyMap<ChainConfig, FilterChain> = new Map(),
  ) {
    this.config = config;
    this.#proxy = proxy;
    const { address, port_value: port } = config.address.socket_address;
    const listenerPrefix = `listener.${address}_${port}.`;
    this.#stats = proxy.stats.scope(
      listenerPrefix,
      ...(config.traffic_direction === 'INBOUND' ? (['listener'] as const) : []),
    );
    const context = {
      proxy,
      direction: config.traffic_direction,
      listenerPrefix,
      listenerStats: this.#stats,
    };
    for (const { name } of config.listener_filters ?? []) {
      // Their counters are there, as 0, before the first connection: widely read guides look for them.
      if (name === 'envoy.filters.listener.tls_inspector')
        proxy.stats.scope('tls_inspector.', 'tlsInspector');
      if (name === 'envoy.filters.listener.http_inspector')
        proxy.stats.scope('http_inspector.', 'httpInspector');
    }
    for (const chain of chainsOf(config)) {
      this.#chains.set(chain, keep.get(chain) ?? new FilterChain(chain, context));
    }
  }

  get chains(): ReadonlyMap<ChainConfig, FilterChain> {
    return this.#chains;
  }

  accept(socket: Socket, from: Endpoint, to: Endpoint): void {
    const openedAt = this.#proxy.now();
    this.#stats.kinds.add('listener');
    this.#stats.count('downstream_cx_total');
    this.#stats.move('downstream_cx_active', 1);
    socket.once('close', () => {
      this.#stats.move('downstream_cx_active', -1);
      this.#stats.count('downstream_cx_destroy');
      this.#stats.record('downstream_cx_length_ms', this.#proxy.now() - openedAt);
    });
    void this.#serve(socket, from, to, openedAt);
  }

  async #serve(socket: Socket, from: Endpoint, to: Endpoint, openedAt: number): Promise<void> {
    const inspection = await inspectConnection(this.config, socket, to.port, this.#proxy.stats);
    if (socket.destroyed) return;
    if (inspection === undefined) {
      this.#stats.count('downstream_listener_filter_remote_close');
      socket.destroy();
      return;
    }
    const config = matchFilterChain(this.config, { destinationPort: to.port, ...inspection });
    const chain = config === undefined ? undefined : this.#chains.get(config);
    if (chain === undefined) {
      this.#refuse(socket, from, to, openedAt, inspection);
      return;
    }
    const { serverName, applicationProtocols } = inspection;
    await chain.accept({ socket, from, to, serverName, applicationProtocols, openedAt });
  }

  #refuse(socket: Socket, from: Endpoint, to: Endpoint, openedAt: number, inspection: Inspection): void {
    this.#stats.count('no_filter_chain_match');
    const { serverName } = inspection;
    const record = startRecord(
      { socket, from, to, serverName, openedAt, tls: false, peer: undefined, alpn: undefined },
      openedAt,
    );
    record.flags.push('NR');
    record.responseCodeDetails = 'filter_chain_not_found';
    record.durationMs = this.#proxy.now() - openedAt;
    resetSocket(socket);
    createLogWriter(this.config.access_log ?? [], (line) => this.#proxy.host.log(line))(record);
  }
}

/** All chains of a listener, the default among them. */
export function chainsOf(config: ListenerConfig): readonly ChainConfig[] {
  return config.default_filter_chain === undefined
    ? config.filter_chains
    : [...config.filter_chains, config.default_filter_chain];
}
