/**
 * What Go makes of empty values when it prints an object of a built-in kind: structs stand as `{}`, fields
 * without `omitempty` as `""`, `0`, `false` or `null`, and every other empty value is left out.
 */
import { isObject, type JsonObject } from '../json.ts';
import { canonicalQuantity } from '../kinds/quantity.ts';
import { mapValues, type Schema } from './schema.ts';
import { ownProperty } from './unknown-fields.ts';

/** Brings an object into the form in which Go would print it, in place. */
export function asGoPrints(value: unknown, schema: Schema): void {
  if (Array.isArray(value)) {
    for (const item of value) if (schema.items !== undefined) asGoPrints(item, schema.items);
    return;
  }
  if (!isObject(value)) return;
  const values = mapValues(schema);
  if (values?.format === 'quantity') {
    for (const [name, item] of Object.entries(value)) value[name] = canonicalQuantity(item);
  } else if (values !== undefined) {
    for (const item of Object.values(value)) asGoPrints(item, values);
  }
  for (const [field, item] of Object.entries(value)) {
    const property = ownProperty(schema.properties, field);
    if (property === undefined) continue;
    if (property.format === 'quantity') value[field] = canonicalQuantity(item);
    else if (isEmptyInGo(item, property)) delete value[field];
    else asGoPrints(item, property);
  }
  fillZeros(value, schema);
}

/** Absent in Go's eyes: an empty string, number, list or map that is no pointer. */
function isEmptyInGo(value: unknown, schema: Schema): boolean {
  if (value === null || value === undefined) return true;
  if (schema.goKeep === true) return false;
  if (Array.isArray(value)) return value.length === 0;
  if (isObject(value)) return mapValues(schema) !== undefined && Object.keys(value).length === 0;
  return schema.goPointer !== true && (value === '' || value === 0 || value === false);
}

function fillZeros(object: JsonObject, schema: Schema): void {
  for (const [field, property] of Object.entries(schema.properties ?? {})) {
    if (object[field] !== undefined) continue;
    const isStruct =
      property.goZero === true && property.type === 'object' && property.typeName !== undefined;
    if (isStruct) {
      const made: JsonObject = {};
      object[field] = made;
      fillZeros(made, property);
    } else if (property.goKeep === true && property.goPointer !== true) object[field] = zeroOf(property);
  }
}

function zeroOf(schema: Schema): unknown {
  switch (schema.type) {
    case 'string':
      return schema.format === 'date-time' ? null : '';
    case 'integer':
    case 'number':
      return 0;
    case 'boolean':
      return false;
    default:
      return schema['x-kubernetes-int-or-string'] === true ? 0 : null;
  }
}

/** An object of the type with nothing set: what a new object is compared with, to know who set what. */
export function emptyObject(apiVersion: string, kind: string, schema: Schema, custom: boolean): JsonObject {
  const object: JsonObject = { apiVersion, kind };
  if (!custom) fillZeros(object, schema);
  return object;
}
