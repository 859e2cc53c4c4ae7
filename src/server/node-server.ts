/** node:http around a `(Request) => Promise<Response>`: on loopback, bodies small, streams let go when the reader does. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PadlockError } from '../errors.ts';

export type Handler = (request: Request) => Promise<Response>;

export interface LoopbackServer {
  readonly port: number;
  close(): Promise<void>;
}

export interface LoopbackOptions {
  /** Any free one when 0. */
  readonly port: number;
  readonly handler: Handler;
  /** A bug: the request is answered with 500, and this hears of it. */
  readonly onError: (error: unknown) => void;
}

const loopback = '127.0.0.1';
const longestBody = 64 * 1024;
/** What the Fetch standard does not let a Request have (fetch.spec.whatwg.org, "forbidden method"). */
const forbiddenMethods: ReadonlySet<string> = new Set(['CONNECT', 'TRACE', 'TRACK']);
/** Whoever opens connections and says nothing, or little, keeps them for a few seconds and cannot use them all up. */
const patience = {
  headersTimeout: 10_000,
  requestTimeout: 20_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 2_000,
};
const mostConnections = 512;

/** @throws PadlockError `PORT_IN_USE` */
export async function serveOnLoopback({ port, handler, onError }: LoopbackOptions): Promise<LoopbackServer> {
  const server = createServer(patience, (incoming, outgoing) => {
    handle(incoming, outgoing, handler).catch((error: unknown) => {
      // Whoever goes away in the middle of a request waits for no answer.
      if (incoming.destroyed && !incoming.complete) return;
      onError(error);
      if (!outgoing.headersSent) outgoing.writeHead(500, { 'content-type': 'text/plain' });
      outgoing.end('the dashboard failed to answer; its terminal says more');
    });
  });
  server.maxConnections = mostConnections;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, loopback, resolve);
  }).catch((cause: unknown) => {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE')) throw cause;
    throw new PadlockError('PORT_IN_USE', `port ${port} on ${loopback} is taken`, {
      cause,
      hint: 'choose another with --port, or 0 for any free one',
    });
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function handle(incoming: IncomingMessage, outgoing: ServerResponse, handler: Handler): Promise<void> {
  const gone = new AbortController();
  outgoing.on('close', () => gone.abort(new Error('the browser went away')));
  const request = await requestOf(incoming, gone.signal);
  if (request === undefined) {
    outgoing.writeHead(400, { 'content-type': 'text/plain', connection: 'close' });
    outgoing.end('not a request that the dashboard understands');
    return;
  }
  const response = await handler(request);
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  if (incoming.method === 'HEAD' || response.body === null) {
    // A stream that nobody reads would wait for its reader for ever.
    await response.body?.cancel();
    outgoing.end();
    return;
  }
  await pipe(response.body, outgoing, gone.signal);
}

/** @returns undefined for what no browser sends: a body that is too large, an address that is none. */
async function requestOf(incoming: IncomingMessage, signal: AbortSignal): Promise<Request | undefined> {
  const headers = new Headers();
  for (let at = 0; at + 1 < incoming.rawHeaders.length; at += 2) {
    headers.append(incoming.rawHeaders[at] ?? '', incoming.rawHeaders[at + 1] ?? '');
  }
  const url = URL.parse(incoming.url ?? '/', `http://${incoming.headers.host ?? ''}`);
  const { method = 'GET' } = incoming;
  if (url === null || url.username !== '' || url.password !== '' || forbiddenMethods.has(method))
    return undefined;
  if (method === 'GET' || method === 'HEAD') return new Request(url, { method, headers, signal });
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of incoming.iterator({ destroyOnReturn: false })) {
    const bytes = Buffer.from(chunk);
    length += bytes.length;
    if (length > longestBody) return undefined;
    chunks.push(bytes);
  }
  return new Request(url, { method, headers, signal, body: Buffer.concat(chunks) });
}

async function pipe(
  body: ReadableStream<Uint8Array>,
  outgoing: ServerResponse,
  gone: AbortSignal,
): Promise<void> {
  const reader = body.getReader();
  const stop = (): void => {
    void reader.cancel();
  };
  gone.addEventListener('abort', stop, { once: true });
  if (gone.aborted) stop();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    if (!outgoing.write(value) && !gone.aborted) {
      await new Promise<void>((resolve) => {
        outgoing.once('drain', resolve);
        outgoing.once('close', resolve);
      });
    }
  }
  gone.removeEventListener('abort', stop);
  outgoing.end();
}
