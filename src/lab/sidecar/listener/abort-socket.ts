import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { resetSocket } from '../../net/reset.ts';

/** Ends a connection at once: by a reset where it is plain TCP; Node cannot reset below TLS and closes there. */
export function abortSocket(socket: Socket): void {
  if (socket.destroyed) return;
  if (socket instanceof TLSSocket) socket.destroy();
  else resetSocket(socket);
}
