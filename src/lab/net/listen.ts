/** Where the lab's own servers listen: on a free port of 127.0.0.1, and nowhere else. */
import type { Server } from 'node:net';

/** @returns the port. Rejects with the server's error. */
export function listenOnLoopback(server: Server, backlog?: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: '127.0.0.1', port: 0, ...(backlog === undefined ? {} : { backlog }) }, () => {
      const address = server.address();
      if (address === null || typeof address === 'string') reject(new Error('a server without a TCP port'));
      else resolve(address.port);
    });
  });
}
