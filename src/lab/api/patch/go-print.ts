/** JSON as Go's `%v` prints a decoded map: how the API server quotes a patch that it cannot read. */
import { isObject } from '../json.ts';

export function goPrint(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  if (Array.isArray(value)) return `[${value.map((item) => goPrint(item)).join(' ')}]`;
  if (!isObject(value)) return String(value);
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[${fields.map(([field, item]) => `${field}:${goPrint(item)}`).join(' ')}]`;
}
