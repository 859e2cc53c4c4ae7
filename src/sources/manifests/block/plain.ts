/** Plain (unquoted) text: where it ends, and what value it stands for. */
import { scalarOf } from '../dialect.ts';
import {
  COLON,
  type Cursor,
  endOfComment,
  HASH,
  isBlank,
  NEWLINE,
  nextContentLine,
  notSure,
  SPACE,
  TAB,
} from './cursor.ts';
import { decode, keys, values } from './text.ts';

/** What ended a plain text on its line. */
export const LINE_END = 0;
export const COMMENT = 1;
export const KEY = 2;
export const FLOW = 3;

/** Bytes that a plain text may hold without a second look: printable ASCII except space, `#` and `:`. */
const ordinary = new Uint8Array(256);
/** The same inside `{}` and `[]`, where `,[]{}` end a text too. */
const ordinaryInFlow = new Uint8Array(256);
for (let byte = 0x21; byte < 0x7f; byte++) {
  if (byte === HASH || byte === COLON) continue;
  ordinary[byte] = 1;
  ordinaryInFlow[byte] = ',[]{}'.includes(String.fromCharCode(byte)) ? 0 : 1;
}

/** Bytes that cannot start a plain text (YAML 1.2, c-indicator); `-`, `?` and `:` may when text follows at once. */
const indicators = new Uint8Array(256);
for (const char of ',[]{}#&*!|>\'"%@`') indicators[char.charCodeAt(0)] = 1;
for (const char of '-?:') indicators[char.charCodeAt(0)] = 2;

/** Whether a plain text may start here. */
export function startsPlain(cursor: Cursor): boolean {
  const byte = cursor.bytes[cursor.pos] ?? NEWLINE;
  const kind = indicators[byte];
  return kind === 0 || (kind === 2 && !isBlank(cursor.bytes[cursor.pos + 1]));
}

/**
 * Runs over the plain text that starts at the cursor, to the end of its line, a comment or the `:` of a key; leaves
 * `textEnd`, `hash` and `ascii`. @returns what ended it
 */
export function scanPlain(cursor: Cursor): number {
  const { bytes } = cursor;
  let at = cursor.pos;
  let hash = 0;
  let textEnd = at;
  cursor.ascii = true;
  for (; ; at++) {
    const byte = bytes[at] ?? NEWLINE;
    if (ordinary[byte] === 1) {
      hash = (Math.imul(hash, 31) + byte) | 0;
      textEnd = at + 1;
      continue;
    }
    if (byte === SPACE) continue;
    const end = blockStop(cursor, byte, at);
    if (end >= 0) {
      cursor.textEnd = textEnd;
      cursor.hash = hash;
      cursor.pos = at;
      return end;
    }
    hash = (Math.imul(hash, 31) + byte) | 0;
    textEnd = at + 1;
  }
}

/** What an unusual byte does to a plain text: ends it, or -1 where it belongs to it. */
function blockStop(cursor: Cursor, byte: number, at: number): number {
  if (byte === NEWLINE) return LINE_END;
  if (byte === COLON) {
    const next = cursor.bytes[at + 1];
    if (next === SPACE || next === NEWLINE) return KEY;
    return next === TAB ? notSure(cursor, 'a tab after a key') : -1;
  }
  if (byte === HASH) return at > cursor.pos && cursor.bytes[at - 1] === SPACE ? COMMENT : -1;
  if (byte < 0x80) notSure(cursor, 'a tab or a control character');
  cursor.ascii = false;
  return -1;
}

/** As `scanPlain`, inside `{}` or `[]`. */
export function scanFlowPlain(cursor: Cursor): number {
  const { bytes } = cursor;
  let at = cursor.pos;
  let hash = 0;
  let textEnd = at;
  cursor.ascii = true;
  for (; ; at++) {
    const byte = bytes[at] ?? NEWLINE;
    if (ordinaryInFlow[byte] !== 1) {
      if (byte === SPACE) continue;
      const end = flowStop(cursor, byte, at);
      if (end >= 0) {
        cursor.textEnd = textEnd;
        cursor.hash = hash;
        cursor.pos = at;
        return end;
      }
    }
    hash = (Math.imul(hash, 31) + byte) | 0;
    textEnd = at + 1;
  }
}

function flowStop(cursor: Cursor, byte: number, at: number): number {
  if (byte === COLON) {
    const next = cursor.bytes[at + 1] ?? NEWLINE;
    if (next === SPACE || next === NEWLINE || ordinaryInFlow[next] === 0) return KEY;
    return -1;
  }
  // A comma, a bracket or a brace; an opening one is no sensible text and is refused by the caller.
  if (byte > SPACE && byte < 0x7f && byte !== HASH) return FLOW;
  return blockStop(cursor, byte, at);
}

/**
 * A plain scalar as a value, over as many lines as it has, then on to the next content.
 * @param parent indentation of the collection that holds it: its further lines are indented more
 */
export function readPlain(cursor: Cursor, parent: number): unknown {
  const start = cursor.pos;
  const ended = scanPlain(cursor);
  if (ended === KEY) notSure(cursor, 'a key where a value is expected');
  const { textEnd, hash, ascii, bytes } = cursor;
  if (ended === COMMENT) cursor.pos = endOfComment(cursor, cursor.pos);
  const lineStart = cursor.lineStart;
  nextContentLine(cursor);
  if (cursor.indent <= parent) {
    return cursor.keep ? values.at(bytes, start, textEnd, hash, ascii, scalarOf) : null;
  }
  if (ended === COMMENT || lineStart === cursor.lineStart) notSure(cursor, 'text after a comment');
  return continuePlain(cursor, parent, cursor.keep ? decode(bytes, start, textEnd, ascii) : '');
}

const longestText = 10_000;

/** Further lines of a plain scalar: a line break is a space, a blank line is a line break (YAML 1.2, 7.3.3). */
function continuePlain(cursor: Cursor, parent: number, firstLine: string): unknown {
  let text = firstLine;
  for (let lines = 0; cursor.indent > parent; lines++) {
    if (lines > longestText) notSure(cursor, 'a text of very many lines');
    if (cursor.commentLines > 0) notSure(cursor, 'a comment within a plain scalar');
    const start = cursor.pos;
    const separator = cursor.blankLines === 0 ? ' ' : '\n'.repeat(cursor.blankLines);
    const ended = scanPlain(cursor);
    if (ended !== LINE_END) notSure(cursor, 'a key or a comment within a plain scalar');
    if (cursor.keep) text += separator + decode(cursor.bytes, start, cursor.textEnd, cursor.ascii);
    nextContentLine(cursor);
  }
  return cursor.keep ? text : null;
}

/** The text of a plain key between `start` and `textEnd`, as a field name. */
export function plainKey(cursor: Cursor, start: number): string {
  const { bytes, textEnd } = cursor;
  if (textEnd - start > 1000) notSure(cursor, 'a very long key');
  const key = keys.at(bytes, start, textEnd, cursor.hash, cursor.ascii, keyOf);
  return typeof key === 'string' ? key : notSure(cursor, 'a key that is null or merges');
}

/** Kubernetes' reader turns keys that are numbers or booleans into text; null and `<<` are the library's business. */
function keyOf(text: string): unknown {
  const value = scalarOf(text);
  return value === null || text === '<<' ? null : String(value);
}
