/**
 * A SOCKS 5 server on the host's loopback that is the network stack of the processes the lab starts (curl in an
 * exec): each process has its own user and password, and what it connects to is looked up and dialled inside its pod.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import { listenOnLoopback } from './listen.ts';
import { errorCode } from './socket-error.ts';
import {
  method,
  type Read,
  readCredentials,
  readGreeting,
  readRequest,
  reply,
  requestReply,
  version,
} from './socks-message.ts';
import { splice } from './splice.ts';

/** Connects as one process does. Rejects with a Node error: ENOTFOUND, ECONNREFUSED, EHOSTUNREACH. */
export type Connect = (host: string, port: number) => Promise<Socket>;

export interface SocksAccess {
  /** `socks5h://USER:PASSWORD@127.0.0.1:PORT`: a secret, for the one process that it is made for. */
  readonly url: string;
  /** Ends the access and resets what the process still has open. */
  revoke(): void;
}

export interface SocksServer {
  admit(connect: Connect): SocksAccess;
  close(): Promise<void>;
}

interface Session {
  readonly password: Buffer;
  readonly connect: Connect;
  readonly sockets: Set<Socket>;
}

/** A client that has not said what it wants after this time is cut. */
const handshakeMilliseconds = 10_000;

/** Listens on an ephemeral port of 127.0.0.1. */
export async function startSocks(): Promise<SocksServer> {
  const sessions = new Map<string, Session>();
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    void serve(socket, sessions);
  });
  const port = await listenOnLoopback(server);
  return {
    admit(connect) {
      const user = randomBytes(8).toString('hex');
      const password = randomBytes(24).toString('hex');
      const session: Session = { password: Buffer.from(password), connect, sockets: new Set() };
      sessions.set(user, session);
      return {
        url: `socks5h://${user}:${password}@127.0.0.1:${port}`,
        revoke() {
          sessions.delete(user);
          for (const socket of session.sockets) socket.destroy();
        },
      };
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** One client: greeting, password, request, then the two connections are one. */
async function serve(socket: Socket, sessions: ReadonlyMap<string, Session>): Promise<void> {
  socket.on('error', () => socket.destroy());
  socket.setTimeout(handshakeMilliseconds, () => socket.destroy());
  const read = messageReader(socket);
  const methods = await read(readGreeting);
  if (methods === undefined || !methods.includes(method.password)) {
    socket.end(Buffer.from([version, method.none]));
    return;
  }
  socket.write(Buffer.from([version, method.password]));
  const credentials = await read(readCredentials);
  const session = credentials === undefined ? undefined : sessions.get(credentials.user);
  if (credentials === undefined || session === undefined || !same(session.password, credentials.password)) {
    socket.end(Buffer.from([1, 1]));
    return;
  }
  socket.write(Buffer.from([1, 0]));
  const request = await read(readRequest);
  if (request === undefined) {
    socket.destroy();
    return;
  }
  if (request.command !== 1 || request.host === undefined) {
    socket.end(requestReply(request.command === 1 ? reply.addressNotSupported : reply.commandNotSupported));
    return;
  }
  socket.setTimeout(0);
  session.sockets.add(socket);
  socket.once('close', () => session.sockets.delete(socket));
  await join(socket, session, request.host, request.port);
}

async function join(socket: Socket, session: Session, host: string, port: number): Promise<void> {
  let target: Socket;
  try {
    target = await session.connect(host, port);
  } catch (error) {
    socket.end(requestReply(replyFor(error)));
    return;
  }
  if (socket.destroyed) {
    target.destroy();
    return;
  }
  socket.write(requestReply(reply.succeeded));
  splice(socket, target);
}

function replyFor(error: unknown): number {
  const code = errorCode(error);
  if (code === 'ENOTFOUND' || code === 'EHOSTUNREACH') return reply.hostUnreachable;
  return code === 'ECONNREFUSED' ? reply.refused : reply.failure;
}

function same(expected: Buffer, given: string): boolean {
  const bytes = Buffer.from(given);
  return bytes.length === expected.length && timingSafeEqual(bytes, expected);
}

/** Reads message after message; undefined where the client ends, or sends something else. */
function messageReader(socket: Socket): <T>(parse: (bytes: Buffer) => Read<T>) => Promise<T | undefined> {
  let bytes = Buffer.alloc(0);
  return <T>(parse: (bytes: Buffer) => Read<T>) =>
    new Promise<T | undefined>((resolve) => {
      const settle = (value: T | undefined): void => {
        socket.off('readable', onReadable);
        socket.off('end', onEnd);
        socket.off('close', onEnd);
        resolve(value);
      };
      const onEnd = (): void => settle(undefined);
      const attempt = (): boolean => {
        const result = parse(bytes);
        if (result === 'more') return false;
        if (result === 'malformed') {
          settle(undefined);
          return true;
        }
        const rest = bytes.subarray(result.length);
        bytes = Buffer.alloc(0);
        if (rest.length > 0) socket.unshift(rest);
        settle(result.value);
        return true;
      };
      const onReadable = (): void => {
        const chunk: unknown = socket.read();
        if (!Buffer.isBuffer(chunk)) return;
        bytes = Buffer.concat([bytes, chunk]);
        attempt();
      };
      socket.once('end', onEnd);
      socket.once('close', onEnd);
      socket.on('readable', onReadable);
    });
}
