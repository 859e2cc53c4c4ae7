/**
 * The WebSocket that exec, attach and port-forward speak: frames whose first byte is a channel number
 * (`v4.channel.k8s.io`, `v5.channel.k8s.io`; kubernetes.io KEP-4006).
 */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { PadlockError } from '../../errors.ts';
import { type Asked, errorForSocket, errorForStatus, errorForTimeout } from './status.ts';
import type { Transport } from './transport.ts';

/** Bytes wait here until somebody reads, so a frame that comes early is not lost. */
export interface Channels {
  readonly socket: WebSocket;
  /** Frames in order, as channel number and payload; ends when the server closes. */
  frames(): AsyncIterable<{ readonly channel: number; readonly data: Buffer }>;
}

const handshakeTimeoutMs = 30_000;

/**
 * Opens a channel WebSocket on a subresource.
 * @throws PadlockError for what the API server answers instead; the signal's reason when it is aborted
 */
export async function openChannels(
  transport: Transport,
  path: string,
  protocols: readonly string[],
  asked: Asked,
  signal: AbortSignal | undefined,
): Promise<Channels> {
  const { authorization } = (await transport.connection()).headers;
  try {
    return await connectOnce(transport, path, protocols, asked, signal);
  } catch (error) {
    const isLogin = error instanceof PadlockError && error.code === 'CLUSTER_UNAUTHORIZED';
    if (!isLogin || !transport.refuseLogin(authorization)) throw error;
    return connectOnce(transport, path, protocols, asked, signal);
  }
}

async function connectOnce(
  transport: Transport,
  path: string,
  protocols: readonly string[],
  asked: Asked,
  signal: AbortSignal | undefined,
): Promise<Channels> {
  signal?.throwIfAborted();
  // A refusal is followed by the connection's end, without a word: it must not be kept for the next request.
  const { agent, tls, headers } = await transport.connection(false);
  const url = transport.url(path);
  url.protocol = url.protocol === 'http:' ? 'ws:' : 'wss:';
  const socket = new WebSocket(url, [...protocols], {
    ...tls,
    agent,
    headers,
    handshakeTimeout: handshakeTimeoutMs,
    perMessageDeflate: false,
  });
  const queue = new FrameQueue(socket);
  const abort = (): void => socket.terminate();
  signal?.addEventListener('abort', abort, { once: true });
  socket.once('close', () => signal?.removeEventListener('abort', abort));
  const refused = refusal(socket, asked, transport.context);
  try {
    await Promise.race([once(socket, 'open'), refused]);
  } catch (error) {
    socket.terminate();
    signal?.throwIfAborted();
    if (error instanceof Error && error.message.includes('handshake has timed out')) {
      throw errorForTimeout(transport.server, transport.context, handshakeTimeoutMs, error);
    }
    throw errorForSocket(error, transport.server, transport.context);
  }
  return { socket, frames: () => queue.frames() };
}

/** Rejects with the meaning of an HTTP answer that is no upgrade; never resolves. */
function refusal(socket: WebSocket, asked: Asked, context: string): Promise<never> {
  const promise = new Promise<never>((_resolve, reject) => {
    socket.on('unexpected-response', (_request, response) => {
      const parts: Buffer[] = [];
      response.on('data', (chunk: Buffer) => parts.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const body = Buffer.concat(parts).toString('utf8');
        const status = response.statusCode ?? 0;
        reject(
          status >= 400
            ? errorForStatus(status, body, asked, context)
            : new PadlockError(
                'CLUSTER_REQUEST_FAILED',
                `the API server answered ${status} to ${asked.resource}`,
              ),
        );
      });
    });
  });
  // When the socket opens nobody waits for this promise any more.
  promise.catch(() => undefined);
  return promise;
}

class FrameQueue {
  readonly #frames: Buffer[] = [];
  #wake: (() => void) | undefined;
  #ended: { readonly error: Error | undefined } | undefined;

  constructor(socket: WebSocket) {
    let failure: Error | undefined;
    socket.on('message', (data) => {
      this.#frames.push(toBuffer(data));
      this.#wake?.();
    });
    socket.on('error', (error) => {
      failure = error;
    });
    socket.on('close', () => {
      this.#ended = { error: failure };
      this.#wake?.();
    });
  }

  async *frames(): AsyncGenerator<{ readonly channel: number; readonly data: Buffer }> {
    for (;;) {
      const frame = this.#frames.shift();
      if (frame !== undefined) {
        // An empty frame per channel opens the conversation in old servers; it says nothing.
        const channel = frame[0];
        if (channel !== undefined) yield { channel, data: frame.subarray(1) };
      } else if (this.#ended === undefined) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      } else if (this.#ended.error === undefined) return;
      else throw this.#ended.error;
    }
  }
}

function toBuffer(data: Buffer | ArrayBuffer | readonly Buffer[]): Buffer {
  if (Buffer.isBuffer(data)) return data;
  return data instanceof ArrayBuffer ? Buffer.from(data) : Buffer.concat(data);
}
