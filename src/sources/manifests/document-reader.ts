/**
 * Reads the documents of one input, one after the other, and of a list its items one after the other: only one item is in
 * memory as text. What the block reader is not sure about is read by the library, an item where that is enough, else the document.
 */
import { PadlockError } from '../../errors.ts';
import { atDash } from './block/block.ts';
import {
  endOfComment,
  HASH,
  isMarker,
  NEWLINE,
  NotSure,
  nextContentLine,
  notSure,
  Refused,
  skipSpaces,
} from './block/cursor.ts';
import { isFlow, OPEN_LIST } from './block/flow.ts';
import { readBlockDocument } from './block-document.ts';
import { type FieldFilter, keepFields } from './fields.ts';
import { readFlowDocument } from './flow-document.ts';
import type { Library } from './library.ts';
import { maxLibraryBytes, maxLibraryBytesOfInput, TooManyParts, UnknownAnchor } from './library-limits.ts';
import type { Window } from './window.ts';

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
  loadLibrary: () => Promise<Library> = () => import('./library.ts'),
): Promise<void> {
  const reader = new DocumentReader(window, filter);
  for (;;) {
    try {
      const documents = reader.next();
      if (documents === undefined) return;
      for (const document of documents) if (document.value !== null) take(document);
    } catch (thrown) {
      if (!(thrown instanceof LibraryNeeded)) throw thrown;
      reader.library = await loadLibrary();
      reader.again();
    }
  }
}

class DocumentReader {
  private readonly window: Window;
  private readonly filter: FieldFilter;
  library: Library | undefined;
  private libraryBytes = 0;
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
      this.checkNotList();
      const value = isFlow(cursor.bytes[cursor.pos])
        ? readFlowDocument(this.window, this.filter)
        : readBlockDocument(this.window, this.filter, (...item) => this.itemWithLibrary(...item));
      if (cursor.indent >= 0) notSure(cursor, 'text after the end of the document');
      return this.leave([{ value, line, itemLines: [...cursor.itemLines] }]);
    } catch (thrown) {
      if (thrown instanceof NotSure) return this.wholeWithLibrary(thrown);
      throw this.located(thrown);
    }
  }

  /** A list of millions of values need not be read to know that it is no object. */
  private checkNotList(): void {
    const { cursor } = this.window;
    if (cursor.bytes[cursor.pos] === OPEN_LIST || atDash(cursor)) {
      throw new Refused('this is a list, not a Kubernetes object', cursor.line);
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
      if (byte === HASH) cursor.pos = endOfComment(cursor, cursor.pos);
      else if (byte !== NEWLINE) notSure(cursor, 'text after a document marker');
      if (!begins) continue;
      this.nextLine();
      return true;
    }
  }

  private nextLine(): void {
    const { cursor } = this.window;
    this.window.unit(() => nextContentLine(cursor), cursor.pos + 1, cursor.line + 1);
  }

  /** One item of a list, that the block reader was not sure about. */
  private itemWithLibrary(start: number, end: number, line: number, reason: NotSure): unknown {
    if (end - start > maxLibraryBytes) throw reason;
    const { readWithLibrary } = this.loaded();
    this.count(end - start, reason);
    const text = this.window.cursor.bytes.toString('utf8', start, end);
    try {
      const [list] = readWithLibrary(text, { file: this.window.name, line });
      const value: unknown =
        Array.isArray(list?.value) && list.value.length === 1 ? list.value[0] : undefined;
      if (value === undefined) throw reason;
      return keepFields(value, this.filter);
    } catch (thrown) {
      // Its anchor may stand in an earlier item.
      if (thrown instanceof UnknownAnchor || thrown instanceof TooManyParts) throw reason;
      throw thrown;
    }
  }

  /** The text from the document's start to the next marker, read by the library. */
  private wholeWithLibrary(reason: NotSure): readonly ReadDocument[] {
    const { name } = this.window;
    const text = this.documentText(reason);
    const { readWithLibrary } = this.loaded();
    this.count(text.length, reason);
    let documents: ReturnType<typeof readWithLibrary>;
    try {
      documents = readWithLibrary(text.toString('utf8'), { file: name, line: this.firstLine });
    } catch (thrown) {
      throw thrown instanceof TooManyParts ? this.tooLarge('a large document', reason) : this.located(thrown);
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
        throw this.tooLarge(`a document of more than ${megabytes(maxLibraryBytes)}`, reason);
      }
      const larger = Buffer.allocUnsafe(bytes.length * 4);
      bytes.copy(larger, 0, 0, size);
      bytes = larger;
    }
  }

  private count(bytes: number, reason: NotSure): void {
    this.libraryBytes += bytes;
    if (this.libraryBytes > maxLibraryBytesOfInput) throw this.tooLarge('a large file', reason);
  }

  private tooLarge(what: string, reason: NotSure): PadlockError {
    return new PadlockError('INPUT_TOO_LARGE', `${what} has ${reason.reason} here`, {
      position: { file: this.window.name, line: reason.line, column: 1 },
      hint: `above ${megabytes(maxLibraryBytes)} a document must be JSON, or YAML as kubectl prints it; split it into documents or files`,
    });
  }

  private located(thrown: unknown): unknown {
    if (thrown instanceof Refused) {
      return new PadlockError('INPUT_INVALID', thrown.reason, {
        position: { file: this.window.name, line: thrown.line, column: 1 },
      });
    }
    if (thrown instanceof UnknownAnchor) return thrown.error;
    return thrown;
  }
}

function megabytes(bytes: number): string {
  return `${bytes / 1024 / 1024} MB`;
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
