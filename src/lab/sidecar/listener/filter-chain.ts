/** A loaded filter chain: takes TLS off, asks the network filters, and hands over to HTTP or TCP. */
import type { Socket } from 'node:net';
import { compileAccessLog, type StreamRecord } from '../access-log.ts';
import type { AccessLog, FilterChain as Config, NetworkFilter } from '../config/listener.ts';
import { HttpConnectionManager } from '../http/connection-manager.ts';
import { startRecord } from '../http/stream-record.ts';
import type { ProxyRuntime } from '../proxy.ts';
import { enforce } from '../rbac/rbac-engine.ts';
import type { StatScope } from '../stats/stats.ts';
import { serveTcp } from '../tcp/tcp-proxy.ts';
import { terminateTls } from '../tls/downstream-tls.ts';
import type { DownstreamConnection } from './downstream-connection.ts';

export interface FilterChainContext {
  readonly proxy: ProxyRuntime;
  readonly direction: 'INBOUND' | 'OUTBOUND';
  /** `listener.ADDRESS.` */
  readonly listenerPrefix: string;
  readonly listenerStats: StatScope;
}

/** A connection before its TLS is taken off, with what the listener filters saw. */
export interface AcceptedConnection extends Omit<DownstreamConnection, 'tls' | 'peer' | 'alpn'> {
  readonly applicationProtocols: readonly string[];
}

export class FilterChain {
  readonly config: Config;
  readonly #context: FilterChainContext;
  readonly #connections = new Set<Socket>();
  readonly #http: HttpConnectionManager | undefined;
  readonly #logs = new Map<readonly AccessLog[], (record: StreamRecord) => void>();

  constructor(config: Config, context: FilterChainContext) {
    this.config = config;
    this.#context = context;
    if (config.transport_socket !== undefined) context.listenerStats.kinds.add('ssl');
    const terminal = config.filters.at(-1);
    if (terminal?.name === 'envoy.filters.network.http_connection_manager') {
      const { proxy, direction, listenerPrefix } = context;
      const prefix = terminal.typed_config.stat_prefix;
      this.#http = new HttpConnectionManager({
        config: terminal.typed_config,
        proxy,
        direction,
        stats: proxy.stats.scope(`http.${prefix}.`, ...(direction === 'INBOUND' ? (['http'] as const) : [])),
        listenerStats: proxy.stats.scope(
          `${listenerPrefix}http.${prefix}.`,
          ...(direction === 'INBOUND' ? (['listenerHttp'] as const) : []),
        ),
        log: (record) => this.#log(terminal.typed_config.access_log, record),
      });
    }
  }

  get connections(): number {
    return this.#connections.size;
  }

  async accept(accepted: AcceptedConnection): Promise<void> {
    const { socket } = accepted;
    this.#connections.add(socket);
    socket.once('close', () => this.#connections.delete(socket));
    const connection = await this.#terminate(accepted);
    if (connection === undefined || connection.socket.destroyed) return;
    connection.socket.on('error', () => connection.socket.destroy());
    for (const filter of this.config.filters) {
      if (!this.#passes(filter, connection)) return;
    }
  }

  /** Connections that are open end as soon as that cuts nothing; new ones never come here. */
  drain(): void {
    this.#http?.drain();
  }

  /** The drain time is over. */
  destroyConnections(): void {
    for (const socket of this.#connections) socket.destroy();
  }

  async #terminate(accepted: AcceptedConnection): Promise<DownstreamConnection | undefined> {
    const { applicationProtocols, ...rest } = accepted;
    if (this.config.transport_socket === undefined) {
      return { ...rest, tls: false, peer: undefined, alpn: undefined };
    }
    const { proxy, listenerStats } = this.#context;
    const terminated = await terminateTls(accepted.socket, {
      config: this.config.transport_socket,
      secrets: proxy.secrets,
      stats: listenerStats,
      now: proxy.now,
      applicationProtocols,
    });
    if (terminated === undefined) return undefined;
    const { socket, peer, alpn } = terminated;
    return { ...rest, socket, tls: true, peer, alpn };
  }

  /** @returns whether the next filter gets the connection; the terminal filters keep it. */
  #passes(filter: NetworkFilter, connection: DownstreamConnection): boolean {
    const { proxy, direction } = this.#context;
    switch (filter.name) {
      case 'envoy.filters.network.http_connection_manager':
        void this.#http?.accept(connection);
        return false;
      case 'envoy.filters.network.tcp_proxy': {
        const config = filter.typed_config;
        void serveTcp(
          {
            config,
            proxy,
            direction,
            stats: proxy.stats.scope(`tcp.${config.stat_prefix}.`, 'tcp'),
            log: (record) => this.#log(config.access_log, record),
          },
          connection,
        );
        return false;
      }
      case 'envoy.filters.network.rbac': {
        const { to, from, peer, tls, serverName } = connection;
        const input = {
          peer,
          tls,
          serverName,
          destinationIp: to.ip,
          destinationPort: to.port,
          directRemoteIp: from.ip,
          remoteIp: from.ip,
          http: undefined,
        };
        const stats = proxy.stats.scope(filter.typed_config.stat_prefix, 'sparse');
        const decision = enforce(filter.typed_config, input, stats, 'rbac.');
        if (decision?.allowed !== false) return true;
        this.#logDenied(connection, decision.policy);
        connection.socket.destroy();
        return false;
      }
    }
  }

  /** Envoy closes a TCP connection that RBAC denies, and its TCP proxy, which never got it, logs it. */
  #logDenied(connection: DownstreamConnection, policy: string): void {
    const terminal = this.config.filters.at(-1);
    if (terminal?.name !== 'envoy.filters.network.tcp_proxy') return;
    const record = startRecord(connection, connection.openedAt);
    record.connectionTerminationDetails = `rbac_access_denied_matched_policy[${policy}]`;
    record.durationMs = this.#context.proxy.now() - connection.openedAt;
    this.#log(terminal.typed_config.access_log, record);
  }

  #log(logs: readonly AccessLog[] | undefined, record: StreamRecord): void {
    if (logs === undefined) return;
    let write = this.#logs.get(logs);
    if (write === undefined) {
      write = createLogWriter(logs, (line) => this.#context.proxy.host.log(line));
      this.#logs.set(logs, write);
    }
    write(record);
  }
}

/** @returns the function that writes a record to every log whose filter lets it through. */
export function createLogWriter(
  logs: readonly AccessLog[],
  print: (line: string) => void,
): (record: StreamRecord) => void {
  const writers = logs.map((log) => {
    const format = compileAccessLog(log.typed_config.log_format.text_format_source.inline_string);
    const flags = log.filter?.response_flag_filter.flags;
    return (record: StreamRecord): void => {
      if (flags !== undefined && !record.flags.some((flag) => flags.includes(flag))) return;
      print(format(record).replace(/\n$/, ''));
    };
  });
  return (record) => {
    for (const write of writers) write(record);
  };
}
