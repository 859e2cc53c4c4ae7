/** The two ways out of HTTP that Kubernetes knows, WebSocket and SPDY/3.1, and refusals before either. */
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { ApiStatus, badRequest } from '../status.ts';

/** A request that asked to leave HTTP, with its connection. */
export interface Departure {
  readonly incoming: IncomingMessage;
  readonly socket: Duplex;
  /** What the client sent behind the request's head. */
  readonly head: Buffer;
}

export type Door = 'websocket' | 'spdy';

/** @throws ApiStatus BadRequest for another protocol. */
export function doorOf({ incoming }: Departure): Door {
  const asked = (incoming.headers.upgrade ?? '').toLowerCase();
  if (asked === 'websocket') return 'websocket';
  if (asked === 'spdy/3.1') return 'spdy';
  throw badRequest(`unable to upgrade: ${JSON.stringify(asked)} is not spoken here`);
}

/** The first of the server's protocols that the client offers too. @throws ApiStatus Forbidden, as the kubelet refuses. */
export function negotiate({ incoming }: Departure, door: Door, served: readonly string[]): string {
  const name = door === 'websocket' ? 'sec-websocket-protocol' : 'x-stream-protocol-version';
  const header = incoming.headers[name] ?? '';
  const offered = (Array.isArray(header) ? header.join(',') : header).split(',').map((text) => text.trim());
  const chosen = served.find((protocol) => offered.includes(protocol));
  if (chosen !== undefined) return chosen;
  throw new ApiStatus(
    'Forbidden',
    `unable to upgrade: unable to negotiate protocol: client supports [${offered.join(' ')}], server accepts [${served.join(' ')}]`,
  );
}

/** Frames hold at most what the real server's readers take. */
const maxPayload = 4 * 1024 * 1024;
const doorkeeper = new WebSocketServer({
  noServer: true,
  maxPayload,
  perMessageDeflate: false,
  handleProtocols: (offered) => [...offered][0] ?? false,
});

/** Accepts with the protocol that `negotiate` chose. */
export function acceptWebSocket(departure: Departure, protocol: string): Promise<WebSocket> {
  const { incoming, socket, head } = departure;
  incoming.headers['sec-websocket-protocol'] = protocol;
  return new Promise((resolve) => {
    doorkeeper.handleUpgrade(incoming, socket, head, (accepted) => resolve(accepted));
  });
}

/** Accepts; what follows on the connection are SPDY frames. */
export function acceptSpdy({ socket, head }: Departure, protocol: string): Duplex {
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: ${protocol}\r\n\r\n`,
  );
  if (head.length > 0) socket.unshift(head);
  return socket;
}

/** Answers in HTTP after all, and closes. */
export function refuse(socket: Duplex, status: ApiStatus): void {
  refuseWith(socket, status.code, 'application/json', JSON.stringify(status));
}

/** The same, with a body of the caller's own. */
export function refuseWith(socket: Duplex, code: number, type: string, body: string): void {
  const lines = [
    `HTTP/1.1 ${code} ${STATUS_CODES[code] ?? ''}`,
    `Content-Type: ${type}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    // No word of the end that follows: the real server says none either.
  ];
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`);
}
