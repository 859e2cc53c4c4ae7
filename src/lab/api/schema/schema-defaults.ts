/** Defaulting of custom resources from the `default` values in their CRD's schema. */
import { cloneJson, isObject } from '../json.ts';
import { mapValues, type Schema } from './schema.ts';

/** Fills in defaults, in place; also removes nulls where the schema allows no null but has a default. */
export function applyDefaults(value: unknown, schema: Schema): void {
  if (Array.isArray(value)) {
    for (const item of value) if (schema.items !== undefined) applyDefaults(item, schema.items);
    return;
  }
  if (!isObject(value)) return;
  for (const [field, property] of Object.entries(schema.properties ?? {})) {
    if (value[field] === null && property.nullable !== true && property.default !== undefined)
      delete value[field];
    if (value[field] === undefined && property.default !== undefined && property.typeName === undefined) {
      value[field] = cloneJson(property.default);
    }
    if (value[field] !== undefined && property.typeName === undefined) applyDefaults(value[field], property);
  }
  const values = mapValues(schema);
  if (values === undefined) return;
  for (const [field, item] of Object.entries(value)) {
    if (schema.properties === undefined || !Object.hasOwn(schema.properties, field))
      applyDefaults(item, values);
  }
}
