/**
 * Port-forward over WebSocket channels: 0 carries the bytes, 1 an error's text; the first frame of each is the port
 * number, little-endian (kubelet's streaming/portforward/websocket).
 */
import { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { PadlockError } from '../../errors.ts';
import { type Channels, openChannels } from './channels.ts';
import type { Transport } from './transport.ts';

/**
 * Opens a byte stream to a port on the pod's loopback.
 * @throws PadlockError where the API server refuses; a refusal inside the pod destroys the stream with one
 */
export async function forwardPort(
  transport: Transport,
  namespace: string,
  pod: string,
  port: number,
  signal: AbortSignal | undefined,
): Promise<Duplex> {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/portforward?ports=${port}`;
  const asked = { verb: 'create', group: '', resource: 'pods/portforward', namespace, name: pod };
  const channels = await openChannels(transport, path, ['v4.channel.k8s.io'], asked, signal);
  const stream = new ForwardedStream(channels.socket);
  void pump(channels, stream, `port ${port} of pod ${namespace}/${pod}`);
  return stream;
}

class ForwardedStream extends Duplex {
  readonly #socket: WebSocket;

  constructor(socket: WebSocket) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.send(Buffer.concat([Buffer.of(0), chunk]), (error) => done(error ?? null));
  }

  override _final(done: (error?: Error | null) => void): void {
    // The protocol has no half-close; the stream ends when the pod's side does, or when it is destroyed.
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.close();
    done(error);
  }

  /** Bytes from the pod; when the reader is slow the socket waits. */
  receive(data: Buffer): void {
    if (!this.push(data)) this.#socket.pause();
  }
}

async function pump(channels: Channels, stream: ForwardedStream, where: string): Promise<void> {
  const opened = new Set<number>();
  try {
    for await (const { channel, data } of channels.frames()) {
      if (!opened.has(channel)) opened.add(channel);
      else if (channel === 0) stream.receive(data);
      else if (data.length > 0) {
        throw new PadlockError(
          'CLUSTER_REQUEST_FAILED',
          `cannot forward ${where}: ${data.toString('utf8').trim()}`,
        );
      }
    }
    stream.push(null);
  } catch (error) {
    stream.destroy(error instanceof Error ? error : new Error(String(error)));
  }
}
