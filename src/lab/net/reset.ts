import type { Socket } from 'node:net';

/**
 * Resets a connection: the peer hears ECONNRESET. While a FIN is on its way the kernel cannot be asked for a
 * reset any more (libuv answers EINVAL); the socket is closed then.
 */
export function resetSocket(socket: Socket): void {
  if (socket.writableEnded && !socket.writableFinished) socket.destroy();
  else socket.resetAndDestroy();
}
