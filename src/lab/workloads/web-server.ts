/**
 * An HTTP server of a container: HTTP/1.1 and, with prior knowledge, HTTP/2 on the same port (h2c, as gRPC and
 * sidecars speak it). It gets its connections handed by the pod's network and never listens on the host.
 */
import { createServer } from 'node:http';
import { createServer as createHttp2Server, type Http2Session } from 'node:http2';
import type { Socket } from 'node:net';
import type { Endpoint } from '../net/network.ts';
import { peek } from './peek.ts';
import { type Exchange, http1Exchange, http2Exchange } from './web-exchange.ts';

/** A request as a container's program sees it. */
export interface WebRequest {
  readonly method: string;
  /** Path and query as they came: `/get?a=1`. */
  readonly target: string;
  /** `1.1` or `2.0`. */
  readonly httpVersion: string;
  /** Name and value in the order they came; HTTP/2's pseudo headers are gone, `:authority` is `host`. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
  /** The peer's virtual address. */
  readonly from: Endpoint;
  /** The port of the pod that was asked. */
  readonly port: number;
}

export interface WebAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Uint8Array | AsyncIterable<string | Uint8Array>;
  readonly trailers?: Readonly<Record<string, string>>;
}

export type AnswerRequest = (request: WebRequest) => WebAnswer | Promise<WebAnswer>;

export interface WebServer {
  /** Takes a connection that arrived at `port`. */
  accept(socket: Socket, from: Endpoint, port: number): void;
  /** Ends idle connections now and the others once they have been answered; resolves when none is left. */
  drain(): Promise<void>;
  /** Cuts everything. */
  kill(): void;
}

/** Requests larger than this are answered 413: a container's memory is this process's. */
const maxBody = 16 * 1024 * 1024;

/** What an HTTP/2 connection begins with (RFC 9113, 3.4); no HTTP/1 method begins so. */
const http2Preface = 'PRI';

interface Arrival {
  readonly from: Endpoint;
  readonly port: number;
}

/** @param answer is called once for each request; what it throws is answered with 500 and its message. */
export function createWebServer(answer: AnswerRequest): WebServer {
  const arrivals = new WeakMap<object, Arrival>();
  const sockets = new Set<Socket>();
  const sessions = new Set<Http2Session>();
  const idle: (() => void)[] = [];
  let draining = false;
  let arriving: Arrival | undefined;

  const http1 = createServer({ keepAliveTimeout: 75_000, requestTimeout: 0 }, (request, response) => {
    if (draining) response.setHeader('connection', 'close');
    void respond(http1Exchange(request, response), arrivals.get(request.socket), answer);
  });
  const http2 = createHttp2Server();
  http2.on('session', (session) => {
    // Emitted while the connection is handed over, see `hand`.
    if (arriving !== undefined) arrivals.set(session, arriving);
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
    if (draining) session.close();
  });
  http2.on('stream', (stream, headers) => {
    const { session } = stream;
    const arrival = session === undefined ? undefined : arrivals.get(session);
    void respond(http2Exchange(stream, headers), arrival, answer);
  });

  const hand = (socket: Socket, arrival: Arrival, first: Buffer): void => {
    if (first.toString('latin1') === http2Preface) {
      arriving = arrival;
      http2.emit('connection', socket);
      arriving = undefined;
      return;
    }
    http1.emit('connection', socket);
    socket.resume();
  };

  return {
    accept(socket, from, port) {
      sockets.add(socket);
      socket.once('close', () => {
        sockets.delete(socket);
        if (sockets.size === 0) for (const resolve of idle.splice(0)) resolve();
      });
      const arrival = { from, port };
      arrivals.set(socket, arrival);
      void peek(socket, http2Preface.length).then((first) => {
        if (first === undefined) socket.destroy();
        else hand(socket, arrival, first);
      });
    },
    async drain() {
      draining = true;
      http1.closeIdleConnections();
      for (const session of sessions) session.close();
      if (sockets.size > 0) await new Promise<void>((resolve) => idle.push(resolve));
    },
    kill() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

const unknownPeer: Arrival = { from: { ip: '0.0.0.0', port: 0 }, port: 0 };

async function respond(
  exchange: Exchange,
  arrival: Arrival | undefined,
  answer: AnswerRequest,
): Promise<void> {
  try {
    const body = await readBody(exchange.body);
    if (body === undefined) {
      await exchange.send({ status: 413, body: 'request entity too large\n' });
      return;
    }
    const { method, target, httpVersion, headers } = exchange;
    const request = { method, target, httpVersion, headers, body, ...(arrival ?? unknownPeer) };
    await exchange.send(await answer(request));
  } catch (error) {
    // A peer that went away is no news; a program that failed answers as a web framework does.
    if (exchange.gone()) return;
    await exchange.send({ status: 500, body: `${error instanceof Error ? error.message : String(error)}\n` });
  }
}

/** The whole body; undefined where it is larger than a container here takes. */
async function readBody(stream: AsyncIterable<unknown>): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    if (!Buffer.isBuffer(chunk)) continue;
    size += chunk.length;
    if (size <= maxBody) chunks.push(chunk);
  }
  return size > maxBody ? undefined : Buffer.concat(chunks);
}
