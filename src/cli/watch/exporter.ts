/** The exporter's HTTP server: `/metrics`, `/healthz`, `/readyz`; reads only, keeps nothing. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PadlockError } from '../../errors.ts';
import type { WatchMetrics } from '../../report/watch/metrics-page.ts';
import type { Listen } from '../commands/watch.route.ts';

export interface Exporter {
  readonly url: string;
  close(): Promise<void>;
}

/** @throws PadlockError `PORT_IN_USE` */
export async function startExporter({ host, port }: Listen, metrics: WatchMetrics): Promise<Exporter> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://exporter');
    const answer = (status: number, text: string, type = 'text/plain; charset=utf-8'): void => {
      response.writeHead(status, { 'content-type': type });
      response.end(request.method === 'HEAD' ? undefined : text);
    };
    if (request.method !== 'GET' && request.method !== 'HEAD') return answer(405, 'only GET\n');
    switch (pathname) {
      case '/metrics':
        return answer(200, metrics.page(), 'text/plain; version=0.0.4; charset=utf-8');
      case '/healthz':
        return answer(200, 'ok\n');
      case '/readyz':
        return metrics.ready ? answer(200, 'ok\n') : answer(503, 'nothing has been read yet\n');
      default:
        return answer(404, 'there are /metrics, /healthz and /readyz\n');
    }
  });
  await listen(server, host, port);
  const address: AddressInfo | string | null = server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : port;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}/metrics`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const reason =
        cause.code === 'EADDRINUSE' ? 'is in use' : `cannot be opened (${cause.code ?? cause.message})`;
      reject(new PadlockError('PORT_IN_USE', `${host}:${port} ${reason}`, { cause }));
    });
    server.listen(port, host, resolve);
  });
}
