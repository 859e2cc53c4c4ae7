/** Envoy's TCP proxy: bytes of a connection to an endpoint and back. */
import type { Socket } from 'node:net';
import { finished } from 'node:stream/promises';
import type { StreamRecord } from '../access-log.ts';
import type { TcpProxy } from '../config/listener.ts';
import { startRecord } from '../http/stream-record.ts';
import { abortSocket } from '../listener/abort-socket.ts';
import type { DownstreamConnection } from '../listener/downstream-connection.ts';
import type { ProxyRuntime } from '../proxy.ts';
import type { StatScope } from '../stats/stats.ts';
import type { Cluster, UpstreamConnection } from '../upstream/cluster.ts';
import { ConnectFailure } from '../upstream/connect-failure.ts';
import type { UpstreamHost } from '../upstream/upstream-host.ts';
import { recordTcp } from './tcp-metrics.ts';

export interface TcpChain {
  readonly config: TcpProxy;
  readonly proxy: ProxyRuntime;
  readonly direction: 'INBOUND' | 'OUTBOUND';
  readonly stats: StatScope;
  log(record: StreamRecord): void;
}

/** Envoy's max_connect_attempts, its default. */
const connectAttempts = 1;

/** Serves the connection until it ends; never rejects for what a peer does. */
export async function serveTcp(chain: TcpChain, connection: DownstreamConnection): Promise<void> {
  const { proxy, stats } = chain;
  const { socket } = connection;
  const record = startRecord(connection, connection.openedAt);
  stats.count('downstream_cx_total');
  const cluster = chooseCluster(chain);
  const report = recordTcp(chain, connection, cluster, record);
  report('opened');
  const upstream = cluster === undefined ? undefined : await connect(connection, cluster, record);
  if (upstream === undefined) abortSocket(socket);
  else {
    record.upstreamLocalAddress = upstream.localAddress;
    await Promise.all([relay(socket, upstream.socket), relay(upstream.socket, socket)]);
    socket.destroy();
    upstream.socket.destroy();
  }
  record.durationMs = proxy.now() - connection.openedAt;
  stats.count('downstream_cx_rx_bytes_total', record.bytesReceived);
  stats.count('downstream_cx_tx_bytes_total', record.bytesSent);
  report('closed');
  chain.log(record);

  /** One direction, half-closes and resets included. */
  async function relay(from: Socket, to: Socket): Promise<void> {
    const received = from === socket;
    from.on('data', (chunk: Buffer) => {
      if (received) record.bytesReceived += chunk.length;
      else record.bytesSent += chunk.length;
      if (to.destroyed || to.write(chunk)) return;
      from.pause();
      to.once('drain', () => from.resume());
    });
    from.once('end', () => to.end());
    from.resume();
    try {
      await finished(from, { writable: false });
    } catch {
      // A broken connection on one side is passed on as a reset on the other.
      abortSocket(to);
    }
  }
}

function chooseCluster({ config, proxy }: TcpChain): Cluster | undefined {
  if (config.cluster !== undefined) return proxy.cluster(config.cluster);
  const clusters = config.weighted_clusters?.clusters ?? [];
  const total = clusters.reduce((sum, { weight }) => sum + weight, 0);
  let at = proxy.random() * total;
  for (const { name, weight } of clusters) {
    at -= weight;
    if (at < 0) return proxy.cluster(name);
  }
  return undefined;
}

async function connect(
  connection: DownstreamConnection,
  cluster: Cluster,
  record: StreamRecord,
): Promise<UpstreamConnection | undefined> {
  record.upstreamCluster = cluster.config.name;
  const tried = new Set<UpstreamHost>();
  for (let attempt = 1; attempt <= connectAttempts; attempt += 1) {
    const host = cluster.pick(connection.to, tried);
    if (host === undefined) {
      record.flags.push('UH');
      return undefined;
    }
    tried.add(host);
    record.upstreamHost = host.label;
    try {
      return await cluster.connect(host);
    } catch (error) {
      if (!(error instanceof ConnectFailure)) throw error;
      if (error.transportFailure !== '') record.upstreamTransportFailure = error.transportFailure;
    }
  }
  record.flags.push('UF', 'URX');
  return undefined;
}
