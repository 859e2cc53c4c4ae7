/** Requests that leave HTTP: exec, attach and port-forward. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ApiRequest } from '../http/request.ts';
import type { RouterParts } from '../http/router.ts';

export async function upgrade(
  _parts: RouterParts,
  _request: ApiRequest,
  _incoming: IncomingMessage,
  socket: Duplex,
  _head: Buffer,
): Promise<void> {
  socket.destroy();
}
