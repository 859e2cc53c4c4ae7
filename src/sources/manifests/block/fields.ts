/** Adds fields to an object that is being read. */
import { setField } from '../fields.ts';
import { type Cursor, notSure } from './cursor.ts';

/** A field that is there already is not sure: the library says where it stands. */
export function addField(
  cursor: Cursor,
  object: Record<string, unknown>,
  field: string,
  value: unknown,
): void {
  if (object[field] !== undefined && Object.hasOwn(object, field)) notSure(cursor, `the key ${field} twice`);
  if (field === '__proto__') setField(object, field, value);
  else object[field] = value;
}
