/** One request of a downstream client and the way to answer it, in HTTP/1.x or HTTP/2, with one face for both. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { constants, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import type { Readable, Writable } from 'node:stream';
import { HeaderList } from './header-list.ts';

export interface Exchange {
  readonly protocol: 'HTTP/1.0' | 'HTTP/1.1' | 'HTTP/2';
  readonly method: string;
  readonly path: string;
  readonly authority: string;
  /** `host` among them, whatever the protocol. */
  readonly headers: HeaderList;
  readonly hasBody: boolean;
  readonly body: Readable;
  requestTrailers(): HeaderList;
  sendContinue(): void;
  /** Sends the head of the response; the body goes to what it returns, which `end` ends. */
  respond(status: number, headers: HeaderList): Writable;
  end(trailers: HeaderList): void;
  /** Breaks the answer off so that the client notices. */
  reset(): void;
  /** The client went away before its answer was complete. */
  onAbort(listener: () => void): void;
}

export function http1Exchange(request: IncomingMessage, response: ServerResponse): Exchange {
  const headers = HeaderList.fromRaw(request.rawHeaders);
  const length = headers.get('content-length');
  const complete = (): boolean => response.writableFinished;
  return {
    protocol: request.httpVersionMinor === 0 ? 'HTTP/1.0' : 'HTTP/1.1',
    method: request.method ?? '',
    path: pathOf(request.url ?? '/'),
    authority: headers.get('host') ?? '',
    headers,
    hasBody: headers.has('transfer-encoding') || (length !== undefined && Number(length) > 0),
    body: request,
    requestTrailers: () => HeaderList.fromRaw(request.rawTrailers),
    sendContinue: () => response.writeContinue(),
    respond(status, fields) {
      // Envoy writes neither `Connection` nor `Keep-Alive`; its own `date` is among the fields.
      response.removeHeader('connection');
      response.sendDate = false;
      response.writeHead(status, fields.toRaw());
      return response;
    },
    end(trailers) {
      const list = [...trailers];
      if (list.length > 0) response.addTrailers(list.map(([name, value]): [string, string] => [name, value]));
      response.end();
    },
    reset: () => request.socket.destroy(),
    onAbort: (listener) => whenAborted(response, complete, listener),
  };
}

export function http2Exchange(request: Http2ServerRequest, response: Http2ServerResponse): Exchange {
  const headers = HeaderList.fromRaw(request.rawHeaders);
  if (!headers.has('host') && request.authority !== '') headers.set('host', request.authority);
  const { stream } = response;
  return {
    protocol: 'HTTP/2',
    method: request.method,
    path: request.url,
    authority: request.authority === '' ? (headers.get('host') ?? '') : request.authority,
    headers,
    hasBody: !stream.endAfterHeaders,
    body: request,
    requestTrailers: () => HeaderList.fromRaw(request.rawTrailers),
    sendContinue: () => response.writeContinue(),
    respond(status, fields) {
      const head = fields.copy();
      head.remove('connection');
      response.sendDate = false;
      response.writeHead(status, head.toRecord());
      return response;
    },
    end(trailers) {
      response.addTrailers(trailers.toRecord());
      response.end();
    },
    reset: () => stream.close(constants.NGHTTP2_INTERNAL_ERROR),
    onAbort: (listener) => whenAborted(stream, () => stream.writableFinished, listener),
  };
}

/** A client that talks to a proxy sends the whole URI (RFC 9112 §3.2.2); Envoy takes its path. */
function pathOf(target: string): string {
  const match = /^https?:\/\/[^/?#]*(.*)$/i.exec(target);
  if (match === null) return target;
  const path = match[1] ?? '';
  return path.startsWith('/') ? path : `/${path}`;
}

function whenAborted(stream: Writable, complete: () => boolean, listener: () => void): void {
  stream.once('close', () => {
    if (!complete()) listener();
  });
}
