/**
 * How a real API server reaches into the lab's network: an HTTP CONNECT proxy, which its egress selector for the
 * cluster names. Its proxies to pods and services then call from outside the mesh, as on any cluster.
 */
import { createServer as createHttpServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import { createServer } from 'node:tls';
import { createAuthority, type KeyPem } from '../api/authority.ts';
import { listenOnLoopback } from '../net/listen.ts';
import { resetSocket } from '../net/reset.ts';

export interface ClusterProxy {
  /** `https://127.0.0.1:PORT` */
  readonly url: string;
  readonly caCertificate: string;
  /** The API server's: nobody else is let in. */
  readonly client: KeyPem;
  /** Where connections lead from now on; until it is set all are refused. */
  lead(dial: (host: string, port: number) => Promise<Socket>): void;
  close(): Promise<void>;
}

export async function startClusterProxy(now: Date): Promise<ClusterProxy> {
  const { caCertificate, issueServer, issueClient } = await createAuthority('padlock-lab-proxy-ca', now);
  const [own, client] = await Promise.all([
    issueServer('proxy', { ips: ['127.0.0.1'], names: ['localhost'] }),
    issueClient('kube-apiserver-egress', []),
  ]);
  let dial = (_host: string, _port: number): Promise<Socket> => Promise.reject(new Error('not started'));
  /** The sockets below TLS, by the caller's port: they alone can be reset. */
  const below = new Map<number, Socket>();
  const http = createHttpServer((_incoming, outgoing) => outgoing.writeHead(405).end());
  http.on('connect', (incoming, outer) => {
    const lower = below.get((outer as Socket).remotePort ?? 0);
    const target = `tcp://${incoming.url ?? ''}`;
    if (!URL.canParse(target)) {
      outer.end('HTTP/1.1 400 Bad Request\r\n\r\n');
      return;
    }
    const { hostname, port } = new URL(target);
    dial(hostname.replace(/^\[|\]$/g, ''), Number(port)).then(
      (inner) => {
        // The caller may have gone meanwhile.
        if (outer.destroyed) {
          inner.destroy();
          return;
        }
        outer.write('HTTP/1.1 200 OK\r\n\r\n');
        outer.pipe(inner);
        inner.pipe(outer);
        // A reset is told as a reset: it is how STRICT refuses plaintext.
        inner.on('error', () => (lower === undefined ? outer.destroy() : resetSocket(lower)));
        outer.on('error', () => resetSocket(inner));
        outer.on('close', () => inner.destroy());
        inner.on('close', () => outer.end());
      },
      (error: unknown) => {
        const why = error instanceof Error ? error.message.replaceAll(/[\r\n]/g, ' ') : 'unreachable';
        outer.end(`HTTP/1.1 502 ${why}\r\n\r\n`);
      },
    );
  });
  const server = createServer(
    {
      key: own.key,
      cert: own.certificate,
      ca: caCertificate,
      requestCert: true,
      rejectUnauthorized: true,
      ALPNProtocols: ['http/1.1'],
      allowHalfOpen: true,
    },
    (secure) => {
      secure.on('error', () => secure.destroy());
      http.emit('connection', secure);
    },
  );
  server.on('connection', (socket: Socket) => {
    const from = socket.remotePort ?? 0;
    below.set(from, socket);
    socket.on('close', () => below.get(from) === socket && below.delete(from));
  });
  const port = await listenOnLoopback(server);
  return {
    url: `https://127.0.0.1:${port}`,
    caCertificate,
    client,
    lead: (to) => {
      dial = to;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of below.values()) socket.destroy();
      }),
  };
}

/** Connects to a port of this machine's loopback. Rejects with a Node socket error. */
export function dialLoopback(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true }, () => {
      socket.off('error', reject);
      resolve(socket);
    });
    socket.once('error', reject);
  });
}
