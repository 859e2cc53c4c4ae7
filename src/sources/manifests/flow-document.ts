/** A document in flow style, JSON as a rule, entry by entry, and the items of a list one by one. */
import { finishLine } from './block/cursor.ts';
import { addField } from './block/fields.ts';
import {
  CLOSE_LIST,
  CLOSE_MAP,
  nextEntry,
  OPEN_LIST,
  OPEN_MAP,
  readFlow,
  readFlowKey,
  readFlowNode,
  skipFlowSpace,
} from './block/flow.ts';
import { checkedItem } from './block-document.ts';
import { everything, type FieldFilter } from './fields.ts';
import type { Window } from './window.ts';

/** No indentation is asked for at the top of a document. */
const top = -1;

export function readFlowDocument(window: Window, filter: FieldFilter): unknown {
  const { cursor } = window;
  const value =
    cursor.bytes[cursor.pos] === OPEN_MAP
      ? readMap(window, filter)
      : window.unit(() => readFlow(cursor, top, filter));
  window.unit(() => finishLine(cursor));
  return value;
}

function readMap(window: Window, filter: FieldFilter): Record<string, unknown> {
  const { cursor } = window;
  const object: Record<string, unknown> = {};
  let chosen = filter;
  cursor.pos++;
  cursor.depth++;
  while (!window.unit(() => closes(window, CLOSE_MAP))) {
    const key = window.unit(() => keyAndSpace(window));
    const below = chosen.of(key);
    if (key === 'items' && chosen.isObject && cursor.bytes[cursor.pos] === OPEN_LIST) {
      addField(cursor, object, key, readItems(window, chosen));
    } else {
      cursor.keep = below !== undefined;
      const value = window.unit(() => readFlowNode(cursor, top, below ?? everything));
      if (cursor.keep) {
        addField(cursor, object, key, value);
        chosen = chosen.given(key, value);
      }
      cursor.keep = true;
    }
    if (window.unit(() => nextEntry(cursor, top, CLOSE_MAP))) break;
  }
  cursor.pos++;
  cursor.depth--;
  return object;
}

function readItems(window: Window, filter: FieldFilter): readonly unknown[] {
  const { cursor } = window;
  const items: unknown[] = [];
  cursor.pos++;
  cursor.depth++;
  while (!window.unit(() => closes(window, CLOSE_LIST))) {
    cursor.itemLines.push(cursor.line);
    items.push(
      checkedItem(
        window.unit(() => readFlowNode(cursor, top, filter)),
        cursor,
      ),
    );
    if (window.unit(() => nextEntry(cursor, top, CLOSE_LIST))) break;
  }
  cursor.pos++;
  cursor.depth--;
  return items;
}

/** Whether nothing but the closing bracket follows. */
function closes({ cursor }: Window, bracket: number): boolean {
  skipFlowSpace(cursor, top);
  return cursor.bytes[cursor.pos] === bracket;
}

function keyAndSpace({ cursor }: Window): string {
  const key = readFlowKey(cursor);
  skipFlowSpace(cursor, top);
  return key;
}
