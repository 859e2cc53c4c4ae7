/**
 * Reads the documents of one input, one after the other, and of a list its items one after the other: only one item is in
 * memory as text. What the block reader is not sure about is read by the library, an item where that is enough, else the document.
 */
import { PadlockError } from '../../errors.ts';
import { atDash, readEntry, readItem, readKey } from './block/block.ts';
import {
  finishLine,
  HASH,
  isMarker,
  NEWLINE,
  NeedMore,
  NotSure,
  nextContentLine,
  notSure,
  Refused,
  skipSpaces,
} from './block/cursor.ts';
import { addField } from './block/fields.ts';
import { isFlow, readFlow } from './block/flow.ts';
import { type FieldFilter, keepFields } from './fields.ts';
import type { Library } from './library.ts';
import { UnknownAnchor } from './unknown-anchor.ts';
import type { Window } from './window.ts';

/** The library needs about a second and 100 MB for each megabyte: a larger piece of text must be plain enough for the block reader. */
export const maxLibraryBytes = 8 * 1024 * 1024;

export interface ReadDocument {
  readonly value: unknown;
  /** 1-based line of the document's first content. */
  readonly line: number;
  /** The first lines of `items`, where there are any; JSON that shares lines has them too. */
  readonly itemLines: readonly number[];
}

const PERCENT = 0x25;

/** Thrown where the library is needed and not loaded: most inputs never need it, and loading it takes a while. */
class LibraryNeeded {}

/**
 * Reads all documents of an input, in order; empty ones are left out.
 * @throws PadlockError `YAML_SYNTAX`, `INPUT_TOO_LARGE`, `INPUT_INVALID` with file, line and column; `CarriageReturn`
 */
export async function readDocuments(
  window: Window,
  filter: FieldFilter,
  take: (document: ReadDocument) => void,
): Promise<void> {
  const reader = new DocumentReader(window, filter);
  for (;;) {
    try {
      const documents = reader.next();
      if (documents === undefined) return;
      for (const document of documents) if (document.value !== null) take(document);
    } catch (thrown) {
      if (!(thrown instanceof LibraryNeeded)) throw thrown;
      reader.library = await import('./library.ts');
      reader.again();
    }
  }
}

class DocumentReader {
  private readonly window: Window;
  private readonly filter: FieldFilter;
  library: Library | undefined;
  private offset = 0;
  private firstLine = 0;

  constructor(window: Window, filter: FieldFilter) {
    this.window = window;
    this.filter = filter;
  }

  /** The next document (several only where the library had to read), or undefined at the end of the input. */
  next(): readonly ReadDocument[] | undefined {
    const { cursor } = this.window;
    cursor.depth = 0;
    cursor.keep = true;
    cursor.itemLines.length = 0;
    this.offset = this.window.offsetOf(cursor.pos + 1);
    this.firstLine = cursor.line + 1;
    try {
      if (!this.start()) return undefined;
      const line = cursor.line;
      // An empty document.
      if (cursor.indent < 0) return this.leave([]);
      const value = isFlow(cursor.bytes[cursor.pos]) ? this.unit(() => this.flow()) : this.map();
      if (cursor.indent >= 0) notSure(cursor, 'text after the end of the document');
      return this.leave([{ value, line, itemLines: [...cursor.itemLines] }]);
    } catch (thrown) {
      if (thrown instanceof NotSure) return this.wholeWithLibrary(thrown);
      throw this.located(thrown);
    }
  }

  /** Goes back to the start of the document that `next` could not read. */
  again(): void {
    this.window.seek(this.offset, this.firstLine);
  }

  private loaded(): Library {
    if (this.library === undefined) throw new LibraryNeeded();
    return this.library;
  }

  /** A marker that ended a document is read again: it begins the next one. */
  private leave(documents: readonly ReadDocument[]): readonly ReadDocument[] {
    const { cursor } = this.window;
    if (cursor.pos < cursor.end) {
      cursor.pos = cursor.lineStart - 1;
      cursor.line--;
    }
    return documents;
  }

