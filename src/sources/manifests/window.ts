/** The part of an input that is in memory: whole lines from the unit that is being read on, checked to be text. */
import { isAscii, isUtf8 } from 'node:buffer';
import { type ErrorCode, PadlockError } from '../../errors.ts';
import { Cursor, NEWLINE, NeedMore } from './block/cursor.ts';
import type { ByteSource } from './byte-source.ts';
import { unprintable, unprintableSentence } from './unprintable.ts';

const firstSize = 1 << 20;
const CARRIAGE_RETURN = 0x0d;

/** Thrown where lines end in CR: the input is read again with its line breaks made one kind. */
export class CarriageReturn {}

export class Window {
  readonly cursor: Cursor;
  private readonly source: ByteSource;
  /** Offset in the source of the first byte of `cursor.bytes`. */
  private base: number;
  /** How many of the bytes are read; the last line of them may not be whole. */
  private filled: number;

  /** Starts empty, before the first line. */
  constructor(source: ByteSource) {
    this.source = source;
    this.base = 0;
    this.filled = 0;
    this.cursor = new Cursor(Buffer.allocUnsafe(firstSize));
  }

  get name(): string {
    return this.source.name;
  }

  /** The offset in the source of a position in the window. */
  offsetOf(position: number): number {
    return this.base + position;
  }

  readAt(target: Uint8Array, offset: number): number {
    return this.source.read(target, offset);
  }

  /** Starts again, empty, before the line that begins at `offset`. */
  seek(offset: number, line: number): void {
    this.base = offset;
    this.filled = 0;
    this.cursor.restart(line - 1);
  }

  /**
   * Forgets what is before `from`, the start of line `line`, and reads on until the window holds more whole lines than
   * before; positions move down by `from`.
   * @throws PadlockError `INPUT_INVALID` where the input is not text; `CarriageReturn`
   */
  private more(from: number, line: number): void {
    const { cursor } = this;
    const checked = Math.max(0, cursor.end - from);
    let kept = this.filled - from;
    cursor.bytes = moved(cursor.bytes, from, this.filled);
    this.base += from;
    do {
      // One byte is left for the line break that stands after the end.
      const room = cursor.bytes.subarray(kept, -1);
      const count = this.source.read(room, this.base + kept);
      kept += count;
      this.filled = kept;
      cursor.complete = count < room.length;
      cursor.end = cursor.complete ? kept : cursor.bytes.lastIndexOf(NEWLINE, kept - 1);
      cursor.bytes = moved(cursor.bytes, 0, kept);
    } while (cursor.end < checked && !cursor.complete);
    cursor.bytes[cursor.end] = NEWLINE;
    this.check(checked, cursor.end, line);
  }

  /**
   * Runs a read that may come to the end of the window; then it is run again from its start in a larger window.
   * @param from the start of a line, and its number; the cursor's line when absent
   */
  unit<Value>(read: () => Value, from?: number, fromLine?: number): Value {
    const { cursor } = this;
    for (;;) {
      const { pos, line, lineStart, indent, depth, keep } = cursor;
      const start = from ?? lineStart;
      const lines = cursor.itemLines.length;
      try {
        return read();
      } catch (thrown) {
        if (!(thrown instanceof NeedMore)) throw thrown;
        this.more(start, fromLine ?? line);
        cursor.pos = pos - start;
        cursor.line = line;
        cursor.lineStart = lineStart - start;
        cursor.indent = indent;
        cursor.depth = depth;
        cursor.keep = keep;
        cursor.itemLines.length = lines;
      }
    }
  }

  private check(from: number, to: number, firstLine: number): void {
    const { bytes } = this.cursor;
    const part = bytes.subarray(from, to);
    if (part.includes(CARRIAGE_RETURN)) throw new CarriageReturn();
    const nul = part.indexOf(0);
    if (nul >= 0)
      throw this.invalid(from + nul, firstLine, 'INPUT_INVALID', 'this is not text: it holds a NUL byte');
    if (isAscii(part)) return;
    if (isUtf8(part) && !unprintable.test(part.toString('utf8'))) return;
    for (let start = from; start < to; ) {
      const next = bytes.indexOf(NEWLINE, start);
      const end = next < 0 || next > to ? to : next;
      this.checkLine(start, end, firstLine);
      start = end + 1;
    }
  }

  private checkLine(start: number, end: number, firstLine: number): void {
    const line = this.cursor.bytes.subarray(start, end);
    if (!isUtf8(line)) {
      throw this.invalid(
        start,
        firstLine,
        'INPUT_INVALID',
        'this is not text: it holds bytes that are not UTF-8',
      );
    }
    const found = unprintable.exec(line.toString('utf8'));
    if (found === null) return;
    throw this.invalid(start + found.index, firstLine, 'YAML_SYNTAX', unprintableSentence(found[0]));
  }

  private invalid(at: number, firstLine: number, code: ErrorCode, sentence: string): PadlockError {
    const { bytes } = this.cursor;
    let line = firstLine;
    let lineStart = 0;
    for (let next = bytes.indexOf(NEWLINE); next >= 0 && next < at; next = bytes.indexOf(NEWLINE, next + 1)) {
      line++;
      lineStart = next + 1;
    }
    return new PadlockError(code, sentence, {
      position: { file: this.name, line, column: at - lineStart + 1 },
      hint: 'Padlock reads YAML and JSON in UTF-8',
    });
  }
}

/** The bytes from `from` on at the start of a buffer with room for as many again, the same one where it has that room. */
function moved(bytes: Buffer, from: number, to: number): Buffer {
  const kept = to - from;
  const target =
    bytes.length >= kept * 2 ? bytes : Buffer.allocUnsafe(Math.max(firstSize, kept * 2 + firstSize));
  bytes.copy(target, 0, from, to);
  return target;
}
