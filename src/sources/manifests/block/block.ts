/**
 * The block reader: YAML in block style as kubectl, kustomize and helm print it. It knows a subset of YAML 1.2 and says
 * `NotSure` for everything else (anchors, tags, folded text, complex keys, odd indentation, ...), so that what it does
 * read is what the `yaml` library would have read; a property test holds the two together.
 */
import { everything, type FieldFilter } from '../fields.ts';
import { LITERAL, readBlockScalar } from './block-scalar.ts';
import {
  COLON,
  type Cursor,
  DASH,
  endOfComment,
  enter,
  finishLine,
  HASH,
  isBlank,
  NEWLINE,
  nextContentLine,
  notSure,
  SPACE,
  skipSpaces,
} from './cursor.ts';
import { addField } from './fields.ts';
import { isFlow, readFlow } from './flow.ts';
import { KEY, plainKey, readPlain, scanPlain, startsPlain } from './plain.ts';
import { isQuote, readQuoted } from './quoted.ts';

/** Whether the cursor stands on the dash of a list item. */
export function atDash(cursor: Cursor): boolean {
  return cursor.bytes[cursor.pos] === DASH && isBlank(cursor.bytes[cursor.pos + 1]);
}

/**
 * Reads the value that the cursor stands on, at column `cursor.indent`, and moves on to the next content after it.
 * @param parent indentation of the collection that holds it
 */
export function readNode(cursor: Cursor, parent: number, filter: FieldFilter): unknown {
  const { bytes } = cursor;
  const byte = bytes[cursor.pos];
  if (byte === DASH && isBlank(bytes[cursor.pos + 1])) return readList(cursor, filter);
  if (isFlow(byte)) {
    const value = readFlow(cursor, parent, filter);
    finishLine(cursor);
    return value;
  }
  if (byte === LITERAL) return readBlockScalar(cursor, parent);
  const start = cursor.pos;
  if (readsKey(cursor)) {
    cursor.pos = start;
    return readMap(cursor, filter);
  }
  cursor.pos = start;
  return readScalar(cursor, parent);
}

/** Whether a key with its colon stands here; moves the cursor. */
function readsKey(cursor: Cursor): boolean {
  const { bytes } = cursor;
  if (!isQuote(bytes[cursor.pos])) {
    if (!startsPlain(cursor)) notSure(cursor, 'an unusual start of a value');
    return scanPlain(cursor) === KEY;
  }
  const quote = bytes[cursor.pos];
  // Only a look: a quoted key is short and on one line, and a quoted value is read in full afterwards.
  for (let at = cursor.pos + 1; ; at++) {
    const byte = bytes[at];
    if (byte === NEWLINE) return false;
    if (byte === 0x5c && quote === 0x22) {
      if (bytes[at + 1] === NEWLINE) return false;
      at++;
    } else if (byte === quote) {
      if (quote === 0x27 && bytes[at + 1] === quote) {
        at++;
        continue;
      }
      at++;
      while (bytes[at] === SPACE) at++;
      return bytes[at] === COLON && isBlank(bytes[at + 1]);
    }
  }
}

function readScalar(cursor: Cursor, parent: number): unknown {
  if (!isQuote(cursor.bytes[cursor.pos])) return readPlain(cursor, parent);
  const text = readQuoted(cursor, parent);
  finishLine(cursor);
  return text;
}

/** A map whose first key the cursor stands on; its other keys are at the same column. */
function readMap(cursor: Cursor, filter: FieldFilter): Record<string, unknown> {
  enter(cursor);
  const { indent } = cursor;
  const object: Record<string, unknown> = {};
  let chosen = filter;
  do {
    chosen = readEntry(cursor, object, chosen);
  } while (continues(cursor, indent));
  cursor.depth--;
  return object;
}

