/** Literal block scalars (`|`): lines as they are. Folded ones (`>`) are left to the library. */
import {
  type Cursor,
  endOfComment,
  HASH,
  NEWLINE,
  NeedMore,
  nextContentLine,
  notSure,
  SPACE,
  skipSpaces,
  TAB,
} from './cursor.ts';
import { decode } from './text.ts';

export const LITERAL = 0x7c;
const PLUS = 0x2b;
const MINUS = 0x2d;

interface Header {
  readonly chomp: 'clip' | 'strip' | 'keep';
  /** Columns of indentation beyond the parent's, when the header says so. */
  readonly indent: number | undefined;
}

/**
 * Reads a literal block scalar whose `|` the cursor stands on, and moves on to the next content (YAML 1.2, 8.1).
 * @param parent indentation of the collection that holds it
 */
export function readBlockScalar(cursor: Cursor, parent: number): string {
  if (parent < 0) notSure(cursor, 'a block scalar as the whole document');
  const header = readHeader(cursor);
  const body = readBody(cursor, parent, header.indent === undefined ? undefined : parent + header.indent);
  nextContentLine(cursor);
  if (!cursor.keep) return '';
  if (header.chomp === 'keep') return body.text + '\n'.repeat(body.trailing);
  return header.chomp === 'strip' ? body.text.slice(0, -1) : body.text;
}

function readHeader(cursor: Cursor): Header {
  const { bytes } = cursor;
  let chomp: Header['chomp'] = 'clip';
  let indent: number | undefined;
  for (let count = 0; count < 2; count++) {
    const byte = bytes[cursor.pos + 1] ?? NEWLINE;
    if (byte === PLUS || byte === MINUS) {
      if (chomp !== 'clip') notSure(cursor, 'a wrong block scalar header');
      chomp = byte === PLUS ? 'keep' : 'strip';
    } else if (byte >= 0x31 && byte <= 0x39) {
      if (indent !== undefined) notSure(cursor, 'a wrong block scalar header');
      indent = byte - 0x30;
    } else break;
    cursor.pos++;
  }
  const start = ++cursor.pos;
  skipSpaces(cursor);
  if (bytes[cursor.pos] === HASH && cursor.pos > start) cursor.pos = endOfComment(cursor, cursor.pos);
  if (bytes[cursor.pos] !== NEWLINE) notSure(cursor, 'a wrong block scalar header');
  return { chomp, indent };
}

interface Body {
  /** Every line with its line break, without the blank lines at the end. */
  readonly text: string;
  /** How many blank lines stood at the end. */
  readonly trailing: number;
}

/** Leaves the cursor at the newline that ends the last line of text. */
function readBody(cursor: Cursor, parent: number, explicit: number | undefined): Body {
  const { bytes } = cursor;
  let indent = explicit;
  let text = '';
  let blanks = 0;
  let widestBlank = 0;
  let at = cursor.pos;
  for (;;) {
    if (at >= cursor.end) {
      if (!cursor.complete) throw new NeedMore();
      break;
    }
    const lineStart = at + 1;
    let content = lineStart;
    while (bytes[content] === SPACE) content++;
    const spaces = content - lineStart;
    if (bytes[content] === NEWLINE) {
      if (content >= cursor.end && spaces > 0) notSure(cursor, 'spaces at the end of the input');
      if (indent !== undefined && spaces > indent) notSure(cursor, 'a line of spaces in a block scalar');
      widestBlank = Math.max(widestBlank, spaces);
      at = content;
      if (at < cursor.end) blanks++;
      continue;
    }
    if (indent === undefined && spaces > parent) {
      if (bytes[content] === TAB || widestBlank > spaces)
        notSure(cursor, 'unclear indentation of a text block');
      indent = spaces;
    }
    if (indent === undefined || spaces < indent) {
      if (spaces > parent) notSure(cursor, 'a text block with uneven indentation');
      break;
    }
    at = lineEnd(cursor, content);
    if (cursor.keep) text += '\n'.repeat(blanks) + decode(bytes, lineStart + indent, at + 1, cursor.ascii);
    cursor.line += blanks + 1;
    cursor.pos = at;
    blanks = 0;
  }
  return { text, trailing: blanks };
}

/** The newline that ends a line of text; notes whether it is all ASCII. */
function lineEnd(cursor: Cursor, from: number): number {
  const { bytes } = cursor;
  let ascii = true;
  let at = from;
  for (; ; at++) {
    const byte = bytes[at] ?? NEWLINE;
    if (byte >= SPACE && byte < 0x7f) continue;
    if (byte === NEWLINE) break;
    if (byte > 0x7f) ascii = false;
    else if (byte !== TAB) notSure(cursor, 'a control character');
  }
  if (at >= cursor.end) {
    if (!cursor.complete) throw new NeedMore();
    notSure(cursor, 'a text block without a last line break');
  }
  cursor.ascii = ascii;
  return at;
}
