/** Values in flow style, JSON among them: `{}`, `[]`, and what stands in them, over one line or many. */

import { scalarOf } from '../dialect.ts';
import { everything, type FieldFilter } from '../fields.ts';
import {
  COLON,
  type Cursor,
  DASH,
  enter,
  isBlank,
  isMarker,
  NEWLINE,
  NeedMore,
  notSure,
  SPACE,
  TAB,
} from './cursor.ts';
import { addField } from './fields.ts';
import { FLOW, KEY, LINE_END, plainKey, scanFlowPlain, startsPlain } from './plain.ts';
import { isQuote, readQuoted } from './quoted.ts';
import { values } from './text.ts';

export const OPEN_LIST = 0x5b;
export const CLOSE_LIST = 0x5d;
export const OPEN_MAP = 0x7b;
export const CLOSE_MAP = 0x7d;
const COMMA = 0x2c;
const QUESTION = 0x3f;

export function isFlow(byte: number | undefined): boolean {
  return byte === OPEN_MAP || byte === OPEN_LIST;
}

/**
 * Reads the collection whose opening bracket the cursor stands on; leaves it after the closing one.
 * @param parent indentation that further lines must exceed
 */
export function readFlow(cursor: Cursor, parent: number, filter: FieldFilter): unknown {
  enter(cursor);
  const map = cursor.bytes[cursor.pos] === OPEN_MAP;
  cursor.pos++;
  const value = map ? readFlowMap(cursor, parent, filter) : readFlowList(cursor, parent, filter);
  cursor.depth--;
  return value;
}

function readFlowMap(cursor: Cursor, parent: number, filter: FieldFilter): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  let chosen = filter;
  for (;;) {
    skipFlowSpace(cursor, parent);
    if (cursor.bytes[cursor.pos] === CLOSE_MAP) break;
    const key = readFlowKey(cursor);
    skipFlowSpace(cursor, parent);
    const below = chosen.of(key);
    const kept = cursor.keep;
    cursor.keep = kept && below !== undefined;
    const value = readFlowNode(cursor, parent, below ?? everything);
    if (cursor.keep) {
      addField(cursor, object, key, value);
      chosen = chosen.given(key, value);
    }
    cursor.keep = kept;
    if (nextEntry(cursor, parent, CLOSE_MAP)) break;
  }
  cursor.pos++;
  return object;
}

/** After an entry: true at the closing bracket; past the comma otherwise. */
export function nextEntry(cursor: Cursor, parent: number, close: number): boolean {
  skipFlowSpace(cursor, parent);
  const byte = cursor.bytes[cursor.pos];
  if (byte === close) return true;
  if (byte !== COMMA) notSure(cursor, 'neither a comma nor the end of a list or map');
  cursor.pos++;
  return false;
}

/** A key with its colon, on one line. */
export function readFlowKey(cursor: Cursor): string {
  const { bytes } = cursor;
  if (isQuote(bytes[cursor.pos])) {
    const kept = cursor.keep;
    cursor.keep = true;
    const key = readQuoted(cursor, undefined);
    cursor.keep = kept;
    if (bytes[cursor.pos] !== COLON) notSure(cursor, 'a key without its colon');
    cursor.pos++;
    return key;
  }
  checkPlainStart(cursor);
  const start = cursor.pos;
  if (scanFlowPlain(cursor) !== KEY || !isBlank(bytes[cursor.pos + 1]))
    notSure(cursor, 'a key without its colon');
  cursor.pos++;
  return plainKey(cursor, start);
}

function readFlowList(cursor: Cursor, parent: number, filter: FieldFilter): readonly unknown[] {
  const list: unknown[] = [];
  const lines = filter.isObject ? cursor.itemLines : undefined;
  for (;;) {
    skipFlowSpace(cursor, parent);
    if (cursor.bytes[cursor.pos] === CLOSE_LIST) break;
    lines?.push(cursor.line);
    const item = readFlowNode(cursor, parent, filter);
    if (cursor.keep) list.push(item);
    if (nextEntry(cursor, parent, CLOSE_LIST)) break;
  }
  cursor.pos++;
  return list;
}

export function readFlowNode(cursor: Cursor, parent: number, filter: FieldFilter): unknown {
  const { bytes } = cursor;
  const byte = bytes[cursor.pos];
  if (isFlow(byte)) return readFlow(cursor, parent, filter);
  if (isQuote(byte)) return readQuoted(cursor, undefined);
  checkPlainStart(cursor);
  const start = cursor.pos;
  const ended = scanFlowPlain(cursor);
  const { textEnd, hash, ascii } = cursor;
  if (ended !== FLOW) {
    // Text that goes on in the next line is rare; what may follow on it is a comma or the end.
    if (ended !== LINE_END) notSure(cursor, 'a key or a comment within a list or map');
    skipFlowSpace(cursor, parent);
  }
  const after = bytes[cursor.pos];
  if (after !== COMMA && after !== CLOSE_LIST && after !== CLOSE_MAP)
    notSure(cursor, 'unclear text in a list or map');
  return cursor.keep ? values.at(bytes, start, textEnd, hash, ascii, scalarOf) : null;
}

function checkPlainStart(cursor: Cursor): void {
  const { bytes } = cursor;
  const byte = bytes[cursor.pos];
  const next = bytes[cursor.pos + 1] ?? NEWLINE;
  if (!startsPlain(cursor)) notSure(cursor, 'an unusual start of a value');
  if ((byte === DASH || byte === COLON || byte === QUESTION) && ',[]{}'.includes(String.fromCharCode(next))) {
    notSure(cursor, 'an unusual start of a value');
  }
}

/** White space and line breaks between the parts; a comment here is left to the library. */
export function skipFlowSpace(cursor: Cursor, parent: number): void {
  const { bytes } = cursor;
  let at = cursor.pos;
  for (;;) {
    const byte = bytes[at];
    // JSON may be indented by tabs; within block style they are not sure.
    if (byte === SPACE || (byte === TAB && parent < 0)) {
      at++;
      continue;
    }
    if (byte !== NEWLINE) break;
    if (at >= cursor.end) {
      if (!cursor.complete) throw new NeedMore();
      notSure(cursor, 'a list or map without an end');
    }
    cursor.line++;
    cursor.lineStart = ++at;
    if (isMarker(bytes, at)) notSure(cursor, 'a document marker within a list or map');
  }
  if (at - cursor.lineStart <= parent && cursor.lineStart > cursor.pos) {
    notSure(cursor, 'a list or map that is not indented');
  }
  cursor.pos = at;
}
