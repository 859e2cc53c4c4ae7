/** One request of the lab's own small curl, on the pod's network, with curl's own codes and words for what fails. */
import { type IncomingMessage, request } from 'node:http';
import type { Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { errorCode } from '../../../net/socket-error.ts';
import type { CommandContext } from '../command.ts';
import type { SmallCurlOptions } from './options.ts';

/** What ends a transfer early: curl's exit code (curl.se/libcurl/c/libcurl-errors.html) and its sentence. */
export class TransferFailure extends Error {
  override readonly name = 'TransferFailure';
  readonly code: number;

  constructor(code: number, sentence: string) {
    super(sentence);
    this.code = code;
  }
}

export interface Transferred {
  readonly response: IncomingMessage;
  readonly body: Buffer;
}

export const agentName = 'curl/8.0.0-lab';

/** @throws TransferFailure */
export async function transfer(
  context: CommandContext,
  options: SmallCurlOptions,
  url: URL,
): Promise<Transferred> {
  const started = performance.now();
  const timer = new AbortController();
  const timeout = options.maxTimeMs > 0 ? setTimeout(() => timer.abort(), options.maxTimeMs) : undefined;
  const signal = AbortSignal.any([context.signal, timer.signal]);
  let socket: Socket | undefined;
  let received = 0;
  const stop = (): void => {
    socket?.destroy();
  };
  signal.addEventListener('abort', stop);
  try {
    socket = await dial(context, url, started);
    if (url.protocol === 'https:') socket = await handshake(socket, url, options.insecure);
    const response = await send(socket, options, url);
    const chunks: Buffer[] = [];
    for await (const chunk of response) {
      received += chunk.length;
      chunks.push(chunk);
    }
    return { response, body: Buffer.concat(chunks) };
  } catch (error) {
    if (timer.signal.aborted) {
      const spent = Math.round(performance.now() - started);
      throw new TransferFailure(
        28,
        `Operation timed out after ${spent} milliseconds with ${received} bytes received`,
      );
    }
    throw asFailure(error);
  } finally {
    clearTimeout(timeout);
    signal.removeEventListener('abort', stop);
    socket?.destroy();
  }
}

/** Connects as the container does. @throws TransferFailure */
export async function dial(context: CommandContext, url: URL, started: number): Promise<Socket> {
  const port = Number(url.port) || (url.protocol === 'https:' ? 443 : url.protocol === 'telnet:' ? 23 : 80);
  try {
    return await context.network.connect(context.caller, url.hostname, port);
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    if (errorCode(error) === 'ENOTFOUND')
      throw new TransferFailure(6, `Could not resolve host: ${url.hostname}`);
    const spent = Math.round(performance.now() - started);
    throw new TransferFailure(
      7,
      `Failed to connect to ${url.hostname} port ${port} after ${spent} ms: Couldn't connect to server`,
    );
  }
}

function handshake(socket: Socket, url: URL, insecure: boolean): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const tls = connectTls({ socket, servername: url.hostname, rejectUnauthorized: !insecure });
    tls.once('secureConnect', () => resolve(tls));
    tls.once('error', (error: NodeJS.ErrnoException) => {
      const isUntrusted = /CERT|SELF_SIGNED|ALTNAME|UNABLE_TO/.test(error.code ?? '');
      reject(
        isUntrusted
          ? new TransferFailure(60, `SSL certificate problem: ${error.message}`)
          : new TransferFailure(35, `TLS connect error: ${error.message}`),
      );
    });
  });
}

function send(socket: Socket, options: SmallCurlOptions, url: URL): Promise<IncomingMessage> {
  const { method, body } = options;
  return new Promise((resolve, reject) => {
    const sent = request({
      createConnection: () => socket,
      method,
      path: `${url.pathname}${url.search}`,
      setDefaultHeaders: false,
      headers: headersOf(options, url),
    });
    sent.once('response', resolve);
    sent.once('error', reject);
    sent.end(body);
  });
}

/** The caller's own come last, and replace those of the same name; `Name:` takes one away, `Name;` sends it empty. */
function headersOf({ headers, body, userAgent }: SmallCurlOptions, url: URL): string[] {
  const own = new Map<string, readonly [string, string]>();
  const put = (name: string, value: string | undefined): void => {
    if (value === undefined) own.delete(name.toLowerCase());
    else own.set(name.toLowerCase(), [name, value]);
  };
  put('Host', url.host);
  put('User-Agent', userAgent ?? agentName);
  put('Accept', '*/*');
  if (body !== undefined) {
    put('Content-Length', String(Buffer.byteLength(body)));
    put('Content-Type', 'application/x-www-form-urlencoded');
  }
  for (const line of headers) {
    const [, name = '', mark, value = ''] = /^([^:;]+)([:;])\s*(.*)$/.exec(line) ?? [];
    if (name !== '') put(name, mark === ';' ? '' : value === '' ? undefined : value);
  }
  return [...own.values()].flat();
}

/** Node's errors as curl's. @returns the error itself where it is none of the network's */
function asFailure(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof TransferFailure) return error;
  const code = errorCode(error) ?? '';
  if (code.startsWith('HPE_')) return new TransferFailure(1, 'Received HTTP/0.9 when not allowed');
  // In TLS 1.3 the server's refusal of a client without certificate comes after the client's handshake.
  if (code.startsWith('ERR_SSL_')) return new TransferFailure(56, `SSL_read: ${error.message.trim()}`);
  if (code === 'EPIPE') return new TransferFailure(55, 'Send failure: Broken pipe');
  if (code !== 'ECONNRESET') return error;
  if (error.message === 'socket hang up') return new TransferFailure(52, 'Empty reply from server');
  if (error.message === 'aborted')
    return new TransferFailure(18, 'transfer closed with outstanding read data remaining');
  return new TransferFailure(56, 'Recv failure: Connection reset by peer');
}
