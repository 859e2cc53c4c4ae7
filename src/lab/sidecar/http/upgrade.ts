/** Protocol upgrades, WebSocket above all: after the endpoint's 101 both sides are joined byte by byte. */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { DownstreamConnection } from '../listener/downstream-connection.ts';
import { ConnectFailure } from '../upstream/connect-failure.ts';
import type { HttpChain } from './connection-manager.ts';
import { HeaderList } from './header-list.ts';
import { matchRoute } from './route-match.ts';
import { startRecord } from './stream-record.ts';

/** Node has stopped parsing the connection; what is answered is written by hand. */
export function forwardUpgrade(
  chain: HttpChain,
  connection: DownstreamConnection,
  incoming: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): void {
  const { proxy, stats, config } = chain;
  const startedAt = proxy.now();
  const record = startRecord(connection, startedAt);
  const headers = HeaderList.fromRaw(incoming.rawHeaders);
  const authority = headers.get('host') ?? '';
  record.method = incoming.method ?? '';
  record.path = incoming.url ?? '';
  record.protocol = 'HTTP/1.1';
  record.requestHeaders = headers.toMap();
  const routes =
    config.route_config ??
    (config.rds === undefined ? undefined : proxy.routes(config.rds.route_config_name));
  const routed = { method: record.method, path: record.path, authority, headers };
  const name = routes === undefined ? undefined : matchRoute(routes, routed)?.route.route?.cluster;
  const cluster = name === undefined ? undefined : proxy.cluster(name);
  const host = cluster?.pick(connection.to);
  const finish = (status: number): void => {
    record.responseCode = status;
    record.durationMs = proxy.now() - startedAt;
    chain.log(record);
  };
  const refuse = (status: string, flag: string): void => {
    record.flags.push(flag);
    socket.end(`HTTP/1.1 ${status}\r\ncontent-length: 0\r\nserver: ${config.server_name ?? 'envoy'}\r\n\r\n`);
    finish(Number(status.slice(0, 3)));
  };
  if (cluster === undefined || host === undefined) {
    refuse('503 Service Unavailable', 'UH');
    return;
  }
  record.upstreamCluster = cluster.config.name;
  record.upstreamHost = host.label;
  stats.count('downstream_cx_upgrades_total');
  cluster.connect(host, ['istio-http/1.1', 'istio', 'http/1.1']).then(
    (upstream) => {
      record.upstreamLocalAddress = upstream.localAddress;
      headers.remove('x-forwarded-client-cert');
      const outgoing = httpRequest({
        createConnection: () => upstream.socket,
        method: record.method,
        path: record.path,
        setHost: false,
        setDefaultHeaders: false,
        headers: headers.toRaw(),
      });
      outgoing.on('upgrade', (response, far, first) => {
        socket.write(responseHead(response));
        if (first.length > 0) socket.write(first);
        if (head.length > 0) far.write(head);
        join(socket, far, () => finish(101));
      });
      outgoing.on('response', (response) => {
        socket.write(responseHead(response));
        response.pipe(socket);
        response.once('end', () => finish(response.statusCode ?? 502));
      });
      outgoing.on('error', () => refuse('503 Service Unavailable', 'UC'));
      outgoing.end();
    },
    (error: unknown) => {
      if (error instanceof ConnectFailure) record.upstreamTransportFailure = error.transportFailure;
      refuse('503 Service Unavailable', 'UF');
    },
  );
}

function responseHead(response: IncomingMessage): string {
  const fields = HeaderList.fromRaw(response.rawHeaders);
  const lines = [...fields].map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return `HTTP/1.1 ${response.statusCode} ${response.statusMessage}\r\n${lines}\r\n`;
}

function join(near: Duplex, far: Duplex, onEnd: () => void): void {
  let ended = false;
  const end = (): void => {
    near.destroy();
    far.destroy();
    if (!ended) onEnd();
    ended = true;
  };
  for (const socket of [near, far]) {
    socket.once('close', end);
    socket.on('error', end);
  }
  near.pipe(far);
  far.pipe(near);
}
