/** Prints plain data as `kubectl get -o yaml` does: block style, sorted keys, lists at the column of their key. */
import { scalarOf } from '../src/sources/manifests/dialect.ts';

const needsQuotes = /^[\s>|@`"'%!&*?{}[\],#-]|^[^\w./-]|: |:$| #|[\s]$|[^\x20-\x7e]/;
const timestamp = /^\d{4}-\d{2}-\d{2}/;

/** One object as a document, without a marker line. */
export function printDocument(value: Readonly<Record<string, unknown>>): string {
  return printMap(value, '');
}

/** Objects as the items of one List, as kubectl prints several. */
export function* printList(objects: Iterable<Readonly<Record<string, unknown>>>): Generator<string> {
  yield 'apiVersion: v1\nitems:\n';
  for (const object of objects) yield `- ${printMap(object, '  ').slice(2)}`;
  yield 'kind: List\nmetadata:\n  resourceVersion: ""\n';
}

function printMap(map: Readonly<Record<string, unknown>>, indent: string): string {
  let text = '';
  for (const key of Object.keys(map).sort()) {
    const value = map[key];
    if (value !== undefined) text += `${indent}${printText(key, indent)}:${printValue(value, indent)}`;
  }
  return text;
}

/** What follows a key's colon. */
function printValue(value: unknown, indent: string): string {
  if (Array.isArray(value)) return value.length === 0 ? ' []\n' : `\n${printItems(value, indent)}`;
  if (isMap(value)) return Object.keys(value).length === 0 ? ' {}\n' : `\n${printMap(value, `${indent}  `)}`;
  return ` ${printScalar(value, `${indent}  `)}\n`;
}

function printItems(list: readonly unknown[], indent: string): string {
  let text = '';
  for (const item of list) {
    if (isMap(item) && Object.keys(item).length > 0) {
      text += `${indent}- ${printMap(item, `${indent}  `).slice(indent.length + 2)}`;
    } else if (Array.isArray(item) || isMap(item))
      text += `${indent}- ${Array.isArray(item) ? '[]' : '{}'}\n`;
    else text += `${indent}- ${printScalar(item, `${indent}  `)}\n`;
  }
  return text;
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function printScalar(value: unknown, indent: string): string {
  return typeof value === 'string' ? printText(value, indent) : JSON.stringify(value);
}

function printText(text: string, indent: string): string {
  if (text === '') return '""';
  if (text.includes('\n')) return printLines(text, indent);
  if (typeof scalarOf(text) !== 'string' || timestamp.test(text)) return `"${text}"`;
  if (!needsQuotes.test(text)) return text;
  return /[^\x20-\x7e]/.test(text) ? JSON.stringify(text) : `'${text.replaceAll("'", "''")}'`;
}

function printLines(text: string, indent: string): string {
  const chomp = text.endsWith('\n') ? '' : '-';
  const lines = text.replace(/\n$/, '').split('\n');
  return `|${chomp}\n${lines.map((line) => (line === '' ? '' : indent + line)).join('\n')}`;
}
