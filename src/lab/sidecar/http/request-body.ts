/**
 * A request's body on its way upstream. What has passed is remembered up to Envoy's buffer limit (1 MiB) until a
 * response begins, so that a second attempt can send it again.
 */
import type { Readable } from 'node:stream';
import type { HeaderList } from './header-list.ts';
import type { UpstreamStream } from './upstream-stream.ts';

const bufferLimit = 1024 * 1024;

export class RequestBody {
  readonly #source: Readable;
  readonly #trailers: () => HeaderList;
  #remembered: Buffer[] | undefined = [];
  #size = 0;
  #ended = false;
  #target: UpstreamStream | undefined;

  /** Nothing is read before the first `sendTo`. */
  constructor(source: Readable, trailers: () => HeaderList) {
    this.#source = source;
    this.#trailers = trailers;
  }

  /** Bytes received so far. */
  get size(): number {
    return this.#size;
  }

  get complete(): boolean {
    return this.#ended;
  }

  /** False once more has passed than is remembered. */
  get canReplay(): boolean {
    return this.#remembered !== undefined;
  }

  /** Sends everything from the start to this stream, instead of the one before. */
  sendTo(stream: UpstreamStream): void {
    const first = this.#target === undefined && this.#size === 0;
    this.#target = stream;
    stream.sink.on('error', () => this.#source.resume());
    for (const chunk of this.#remembered ?? []) stream.sink.write(chunk);
    if (this.#ended) {
      stream.end(this.#trailers());
      return;
    }
    if (first) this.#listen();
    else this.#source.resume();
  }

  /** A response has begun: no further attempt will be made. */
  forget(): void {
    this.#remembered = undefined;
  }

  #listen(): void {
    this.#source.on('data', (chunk: Buffer) => {
      this.#size += chunk.length;
      this.#remembered?.push(chunk);
      if (this.#size > bufferLimit) this.#remembered = undefined;
      const target = this.#target;
      if (target === undefined || target.sink.destroyed || target.sink.write(chunk)) return;
      this.#source.pause();
      target.sink.once('drain', () => this.#source.resume());
    });
    this.#source.once('end', () => {
      this.#ended = true;
      this.#target?.end(this.#trailers());
    });
  }
}
