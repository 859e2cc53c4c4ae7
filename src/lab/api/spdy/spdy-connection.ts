/**
 * One side of a SPDY/3.1 connection over any duplex: an upgraded socket, or the messages of a WebSocket. As
 * much of SPDY as Kubernetes uses: streams with headers, data, half-closing, resets, pings, going away. No flow
 * control, for Kubernetes' own implementation sends no WINDOW_UPDATE and would stall a peer that waits for one.
 */
import { Duplex } from 'node:stream';
import {
  type ControlFrame,
  ControlType,
  type DataFrame,
  dataFrame,
  type Frame,
  FrameReader,
  flagFin,
  goAway,
  ping,
  ResetCode,
  rstStream,
  synReply,
  synStream,
} from './frames.ts';
import { HeaderDecoder, HeaderEncoder, type SpdyHeaders } from './header-codec.ts';

/** The bytes of one data frame: what Kubernetes' own framer sends at most. */
const chunkLength = 32 * 1024;
/** Unread bytes of a stream after which the connection stops reading. */
const maxBuffered = 1024 * 1024;

/** A stream of a SPDY connection. Ending it half-closes it; destroying it resets it. */
export class SpdyStream extends Duplex {
  readonly id: number;
  readonly headers: SpdyHeaders;
  readonly #connection: SpdyConnection;
  #remoteEnded = false;
  #isReset = false;

  constructor(connection: SpdyConnection, id: number, headers: SpdyHeaders) {
    super({ readableHighWaterMark: maxBuffered, allowHalfOpen: true });
    this.#connection = connection;
    this.id = id;
    this.headers = headers;
  }