/** Whether the next content is one more entry at `indent`; content further right belongs to nothing. */
function continues(cursor: Cursor, indent: number): boolean {
  if (cursor.indent < indent) return false;
  if (cursor.indent > indent || atDash(cursor)) notSure(cursor, 'odd indentation');
  return true;
}

/** One key and its value, added to the object unless nobody asks for it. @returns the filter for the fields after it */
export function readEntry(cursor: Cursor, object: Record<string, unknown>, filter: FieldFilter): FieldFilter {
  const { indent } = cursor;
  const key = readKey(cursor);
  const below = filter.of(key);
  if (!cursor.keep) {
    readValue(cursor, indent, everything);
    return filter;
  }
  if (below === undefined) {
    cursor.keep = false;
    readValue(cursor, indent, everything);
    cursor.keep = true;
    return filter;
  }
  const value = readValue(cursor, indent, below);
  addField(cursor, object, key, value);
  return filter.given(key, value);
}

/** Reads a key and leaves the cursor after its colon. */
export function readKey(cursor: Cursor): string {
  const { bytes } = cursor;
  const start = cursor.pos;
  let key: string;
  if (isQuote(bytes[start])) {
    const kept = cursor.keep;
    cursor.keep = true;
    key = readQuoted(cursor, undefined);
    cursor.keep = kept;
    if (cursor.pos - start > 1000) notSure(cursor, 'a very long key');
    skipSpaces(cursor);
    if (bytes[cursor.pos] !== COLON || !isBlank(bytes[cursor.pos + 1]))
      notSure(cursor, 'a key without its colon');
  } else {
    if (!startsPlain(cursor) || scanPlain(cursor) !== KEY) notSure(cursor, 'a line without a key');
    key = plainKey(cursor, start);
  }
  cursor.pos++;
  return key;
}

/** The value after a key's colon: on the same line, or indented below it, or null. */
export function readValue(cursor: Cursor, indent: number, filter: FieldFilter): unknown {
  const { bytes } = cursor;
  const start = cursor.pos;
  skipSpaces(cursor);
  const byte = bytes[cursor.pos];
  if (byte === NEWLINE || (byte === HASH && cursor.pos > start)) {
    if (byte === HASH) cursor.pos = endOfComment(cursor, cursor.pos);
    nextContentLine(cursor);
    if (cursor.indent > indent) return readNode(cursor, indent, filter);
    // A list may stand at the column of its key.
    return cursor.indent === indent && atDash(cursor) ? readList(cursor, filter) : null;
  }
  if (isFlow(byte)) {
    const value = readFlow(cursor, indent, filter);
    finishLine(cursor);
    return value;
  }
  if (byte === LITERAL) return readBlockScalar(cursor, indent);
  if (!isQuote(byte) && !startsPlain(cursor)) notSure(cursor, 'an unusual start of a value');
  return readScalar(cursor, indent);
}

/** A list whose first dash the cursor stands on; its other dashes are at the same column. */
function readList(cursor: Cursor, filter: FieldFilter): readonly unknown[] {
  enter(cursor);
  const { indent } = cursor;
  const list: unknown[] = [];
  do {
    const item = readItem(cursor, indent, filter);
    if (cursor.keep) list.push(item);
  } while (cursor.indent === indent && atDash(cursor));
  if (cursor.indent > indent) notSure(cursor, 'odd indentation');
  cursor.depth--;
  return list;
}

/** The value after a dash at column `indent`. */
export function readItem(cursor: Cursor, indent: number, filter: FieldFilter): unknown {
  const { bytes } = cursor;
  cursor.pos++;
  skipSpaces(cursor);
  const byte = bytes[cursor.pos];
  if (byte === NEWLINE || byte === HASH) {
    if (byte === HASH) cursor.pos = endOfComment(cursor, cursor.pos);
    nextContentLine(cursor);
    return cursor.indent > indent ? readNode(cursor, indent, filter) : null;
  }
  cursor.indent = cursor.pos - cursor.lineStart;
  return readNode(cursor, indent, filter);
}
