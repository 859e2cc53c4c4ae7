/** The ports that a sidecar serves itself. Nobody listens: the pod hands them connections. */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { ConfigLoader } from '../config-loader.ts';
import type { ProxyRuntime } from '../proxy.ts';
import { readStatsInclusion } from '../stats/node-stats.ts';
import { compileMatcher } from '../stats/stats-matcher.ts';
import { type AdminContext, adminReply, prometheusPage } from './admin.ts';
import { probeApplication, readProbers } from './app-probe.ts';
import { type Reply, textReply } from './reply.ts';

export interface ServersOptions {
  readonly proxy: ProxyRuntime;
  readonly loader: ConfigLoader;
  readonly startedAt: number;
  ready(): boolean;
}

/** By port: 15000 Envoy's administration, 15020 the agent, 15021 readiness, 15090 metrics. */
export function createServers(options: ServersOptions): ReadonlyMap<number, Server> {
  const context: AdminContext = {
    ...options,
    included: compileMatcher(readStatsInclusion(options.proxy.node)),
  };
  const readiness = (): Reply =>
    options.ready() ? { status: 200, contentType: '', body: '' } : textReply('not ready', 503);
  const probers = readProbers(options.proxy.host.pod);
  const agent = async (path: string): Promise<Reply> => {
    if (path === '/healthz/ready') return readiness();
    if (path === '/stats/prometheus') return prometheusPage(context, new URLSearchParams());
    const prober = probers.get(path);
    if (prober !== undefined) return probeApplication(prober, options.proxy.host);
    return textReply('404 page not found\n', 404);
  };
  return new Map([
    [15000, serve(async (path, method) => adminReply(context, method, path))],
    [15020, serve(agent)],
    [15021, serve(async (path) => (path === '/healthz/ready' ? readiness() : textReply('', 404)))],
    [
      15090,
      serve(async (path) =>
        // This port's listener passes the path on to the administration with its query.
        path.startsWith('/stats/prometheus')
          ? prometheusPage(context, new URL(path, 'http://localhost').searchParams)
          : textReply('', 404),
      ),
    ],
  ]);
}

function serve(answer: (path: string, method: string) => Promise<Reply>): Server {
  return createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    request.resume();
    answer(request.url ?? '/', request.method ?? 'GET').then(
      (reply) => send(response, reply),
      (error: unknown) =>
        send(response, textReply(`${error instanceof Error ? error.message : error}\n`, 500)),
    );
  });
}

function send(response: ServerResponse, { status, contentType, body }: Reply): void {
  response.writeHead(status, {
    ...(contentType === '' ? {} : { 'content-type': contentType }),
    'cache-control': 'no-cache, max-age=0',
    'x-content-type-options': 'nosniff',
    'content-length': Buffer.byteLength(body),
    server: 'envoy',
  });
  response.end(body);
}
