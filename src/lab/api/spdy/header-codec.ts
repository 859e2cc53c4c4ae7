/**
 * SPDY header blocks: names and values with their lengths, compressed by one zlib stream for each direction of a
 * connection. A block can only be read after all the ones before it.
 */
import { constants, createDeflate, createInflate, type Deflate, type Inflate } from 'node:zlib';
import { spdyDictionary } from './dictionary.ts';

export type SpdyHeaders = ReadonlyMap<string, string>;

/** More than this is no header block of ours. */
const maxBlock = 256 * 1024;

export class HeaderEncoder {
  readonly #deflate: Deflate = createDeflate({ dictionary: spdyDictionary, flush: constants.Z_SYNC_FLUSH });

  encode(headers: SpdyHeaders): Promise<Buffer> {
    const parts = [uint32(headers.size)];
    for (const [name, value] of headers) parts.push(sized(name.toLowerCase()), sized(value));
    return through(this.#deflate, Buffer.concat(parts));
  }

  close(): void {
    this.#deflate.close();
  }
}

export class HeaderDecoder {
  readonly #inflate: Inflate = createInflate({ dictionary: spdyDictionary, flush: constants.Z_SYNC_FLUSH });

  /** @throws where the block is no compressed list of headers. */
  async decode(block: Buffer): Promise<SpdyHeaders> {
    const bytes = await through(this.#inflate, block);
    const headers = new Map<string, string>();
    let at = 4;
    const take = (): string => {
      const length = bytes.readUInt32BE(at);
      at += 4 + length;
      if (at > bytes.length) throw new RangeError('a SPDY header is longer than its block');
      return bytes.toString('utf8', at - length, at);
    };
    for (let left = bytes.readUInt32BE(0); left > 0; left -= 1) {
      const name = take();
      headers.set(name, take());
    }
    return headers;
  }

  close(): void {
    this.#inflate.close();
  }
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function sized(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([uint32(bytes.length), bytes]);
}

/** One block through a zlib stream that is flushed after each write. */
function through(stream: Deflate | Inflate, bytes: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    stream.once('error', reject);
    stream.write(bytes, () => {
      stream.off('error', reject);
      const chunks: Buffer[] = [];
      let size = 0;
      for (let chunk: unknown = stream.read(); chunk !== null; chunk = stream.read()) {
        if (!Buffer.isBuffer(chunk)) break;
        size += chunk.length;
        chunks.push(chunk);
      }
      if (size > maxBlock) reject(new RangeError('a SPDY header block is too large'));
      else resolve(Buffer.concat(chunks));
    });
  });
}
