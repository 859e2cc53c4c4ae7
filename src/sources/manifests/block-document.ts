/** A document in block style, entry by entry, and the items of a list one by one: what was read need not stay in memory as text. */
import { isFields } from '../../istio/fields.ts';
import { atDash, readEntry, readItem, readKey } from './block/block.ts';
import {
  type Cursor,
  NEWLINE,
  NotSure,
  nextContentLine,
  notSure,
  Refused,
  skipSpaces,
} from './block/cursor.ts';
import { addField } from './block/fields.ts';
import type { FieldFilter } from './fields.ts';
import type { Window } from './window.ts';

/** Reads an item by other means: the text from `start` to `end`, whose first line is `line`. */
export type ReadItemText = (start: number, end: number, line: number, reason: NotSure) => unknown;

/** @throws NotSure outside of list items */
export function readBlockDocument(
  window: Window,
  filter: FieldFilter,
  otherwise: ReadItemText,
): Record<string, unknown> {
  const { cursor } = window;
  const { indent } = cursor;
  const object: Record<string, unknown> = {};
  let chosen = filter;
  if (atDash(cursor)) notSure(cursor, 'a list as the whole document');
  do {
    if (chosen.isObject && window.unit(() => atItems(window))) {
      addField(cursor, object, 'items', readItems(window, chosen, otherwise));
    } else chosen = window.unit(() => readEntry(cursor, object, chosen));
    if (cursor.indent > indent || (cursor.indent === indent && atDash(cursor))) {
      notSure(cursor, 'odd indentation');
    }
  } while (cursor.indent === indent);
  return object;
}

/** Whether the next entry is a list called `items`; then moves to its first dash, else stays. */
function atItems({ cursor }: Window): boolean {
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

function readItems(window: Window, filter: FieldFilter, otherwise: ReadItemText): readonly unknown[] {
  const { cursor } = window;
  const { indent } = cursor;
  const items: unknown[] = [];
  cursor.depth = 1;
  do {
    cursor.itemLines.push(cursor.line);
    items.push(
      checkedItem(
        window.unit(() => readOne(window, indent, filter, otherwise)),
        cursor,
      ),
    );
  } while (cursor.indent === indent && atDash(cursor));
  cursor.depth = 0;
  return items;
}

/** Refuses items that are no objects at the first one: a list of millions of them need not be read. */
export function checkedItem(item: unknown, { itemLines }: Cursor): unknown {
  if (isFields(item)) return item;
  throw new Refused('an item of this list is no Kubernetes object', itemLines.at(-1) ?? 1);
}

function readOne(window: Window, indent: number, filter: FieldFilter, otherwise: ReadItemText): unknown {
  const { cursor } = window;
  const { line, lineStart, depth } = cursor;
  try {
    return readItem(cursor, indent, filter);
  } catch (thrown) {
    if (!(thrown instanceof NotSure)) throw thrown;
    cursor.pos = lineStart - 1;
    cursor.line = line - 1;
    cursor.depth = depth;
    cursor.keep = true;
    skipItem(window, indent);
    return otherwise(lineStart, cursor.lineStart, line, thrown);
  }
}

/** To the content after an item: nothing of an item is as far left as its dash. */
function skipItem({ cursor }: Window, indent: number): void {
  nextContentLine(cursor);
  do {
    cursor.pos = cursor.bytes.indexOf(NEWLINE, cursor.pos);
    nextContentLine(cursor);
  } while (cursor.indent > indent);
}
