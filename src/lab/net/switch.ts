/**
 * Makes connected pairs of real TCP sockets over the host's loopback. Real sockets matter: a reset is a real RST,
 * half-close and backpressure are the kernel's, and TLS runs on native handles.
 */
import { createConnection, createServer, type Socket } from 'node:net';
import { listenOnLoopback } from './listen.ts';
import type { SocketPair } from './network.ts';
import { resetSocket } from './reset.ts';

export interface Switch {
  /** Rejects with the socket error of the host, e.g. EMFILE. */
  open(): Promise<SocketPair>;
  /** Resets every socket that it made and frees the port. */
  close(): Promise<void>;
}

const loopback = '127.0.0.1';

/** Starts listening on an ephemeral port of the loopback. */
export async function startSwitch(): Promise<Switch> {
  const matcher = createMatcher();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => matcher.arrive(socket));
  const port = await listenOnLoopback(server, 4096);
  const open = new Set<Socket>();
  const track = (socket: Socket): void => {
    open.add(socket);
    socket.on('error', leaveToReader);
    socket.once('close', () => open.delete(socket));
  };
  return {
    open: async () => {
      const pair = await matcher.match(port);
      track(pair.near);
      track(pair.far);
      return pair;
    },
    close: async () => {
      for (const socket of open) resetSocket(socket);
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** A reset is news for whoever reads the socket. This listener keeps one that nobody reads from ending the process. */
function leaveToReader(error: Error): Error {
  return error;
}

/**
 * Finds the accepted end of each connection by the dialling end's port. The kernel keeps the four addresses of a
 * connection unique, so nothing else on the machine can be taken for one of ours; what nobody here dialled is cut.
 */
function createMatcher() {
  const dialled = new Map<number, (far: Socket) => void>();
  const arrived = new Map<number, Socket>();
  let dialling = 0;

  const settle = (): void => {
    dialling -= 1;
    if (dialling > 0) return;
    for (const stranger of arrived.values()) stranger.destroy();
    arrived.clear();
  };

  return {
    arrive(far: Socket): void {
      const port = far.remotePort;
      if (port === undefined || far.remoteAddress !== loopback || dialling === 0) {
        far.destroy();
        return;
      }
      const take = dialled.get(port);
      if (take !== undefined) {
        take(far);
        return;
      }
      arrived.set(port, far);
      far.once('close', () => {
        if (arrived.get(port) === far) arrived.delete(port);
      });
    },
    match(switchPort: number): Promise<SocketPair> {
      dialling += 1;
      return new Promise<SocketPair>((resolve, reject) => {
        const near = createConnection({
          host: loopback,
          port: switchPort,
          noDelay: true,
          allowHalfOpen: true,
        });
        near.once('error', reject);
        near.once('connect', () => {
          const port = near.localPort ?? 0;
          const finish = (far: Socket): void => {
            dialled.delete(port);
            arrived.delete(port);
            near.off('error', reject);
            resolve({ near, far });
          };
          const far = arrived.get(port);
          if (far === undefined) dialled.set(port, finish);
          else finish(far);
        });
      }).finally(settle);
    },
  };
}