  /** From the connection: bytes that arrived. @returns false where the connection should wait. */
  receive(payload: Buffer, fin: boolean): boolean {
    if (this.#remoteEnded) return true;
    const goesOn = payload.length === 0 || this.push(payload);
    if (fin) this.receiveEnd();
    return goesOn;
  }

  receiveEnd(): void {
    if (this.#remoteEnded) return;
    this.#remoteEnded = true;
    this.push(null);
  }

  /** The peer reset the stream. */
  receiveReset(): void {
    this.#isReset = true;
    this.destroy();
  }

  override _read(): void {
    this.#connection.resume();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    for (let at = 0; at < chunk.length; at += chunkLength) {
      this.#connection.send(dataFrame(this.id, chunk.subarray(at, at + chunkLength), false));
    }
    this.#connection.whenDrained(done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#connection.send(dataFrame(this.id, Buffer.alloc(0), true));
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const isClosed = this.#remoteEnded && this.writableFinished;
    if (!isClosed && !this.#isReset) this.#connection.send(rstStream(this.id, ResetCode.cancel));
    this.#connection.forget(this.id);
    done(error);
  }
}

export interface SpdyConnectionOptions {
  readonly role: 'server' | 'client';
  /** A stream that the peer opened; it is replied to at once. */
  readonly onStream: (stream: SpdyStream) => void;
  /** The connection is over: ended by either side, or by an error of the transport or the protocol. */
  readonly onClose: (error: Error | undefined) => void;
}

export class SpdyConnection {
  readonly #transport: Duplex;
  readonly #options: SpdyConnectionOptions;
  readonly #reader = new FrameReader();
  readonly #encoder = new HeaderEncoder();
  readonly #decoder = new HeaderDecoder();
  readonly #streams = new Map<number, SpdyStream>();
  #frames: Promise<void> = Promise.resolve();
  #sending: Promise<void> = Promise.resolve();
  #nextStream: number;
  #lastPeerStream = 0;
  #isClosed = false;

  constructor(transport: Duplex, options: SpdyConnectionOptions) {
    this.#transport = transport;
    this.#options = options;
    // Clients open odd streams, servers even ones.
    this.#nextStream = options.role === 'client' ? 1 : 2;
    transport.on('data', (chunk: Buffer) => this.#receive(chunk));
    transport.on('end', () => this.#end(undefined));
    transport.on('close', () => this.#end(undefined));
    transport.on('error', (error) => this.#end(error));
  }

  /** Opens a stream; its data may be sent at once. */
  async openStream(headers: SpdyHeaders): Promise<SpdyStream> {
    const id = this.#nextStream;
    this.#nextStream += 2;
    const stream = new SpdyStream(this, id, headers);
    this.#streams.set(id, stream);
    await this.#sendHeaders(headers, (block) => synStream(id, block));
    return stream;
  }

  /** Tells the peer that no stream will be accepted any more, then ends the transport. */
  close(): void {
    if (this.#isClosed) return;
    this.send(goAway(this.#lastPeerStream));
    this.#transport.end();
    this.#end(undefined);
  }

  send(bytes: Buffer): void {
    if (!this.#isClosed && this.#transport.writable) this.#transport.write(bytes);
  }

  /** Calls back when the transport takes more: how a stream's writer is slowed down. */
  whenDrained(done: () => void): void {
    if (this.#isClosed || !this.#transport.writableNeedDrain) {
      done();
      return;
    }
    const go = (): void => {
      this.#transport.off('drain', go);
      this.#transport.off('close', go);
      done();
    };
    this.#transport.on('drain', go);
    this.#transport.on('close', go);
  }

  resume(): void {
    if (this.#transport.isPaused()) this.#transport.resume();
  }

  forget(id: number): void {
    this.#streams.delete(id);
  }

  /** Header blocks are compressed one after another, and sent in the order in which they were compressed. */
  #sendHeaders(headers: SpdyHeaders, build: (block: Buffer) => Buffer): Promise<void> {
    this.#sending = this.#sending.then(async () => this.send(build(await this.#encoder.encode(headers))));
    return this.#sending;
  }

  #receive(chunk: Buffer): void {
    let frames: readonly Frame[];
    try {
      frames = this.#reader.read(chunk);
    } catch (error) {
      this.#end(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    // Headers are unpacked in turns of their own, and no frame may overtake another.
    for (const frame of frames) {
      this.#frames = this.#frames
        .then(() => this.#handle(frame))
        .catch((error: unknown) => this.#end(error instanceof Error ? error : new Error(String(error))));
    }
  }

  async #handle(frame: Frame): Promise<void> {
    if (this.#isClosed) return;
    if (frame.kind === 'data') this.#handleData(frame);
    else await this.#handleControl(frame);
  }

  #handleData(frame: DataFrame): void {
    const stream = this.#streams.get(frame.stream);
    // Bytes for a stream that this side has closed are on their way for a while.
    if (stream !== undefined && !stream.receive(frame.payload, frame.fin)) this.#transport.pause();
  }

  async #handleControl(frame: ControlFrame): Promise<void> {
    switch (frame.type) {
      case ControlType.synStream:
        return await this.#handleSynStream(frame);
      case ControlType.synReply:
      case ControlType.headers:
        // Read for the sake of the compression, which spans all blocks.
        await this.#decoder.decode(frame.payload.subarray(4));
        if ((frame.flags & flagFin) !== 0) this.#streams.get(streamOf(frame))?.receiveEnd();
        return;
      case ControlType.rstStream:
        this.#streams.get(streamOf(frame))?.receiveReset();
        return;
      case ControlType.ping: {
        const id = frame.payload.readUInt32BE(0);
        // An answer carries the number of the one who asked: clients use odd ones, servers even ones.
        const isOwn = (id % 2 === 1) === (this.#options.role === 'client');
        if (!isOwn) this.send(ping(id));
        return;
      }
      default:
        // SETTINGS and WINDOW_UPDATE ask for nothing, and GOAWAY is followed by the end of the transport.
        return;
    }
  }

  async #handleSynStream(frame: ControlFrame): Promise<void> {
    const id = streamOf(frame);
    const headers = await this.#decoder.decode(frame.payload.subarray(10));
    const isPeers = (id % 2 === 1) === (this.#options.role === 'server');
    if (!isPeers || id <= this.#lastPeerStream) {
      this.send(rstStream(id, ResetCode.protocolError));
      return;
    }
    this.#lastPeerStream = id;
    const stream = new SpdyStream(this, id, headers);
    this.#streams.set(id, stream);
    await this.#sendHeaders(new Map(), (block) => synReply(id, block));
    if ((frame.flags & flagFin) !== 0) stream.receiveEnd();
    this.#options.onStream(stream);
  }

  #end(error: Error | undefined): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const stream of this.#streams.values()) stream.receiveReset();
    this.#streams.clear();
    this.#encoder.close();
    this.#decoder.close();
    if (error !== undefined) this.#transport.destroy();
    this.#options.onClose(error);
  }
}

function streamOf(frame: ControlFrame): number {
  return frame.payload.readUInt32BE(0) & 0x7fff_ffff;
}
