/**
 * Where the block reader stands in the bytes of a document, and the moves from line to line. The block reader works on
 * bytes and makes a string only for what is kept: a large mesh is tens of megabytes of which little is read.
 */

export const TAB = 0x09;
export const NEWLINE = 0x0a;
export const SPACE = 0x20;
export const HASH = 0x23;
export const DASH = 0x2d;
export const DOT = 0x2e;
export const COLON = 0x3a;

/** Deeper nesting than any Kubernetes object has; what lies deeper is refused, so that no reader can run out of stack. */
export const maxDepth = 100;

/** Thrown where the text is not plainly in the subset: the document is handed to the `yaml` library instead. */
export class NotSure {
  readonly reason: string;
  readonly line: number;

  constructor(reason: string, line: number) {
    this.reason = reason;
    this.line = line;
  }
}

/** Thrown for text that no reader takes: too deep, or no object. */
export class Refused {
  readonly reason: string;
  readonly line: number;

  constructor(reason: string, line: number) {
    this.reason = reason;
    this.line = line;
  }
}

/** Thrown at the end of the window while the input goes on: the unit is read again from its start, in a larger window. */
export class NeedMore {}

export class Cursor {
  /** `bytes[end]` is always a newline that does not count, so that scans within a line need no check for the end. */
  bytes: Buffer;
  end = -1;
  /** Nothing follows `end`. */
  complete = false;
  pos = -1;
  /** 1-based number of the line that `pos` is on, and where it starts. */
  line = 0;
  lineStart = 0;
  /** Column of the content that `pos` stands on; -1 at the end of the document. */
  indent = 0;
  depth = 0;
  /** False while a field that nobody asked for is checked and thrown away. */
  keep = true;
  /** What `nextContentLine` passed over. */
  blankLines = 0;
  commentLines = 0;
  /** What the last scan of a plain text found: its end without trailing spaces, its hash, and whether it is all ASCII. */
  textEnd = 0;
  hash = 0;
  ascii = true;
  /** Lines on which the items of a list of objects start. */
  readonly itemLines: number[] = [];

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** Before the first byte, which is not there yet: as if on the line break that ends line `line`. */
  restart(line: number): void {
    this.end = -1;
    this.complete = false;
    this.pos = -1;
    this.line = line;
    this.lineStart = 0;
    this.indent = 0;
  }
}

export function notSure(cursor: Cursor, reason: string): never {
  throw new NotSure(reason, cursor.line);
}

/** Counts one level down. @throws Refused below `maxDepth` */
export function enter(cursor: Cursor): void {
  if (++cursor.depth > maxDepth) throw new Refused(`nested deeper than ${maxDepth} levels`, cursor.line);
}

/** From a newline to the first byte of the next line that holds content; sets `indent`, -1 where the document ends. */
export function nextContentLine(cursor: Cursor): void {
  const { bytes } = cursor;
  cursor.blankLines = 0;
  cursor.commentLines = 0;
  let at = cursor.pos;
  for (;;) {
    if (at >= cursor.end) {
      endOfInput(cursor);
      return;
    }
    const lineStart = ++at;
    cursor.line++;
    while (bytes[at] === SPACE) at++;
    const byte = bytes[at];
    if (byte === NEWLINE) {
      if (at < cursor.end) cursor.blankLines++;
      continue;
    }
    if (byte === HASH) {
      cursor.commentLines++;
      at = endOfComment(cursor, at);
      continue;
    }
    if (byte === TAB) notSure(cursor, 'a tab before the content of a line');
    cursor.pos = at;
    cursor.lineStart = lineStart;
    cursor.indent = at - lineStart;
    if (cursor.indent === 0 && isMarker(bytes, at)) cursor.indent = -1;
    return;
  }
}

function endOfInput(cursor: Cursor): void {
  if (!cursor.complete) throw new NeedMore();
  cursor.pos = cursor.end;
  cursor.lineStart = cursor.end;
  cursor.indent = -1;
}

/** `---` or `...` at the start of a line, followed by white space: no content may start a line with it (YAML 1.2, 9.1.2). */
export function isMarker(bytes: Buffer, at: number): boolean {
  const byte = bytes[at];
  if (byte !== DASH && byte !== DOT) return false;
  return bytes[at + 1] === byte && bytes[at + 2] === byte && isBlank(bytes[at + 3]);
}

export function isBlank(byte: number | undefined): boolean {
  return byte === SPACE || byte === NEWLINE || byte === TAB;
}

export function skipSpaces(cursor: Cursor): void {
  const { bytes } = cursor;
  let at = cursor.pos;
  while (bytes[at] === SPACE) at++;
  cursor.pos = at;
}

/** The newline that ends the comment starting at `from`. */
export function endOfComment(cursor: Cursor, from: number): number {
  const { bytes } = cursor;
  for (let at = from; ; at++) {
    const byte = bytes[at] ?? NEWLINE;
    if (byte === NEWLINE) return at;
    if ((byte < SPACE && byte !== TAB) || byte === 0x7f) notSure(cursor, 'a control character');
  }
}

/** After a value: only a comment may follow on its line. Moves on to the next content. */
export function finishLine(cursor: Cursor): void {
  const { bytes } = cursor;
  const start = cursor.pos;
  skipSpaces(cursor);
  const byte = bytes[cursor.pos];
  if (byte === HASH && cursor.pos > start) cursor.pos = endOfComment(cursor, cursor.pos);
  else if (byte !== NEWLINE) notSure(cursor, 'more text after a value');
  nextContentLine(cursor);
}
