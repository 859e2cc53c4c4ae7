/** SPDY/3.1 frames: eight bytes of head, then the payload. Data frames carry a stream's bytes, control frames the rest. */

export const ControlType = {
  synStream: 1,
  synReply: 2,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  headers: 8,
  windowUpdate: 9,
} as const;

export const flagFin = 0x01;

/** Why a stream is reset. */
export const ResetCode = {
  protocolError: 1,
  invalidStream: 2,
  refusedStream: 3,
  cancel: 5,
  internalError: 6,
} as const;

export interface DataFrame {
  readonly kind: 'data';
  readonly stream: number;
  readonly fin: boolean;
  readonly payload: Buffer;
}

export interface ControlFrame {
  readonly kind: 'control';
  readonly type: number;
  readonly flags: number;
  readonly payload: Buffer;
}

export type Frame = DataFrame | ControlFrame;

const version = 3;
const headLength = 8;
/** Frames that Kubernetes' peers send are far smaller; a longer one is an attack or another protocol. */
const maxFrame = 1024 * 1024;

/** Cuts a stream of bytes into frames. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  /** @returns the frames that are complete now. @throws where the bytes are no SPDY/3.1. */
  read(chunk: Buffer): readonly Frame[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const frames: Frame[] = [];
    while (this.#rest.length >= headLength) {
      const length = this.#rest.readUIntBE(5, 3);
      if (length > maxFrame) throw new RangeError(`a SPDY frame of ${length} bytes is too long`);
      if (this.#rest.length < headLength + length) break;
      frames.push(
        parse(this.#rest.subarray(0, headLength), this.#rest.subarray(headLength, headLength + length)),
      );
      this.#rest = this.#rest.subarray(headLength + length);
    }
    return frames;
  }
}

function parse(head: Buffer, payload: Buffer): Frame {
  const first = head.readUInt32BE(0);
  const flags = head.readUInt8(4);
  if (first < 0x8000_0000) return { kind: 'data', stream: first, fin: (flags & flagFin) !== 0, payload };
  const spoken = (first >>> 16) & 0x7fff;
  if (spoken !== version) throw new RangeError(`SPDY version ${spoken} is not spoken here`);
  return { kind: 'control', type: first & 0xffff, flags, payload };
}

function frame(first: number, flags: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(headLength);
  head.writeUInt32BE(first >>> 0, 0);
  head.writeUInt8(flags, 4);
  head.writeUIntBE(payload.length, 5, 3);
  return Buffer.concat([head, payload]);
}

export function dataFrame(stream: number, payload: Buffer, fin: boolean): Buffer {
  return frame(stream, fin ? flagFin : 0, payload);
}

function control(type: number, flags: number, payload: Buffer): Buffer {
  return frame((0x8000_0000 | (version << 16) | type) >>> 0, flags, payload);
}

function numbers(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => {
    bytes.writeUInt32BE(value >>> 0, index * 4);
  });
  return bytes;
}

export function synStream(stream: number, headerBlock: Buffer): Buffer {
  // Associated stream 0, priority and slot 0.
  return control(ControlType.synStream, 0, Buffer.concat([numbers(stream, 0), Buffer.alloc(2), headerBlock]));
}

export function synReply(stream: number, headerBlock: Buffer): Buffer {
  return control(ControlType.synReply, 0, Buffer.concat([numbers(stream), headerBlock]));
}

export function rstStream(stream: number, code: number): Buffer {
  return control(ControlType.rstStream, 0, numbers(stream, code));
}

export function ping(id: number): Buffer {
  return control(ControlType.ping, 0, numbers(id));
}

export function goAway(lastStream: number): Buffer {
  return control(ControlType.goAway, 0, numbers(lastStream, 0));
}
