/**
 * How a value is taken apart for ownership: a map of fields, a list with keys, or a leaf that is owned whole.
 * Lists are leaves unless the schema says `map` or `set`; maps are taken apart unless it says `atomic`.
 */
import { isObject } from '../json.ts';
import type { Schema } from '../schema/schema.ts';

export type Structure = 'map' | 'list' | 'leaf';

export function structureOf(value: unknown, schema: Schema): Structure {
  if (isObject(value)) return schema['x-kubernetes-map-type'] === 'atomic' ? 'leaf' : 'map';
  if (!Array.isArray(value)) return 'leaf';
  const type = schema['x-kubernetes-list-type'];
  return type === 'map' || type === 'set' ? 'list' : 'leaf';
}

/** Both sides of a comparison or merge; an absent side takes the form of the other. */
export function commonStructure(left: unknown, right: unknown, schema: Schema): Structure {
  if (left === undefined || left === null) return structureOf(right, schema);
  if (right === undefined || right === null) return structureOf(left, schema);
  const structure = structureOf(left, schema);
  return structure === structureOf(right, schema) ? structure : 'leaf';
}

export function isBlank(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (Array.isArray(value)) return value.length === 0;
  return isObject(value) && Object.keys(value).length === 0;
}