  /** Goes to the first content of the next document; false at the end of the input. */
  private start(): boolean {
    const { cursor } = this.window;
    for (;;) {
      this.nextLine();
      this.offset = this.window.offsetOf(cursor.lineStart);
      this.firstLine = cursor.line;
      if (cursor.indent >= 0) {
        if (cursor.bytes[cursor.pos] === PERCENT) notSure(cursor, 'a directive');
        return true;
      }
      if (cursor.pos >= cursor.end) return false;
      const begins = cursor.bytes[cursor.pos] === 0x2d;
      cursor.pos += 3;
      skipSpaces(cursor);
      const byte = cursor.bytes[cursor.pos];
      if (byte === HASH) cursor.pos = cursor.bytes.indexOf(NEWLINE, cursor.pos);
      else if (byte !== NEWLINE) notSure(cursor, 'text after a document marker');
      if (!begins) continue;
      this.nextLine();
      return true;
    }
  }

  private nextLine(): void {
    const { cursor } = this.window;
    this.unit(() => nextContentLine(cursor), cursor.pos + 1, cursor.line + 1);
  }

  private flow(): unknown {
    const { cursor } = this.window;
    const value = readFlow(cursor, -1, this.filter);
    finishLine(cursor);
    return value;
  }

  /** The top level of a document in block style, entry by entry. */
  private map(): Record<string, unknown> {
    const { cursor } = this.window;
    const { indent } = cursor;
    const object: Record<string, unknown> = {};
    let filter = this.filter;
    if (atDash(cursor)) notSure(cursor, 'a list as the whole document');
    do {
      if (filter.isObject && this.unit(() => this.atItems())) {
        addField(cursor, object, 'items', this.items(filter));
      } else filter = this.unit(() => readEntry(cursor, object, filter));
      if (cursor.indent > indent || (cursor.indent === indent && atDash(cursor)))
        notSure(cursor, 'odd indentation');
    } while (cursor.indent === indent);
    return object;
  }

  /** Whether the next entry is a list called `items`; then moves to its first dash, else stays. */
  private atItems(): boolean {
    const { cursor } = this.window;
    const { pos, line, lineStart, indent, bytes } = cursor;
    if (bytes[pos] !== 0x69) return false;
    if (readKey(cursor) === 'items') {
      skipSpaces(cursor);
      if (bytes[cursor.pos] === NEWLINE) {
        nextContentLine(cursor);
        if (cursor.indent >= indent && atDash(cursor)) return true;
      }
    }
    cursor.pos = pos;
    cursor.line = line;
    cursor.lineStart = lineStart;
    cursor.indent = indent;
    return false;
  }

  private items(filter: FieldFilter): readonly unknown[] {
    const { cursor } = this.window;
    const { indent } = cursor;
    const items: unknown[] = [];
    cursor.depth = 1;
    do {
      cursor.itemLines.push(cursor.line);
      items.push(this.unit(() => this.item(indent, filter)));
    } while (cursor.indent === indent && atDash(cursor));
    cursor.depth = 0;
    return items;
  }

  /** One item of a list; by the library where the block reader is not sure. */
  private item(indent: number, filter: FieldFilter): unknown {
    const { cursor } = this.window;
    const { line, lineStart, depth } = cursor;
    try {
      return readItem(cursor, indent, filter);
    } catch (thrown) {
      if (!(thrown instanceof NotSure)) throw thrown;
      cursor.pos = lineStart - 1;
      cursor.line = line - 1;
      cursor.depth = depth;
      cursor.keep = true;
      return this.itemWithLibrary(indent, lineStart, line, thrown);
    }
  }

  private itemWithLibrary(indent: number, start: number, line: number, reason: NotSure): unknown {
    const { cursor, name } = this.window;
    nextContentLine(cursor);
    do {
      cursor.pos = cursor.bytes.indexOf(NEWLINE, cursor.pos);
      nextContentLine(cursor);
    } while (cursor.indent > indent);
    if (cursor.lineStart - start > maxLibraryBytes) throw reason;
    const { readWithLibrary } = this.loaded();
    const text = cursor.bytes.toString('utf8', start, cursor.lineStart);
    try {
      const [list] = readWithLibrary(text, { file: name, line });
      const value: unknown =
        Array.isArray(list?.value) && list.value.length === 1 ? list.value[0] : undefined;
      if (value === undefined) throw reason;
      return keepFields(value, this.filter);
    } catch (thrown) {
      // Its anchor may stand in an earlier item.
      if (thrown instanceof UnknownAnchor) throw reason;
      throw thrown;
    }
  }

