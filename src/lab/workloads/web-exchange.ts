/** One request and its answer, over HTTP/1.1 or HTTP/2, in one shape. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { WebAnswer } from './web-server.ts';

export interface Exchange {
  readonly method: string;
  readonly target: string;
  readonly httpVersion: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: AsyncIterable<unknown>;
  /** Resolves once the answer has been handed to the connection. */
  send(answer: WebAnswer): Promise<void>;
  /** The peer has gone, or has its answer: nothing more can be sent. */
  gone(): boolean;
}

/** What both protocols' answers offer a body writer. */
interface Sink {
  write(chunk: string | Uint8Array): boolean;
  end(): unknown;
  once(event: 'drain' | 'close', listener: () => void): unknown;
  readonly destroyed: boolean;
}

export function http1Exchange(request: IncomingMessage, response: ServerResponse): Exchange {
  return {
    method: request.method ?? 'GET',
    target: request.url ?? '/',
    httpVersion: request.httpVersion,
    headers: pairs(request.rawHeaders),
    body: request,
    async send(answer) {
      const { status, headers = {}, body = '', trailers } = answer;
      for (const [name, value] of Object.entries(headers)) {
        response.setHeader(name, typeof value === 'string' ? value : [...value]);
      }
      if (!isStream(body)) response.setHeader('content-length', Buffer.byteLength(body));
      response.writeHead(status);
      if (trailers !== undefined && isStream(body)) response.addTrailers({ ...trailers });
      if (request.method === 'HEAD') response.end();
      else await writeBody(response, body);
    },
    gone: () => response.headersSent || response.destroyed,
  };
}

export function http2Exchange(stream: ServerHttp2Stream, fields: IncomingHttpHeaders): Exchange {
  // A stream that the peer resets is the peer's business; `gone` sees it.
  stream.on('error', () => stream.destroy());
  const method = String(fields[':method'] ?? 'GET');
  return {
    method,
    target: String(fields[':path'] ?? '/'),
    httpVersion: '2.0',
    headers: http2Headers(fields),
    body: stream,
    async send(answer) {
      const { status, headers = {}, body = '', trailers } = answer;
      const length = isStream(body) ? {} : { 'content-length': Buffer.byteLength(body) };
      const lists = Object.entries(headers).map(([name, value]) => [
        name.toLowerCase(),
        typeof value === 'string' ? value : [...value],
      ]);
      if (trailers !== undefined) stream.once('wantTrailers', () => stream.sendTrailers({ ...trailers }));
      stream.respond(
        { ':status': status, ...Object.fromEntries(lists), ...(trailers === undefined ? length : {}) },
        { waitForTrailers: trailers !== undefined, endStream: method === 'HEAD' },
      );
      if (method !== 'HEAD') await writeBody(stream, body);
    },
    gone: () => stream.headersSent || stream.destroyed,
  };
}

function isStream(body: NonNullable<WebAnswer['body']>): body is AsyncIterable<string | Uint8Array> {
  return typeof body === 'object' && Symbol.asyncIterator in body;
}

/** Writes as fast as the peer reads; ends early where the peer has gone. */
async function writeBody(sink: Sink, body: NonNullable<WebAnswer['body']>): Promise<void> {
  const chunks = isStream(body) ? body : [body];
  for await (const chunk of chunks) {
    if (sink.destroyed) return;
    if (chunk.length > 0 && !sink.write(chunk)) await drained(sink);
  }
  sink.end();
}

function drained(sink: Sink): Promise<void> {
  return new Promise((resolve) => {
    sink.once('drain', resolve);
    sink.once('close', resolve);
  });
}

function pairs(raw: readonly string[]): readonly (readonly [string, string])[] {
  const list: (readonly [string, string])[] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) list.push([raw[index] ?? '', raw[index + 1] ?? '']);
  return list;
}

function http2Headers(fields: IncomingHttpHeaders): readonly (readonly [string, string])[] {
  const list: (readonly [string, string])[] = [];
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined || (name.startsWith(':') && name !== ':authority')) continue;
    const shown = name === ':authority' ? 'host' : name;
    for (const item of Array.isArray(value) ? value : [value]) list.push([shown, item]);
  }
  return list;
}
