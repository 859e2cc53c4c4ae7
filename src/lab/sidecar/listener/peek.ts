import type { Socket } from 'node:net';

/**
 * Reads a connection's first bytes and puts them back before anybody else sees them.
 * @param judge the answer, or undefined to wait for more bytes.
 * @returns undefined where the connection ended before there was an answer.
 */
export function peek<T>(socket: Socket, judge: (bytes: Buffer) => T | undefined): Promise<T | undefined> {
  return new Promise((resolve) => {
    let bytes: Buffer = Buffer.alloc(0);
    const finish = (answer: T | undefined): void => {
      socket.off('readable', look);
      socket.off('end', gone);
      socket.off('close', gone);
      // After its end a stream takes nothing back; without an answer there is nobody to read it either.
      if (bytes.length > 0 && !socket.destroyed && !socket.readableEnded) socket.unshift(bytes);
      resolve(answer);
    };
    const gone = (): void => finish(undefined);
    const look = (): void => {
      const chunk: unknown = socket.read();
      if (!Buffer.isBuffer(chunk)) return;
      bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
      const answer = judge(bytes);
      if (answer !== undefined) finish(answer);
    };
    if (socket.destroyed || socket.readableEnded) {
      resolve(undefined);
      return;
    }
    socket.on('readable', look);
    socket.once('end', gone);
    socket.once('close', gone);
    look();
  });
}