  /** Runs a read that may come to the end of the window, from its start again until the window holds all of it. */
  private unit<Value>(read: () => Value, from?: number, fromLine?: number): Value {
    const { cursor } = this.window;
    for (;;) {
      const { pos, line, lineStart, indent, depth } = cursor;
      const start = from ?? lineStart;
      const lines = cursor.itemLines.length;
      try {
        return read();
      } catch (thrown) {
        if (!(thrown instanceof NeedMore)) throw thrown;
        this.window.more(start, fromLine ?? line);
        cursor.pos = pos - start;
        cursor.line = line;
        cursor.lineStart = lineStart - start;
        cursor.indent = indent;
        cursor.depth = depth;
        cursor.keep = true;
        cursor.itemLines.length = lines;
      }
    }
  }

  /** The text from the document's start to the next marker, read by the library. */
  private wholeWithLibrary(reason: NotSure): readonly ReadDocument[] {
    const { name } = this.window;
    const text = this.documentText(reason);
    const { readWithLibrary } = this.loaded();
    let documents: ReturnType<typeof readWithLibrary>;
    try {
      documents = readWithLibrary(text.toString('utf8'), { file: name, line: this.firstLine });
    } catch (thrown) {
      throw this.located(thrown);
    }
    let lines = 0;
    for (let at = text.indexOf(NEWLINE); at >= 0; at = text.indexOf(NEWLINE, at + 1)) lines++;
    this.window.seek(this.offset + text.length, this.firstLine + lines);
    return documents.map(({ value, line, itemLines }) => ({
      value: keepFields(value, this.filter),
      line,
      itemLines,
    }));
  }

  private documentText(reason: NotSure): Buffer {
    const { name } = this.window;
    let bytes = Buffer.allocUnsafe(1 << 16);
    let size = 0;
    for (;;) {
      const room = bytes.subarray(size);
      const count = this.window.readAt(room, this.offset + size);
      size += count;
      const end = documentEnd(bytes.subarray(0, size));
      if (end !== undefined) return bytes.subarray(0, end);
      if (count < room.length) return bytes.subarray(0, size);
      if (size > maxLibraryBytes) {
        const limit = `${maxLibraryBytes / 1024 / 1024} MB`;
        throw new PadlockError(
          'INPUT_TOO_LARGE',
          `a document of more than ${limit} has ${reason.reason} here`,
          {
            position: { file: name, line: reason.line, column: 1 },
            hint: `above ${limit} a document must be JSON, or YAML as kubectl prints it; split it into documents or files`,
          },
        );
      }
      const larger = Buffer.allocUnsafe(bytes.length * 4);
      bytes.copy(larger, 0, 0, size);
      bytes = larger;
    }
  }

  private located(thrown: unknown): unknown {
    if (thrown instanceof Refused) {
      return new PadlockError('INPUT_INVALID', thrown.reason, {
        position: { file: this.window.name, line: thrown.line, column: 1 },
        hint: 'no Kubernetes object is nested so deeply',
      });
    }
    if (thrown instanceof UnknownAnchor) return thrown.error;
    return thrown;
  }
}

/** Where the document that starts the text ends: at the next marker line; undefined where the text holds none. */
function documentEnd(text: Buffer): number | undefined {
  let directives = text[0] === PERCENT;
  for (let at = text.indexOf(NEWLINE); at >= 0; at = text.indexOf(NEWLINE, at + 1)) {
    const start = at + 1;
    if (start + 3 >= text.length) return undefined;
    if (!isMarker(text, start)) continue;
    if (!directives) return start;
    directives = false;
  }
  return undefined;
}
