import type { Socket } from 'node:net';

/**
 * Reads the first bytes of a connection and puts back all that was read. A peer that says nothing keeps it
 * waiting, as any server that speaks second does. Resolves with undefined where the connection ends before.
 */
export function peek(socket: Socket, length: number): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let seen = 0;
    const settle = (first: Buffer | undefined): void => {
      socket.off('readable', read);
      socket.off('end', giveUp);
      socket.off('close', giveUp);
      resolve(first);
    };
    const giveUp = (): void => settle(undefined);
    const read = (): void => {
      const chunk: unknown = socket.read();
      if (!Buffer.isBuffer(chunk)) return;
      chunks.push(chunk);
      seen += chunk.length;
      if (seen < length) return;
      const all = Buffer.concat(chunks);
      socket.unshift(all);
      settle(all.subarray(0, length));
    };
    socket.on('readable', read);
    socket.once('end', giveUp);
    socket.once('close', giveUp);
  });
}
