/** Fields that Go prints even when nobody set them: `resources: {}`, `strategy: {}`, `status: {}`, `replicas: 0`. */
import { isObject, type JsonObject } from '../json.ts';
import { mapValues, type Schema } from './schema.ts';
import { ownProperty } from './unknown-fields.ts';

/** Fills them in, in place, wherever an object of a built-in type stands. */
export function fillZeros(value: unknown, schema: Schema): void {
  if (Array.isArray(value)) {
    for (const item of value) if (schema.items !== undefined) fillZeros(item, schema.items);
    return;
  }
  if (!isObject(value)) return;
  for (const [field, property] of Object.entries(schema.properties ?? {})) {
    if (property.goZero === true && (value[field] === undefined || value[field] === null))
      value[field] = zeroOf(property);
  }
  const values = mapValues(schema);
  for (const [field, item] of Object.entries(value)) {
    const known = ownProperty(schema.properties, field) ?? values;
    if (known !== undefined && typeof item === 'object') fillZeros(item, known);
  }
}

function zeroOf(schema: Schema): unknown {
  switch (schema.type) {
    case 'string':
      return '';
    case 'integer':
    case 'number':
      return 0;
    case 'boolean':
      return false;
    default:
      return schema['x-kubernetes-int-or-string'] === true ? 0 : {};
  }
}

/** An object of the type with nothing set: what a new object is compared with, to know who set what. */
export function emptyObject(apiVersion: string, kind: string, schema: Schema, custom: boolean): JsonObject {
  const object: JsonObject = { apiVersion, kind };
  if (!custom) fillZeros(object, schema);
  return object;
}
