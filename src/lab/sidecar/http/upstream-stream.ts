/** One request on an upstream connection, in HTTP/1.1 or HTTP/2, with one face for both. */
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { type ClientHttp2Stream, constants } from 'node:http2';
import type { Readable, Writable } from 'node:stream';
import type { Http1Connection } from '../upstream/http1-pool.ts';
import type { Http2Connection } from '../upstream/http2-pool.ts';
import { HeaderList } from './header-list.ts';

export interface RequestHead {
  readonly method: string;
  readonly path: string;
  readonly authority: string;
  readonly scheme: string;
  readonly headers: HeaderList;
  /** Whether a body follows; its length is in `content-length` or not known. */
  readonly hasBody: boolean;
}

export interface UpstreamResponse {
  readonly status: number;
  readonly headers: HeaderList;
  readonly body: Readable;
  /** Complete once the body has ended. */
  trailers(): HeaderList;
}

/** The stream ended before its response began. */
export class UpstreamReset extends Error {
  override readonly name = 'UpstreamReset';
  readonly resetReason:
    | 'connection termination'
    | 'remote reset'
    | 'remote refused stream reset'
    | 'protocol error';
  /** The request went out on a connection that had carried others: it may have been closed by then. */
  readonly onReusedConnection: boolean;

  constructor(resetReason: UpstreamReset['resetReason'], onReusedConnection: boolean, cause?: unknown) {
    super(resetReason, { cause });
    this.resetReason = resetReason;
    this.onReusedConnection = onReusedConnection;
  }
}

export interface UpstreamStream {
  /** Where the request's body goes; ended by `end`. */
  readonly sink: Writable;
  /** Rejects with `UpstreamReset`. */
  readonly response: Promise<UpstreamResponse>;
  end(trailers: HeaderList): void;
  /** Gives the stream up; its connection is closed where the protocol has no other way. */
  abort(): void;
}

/** @param onContinue the server wants the body that `Expect: 100-continue` holds back. */
export function openHttp1Stream(
  connection: Http1Connection,
  head: RequestHead,
  onContinue: () => void,
): UpstreamStream {
  const reused = connection.carried > 0;
  connection.carried += 1;
  const headers = head.headers.copy();
  headers.remove('host');
  if (head.hasBody && !headers.has('content-length')) headers.set('transfer-encoding', 'chunked');
  const message: ClientRequest = request({
    agent: connection,
    method: head.method,
    path: head.path,
    setHost: false,
    setDefaultHeaders: false,
    headers: ['host', head.authority, ...headers.toRaw()],
  });
  message.on('continue', onContinue);
  const response = new Promise<UpstreamResponse>((resolve, reject) => {
    message.once('response', (incoming: IncomingMessage) => {
      resolve({
        status: incoming.statusCode ?? 502,
        headers: HeaderList.fromRaw(incoming.rawHeaders),
        body: incoming,
        trailers: () => HeaderList.fromRaw(incoming.rawTrailers),
      });
    });
    message.once('error', (error: NodeJS.ErrnoException) => {
      const reason = error.code?.startsWith('HPE_') === true ? 'protocol error' : 'connection termination';
      reject(new UpstreamReset(reason, reused, error));
    });
    message.once('close', () => reject(new UpstreamReset('connection termination', reused)));
  });
  return {
    sink: message,
    response,
    end(trailers) {
      if (message.destroyed) return;
      const fields = [...trailers];
      if (fields.length > 0 && !headers.has('content-length'))
        message.addTrailers(fields.map(([name, value]): [string, string] => [name, value]));
      message.end();
    },
    abort: () => message.destroy(),
  };
}

export function openHttp2Stream(
  connection: Http2Connection,
  head: RequestHead,
  onContinue: () => void,
): UpstreamStream {
  const headers = head.headers.copy();
  headers.remove('host');
  const stream: ClientHttp2Stream = connection.session.request(
    {
      ':method': head.method,
      ':path': head.path,
      ':authority': head.authority,
      ':scheme': head.scheme,
      ...headers.toRecord(),
    },
    { endStream: !head.hasBody, waitForTrailers: head.hasBody },
  );
  stream.on('continue', onContinue);
  let requestTrailers = new HeaderList();
  let responseTrailers = new HeaderList();
  stream.on('wantTrailers', () => stream.sendTrailers(requestTrailers.toRecord()));
  stream.on('trailers', (_headers, _flags, raw: unknown) => {
    responseTrailers = HeaderList.fromRaw(rawStrings(raw));
  });
  const response = new Promise<UpstreamResponse>((resolve, reject) => {
    stream.once('response', (fields, _flags, raw: unknown) => {
      resolve({
        status: Number(fields[':status'] ?? 502),
        headers: HeaderList.fromRaw(rawStrings(raw)),
        body: stream,
        trailers: () => responseTrailers,
      });
    });
    const fail = (cause?: unknown): void => {
      const refused = stream.rstCode === constants.NGHTTP2_REFUSED_STREAM;
      const dead = connection.session.destroyed || stream.rstCode === constants.NGHTTP2_CANCEL;
      const reason = refused
        ? 'remote refused stream reset'
        : dead
          ? 'connection termination'
          : 'remote reset';
      reject(new UpstreamReset(reason, true, cause));
    };
    stream.once('error', fail);
    stream.once('close', fail);
  });
  return {
    sink: stream,
    response,
    end(trailers) {
      requestTrailers = trailers;
      if (head.hasBody && !stream.destroyed) stream.end();
    },
    abort: () => stream.close(constants.NGHTTP2_CANCEL),
  };
}

/** Node hands raw header lists over untyped. */
function rawStrings(raw: unknown): readonly string[] {
  return Array.isArray(raw) ? raw.map(String) : [];
}
