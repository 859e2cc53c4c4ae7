/** Strings made of bytes, each once: the same few thousand keys and values fill most of a listing. */

/** ASCII or UTF-8 bytes as a string of its own, that holds on to nothing else. */
export function decode(bytes: Buffer, start: number, end: number, ascii: boolean): string {
  return ascii ? bytes.toString('latin1', start, end) : bytes.toString('utf8', start, end);
}

const longest = 32;

/** A direct-mapped cache from bytes to the value that they stand for: a colliding entry takes the place of the older. */
export class TextCache {
  private readonly mask: number;
  private readonly lengths: Uint8Array;
  private readonly bytes: Uint8Array;
  private readonly values: unknown[];

  /** @param size a power of two */
  constructor(size: number) {
    this.mask = size - 1;
    this.lengths = new Uint8Array(size);
    this.bytes = new Uint8Array(size * longest);
    this.values = new Array<unknown>(size).fill('');
  }

  /** The value of `source[start..end]`: the cached one, or `make` of its text. */
  at(
    source: Buffer,
    start: number,
    end: number,
    hash: number,
    ascii: boolean,
    make: (text: string) => unknown,
  ): unknown {
    const length = end - start;
    if (length > longest || !ascii) return make(decode(source, start, end, ascii));
    const slot = (hash ^ (hash >>> 15)) & this.mask;
    const kept = this.bytes;
    const base = slot * longest;
    if (this.lengths[slot] === length) {
      let at = 0;
      while (at < length && kept[base + at] === source[start + at]) at++;
      if (at === length) return this.values[slot];
    }
    const value = make(source.toString('latin1', start, end));
    this.lengths[slot] = length;
    for (let at = 0; at < length; at++) kept[base + at] = source[start + at] ?? 0;
    this.values[slot] = value;
    return value;
  }
}

/** Field names. */
export const keys = new TextCache(4096);
/** Plain scalars as values. */
export const values = new TextCache(16384);
/** Quoted scalars. */
export const quoted = new TextCache(4096);
