import type { Socket } from 'node:net';
import { resetSocket } from './reset.ts';

/**
 * Joins two connections into one: bytes, half-close and resets pass from each to the other, so that a peer sees
 * what it would see without anything between.
 */
export function splice(a: Socket, b: Socket): void {
  forward(a, b);
  forward(b, a);
}

function forward(from: Socket, to: Socket): void {
  from.pipe(to);
  from.on('error', () => resetSocket(to));
  from.once('close', (hadError) => {
    // Closed without an end: whoever closed it wants nothing more of the other half either.
    if (!hadError && !from.readableEnded) to.destroy();
  });
}
