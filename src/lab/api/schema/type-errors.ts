/** Values of the wrong type in built-in kinds, refused as Go's JSON decoder refuses them. */
import { isObject } from '../json.ts';
import { parseQuantity, quantityPatternMessage } from '../kinds/quantity.ts';
import { mapValues, type Schema } from './schema.ts';
import { ownProperty } from './unknown-fields.ts';

/** @returns the decoder's sentence about the first wrong value, or undefined where all fit. */
export function findTypeError(value: unknown, schema: Schema): string | undefined {
  return walk(value, schema, '', goName(schema));
}

function goName(schema: Schema): string {
  return schema.typeName?.split('.').at(-1) ?? '';
}

function walk(value: unknown, schema: Schema, path: string, owner: string): string | undefined {
  if (value === null || value === undefined) return undefined;
  if (schema.format === 'quantity') return walkQuantity(value);
  if (!fits(value, schema)) {
    return `json: cannot unmarshal ${jsonWord(value)} into Go struct field ${owner}.${path} of type ${goType(schema)}`;
  }
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items === undefined) return undefined;
    for (const item of value) {
      const found = walk(item, items, path, goName(items) === '' ? owner : goName(items));
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (!isObject(value)) return undefined;
  const values = mapValues(schema);
  const name = goName(schema) === '' ? owner : goName(schema);
  for (const [field, item] of Object.entries(value)) {
    const known = ownProperty(schema.properties, field) ?? values;
    const at = values !== undefined && known === values ? path : path === '' ? field : `${path}.${field}`;
    const found = known === undefined ? undefined : walk(item, known, at, name);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A quantity that cannot be read is refused by its own decoder, in its own words. */
function walkQuantity(value: unknown): string | undefined {
  return parseQuantity(value) === undefined ? quantityPatternMessage : undefined;
}

function fits(value: unknown, schema: Schema): boolean {
  if (schema['x-kubernetes-int-or-string'] === true)
    return typeof value === 'string' || typeof value === 'number';
  switch (schema.type) {
    case undefined:
      return true;
    case 'object':
      return isObject(value);
    case 'array':
      return Array.isArray(value);
    case 'integer':
      return Number.isInteger(value);
    default:
      return typeof value === schema.type;
  }
}

function jsonWord(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number') return Number.isInteger(value) ? 'number' : `number ${value}`;
  return typeof value;
}

function goType(schema: Schema): string {
  switch (schema.type) {
    case 'integer':
      return schema.format ?? 'int64';
    case 'number':
      return 'float64';
    case 'boolean':
      return 'bool';
    case 'array':
      return `[]${goType(schema.items ?? {})}`;
    case 'object': {
      const values = mapValues(schema);
      if (values !== undefined) return `map[string]${goType(values)}`;
      const [group = '', version = ''] = schema.typeName?.split('.') ?? [];
      return `${group === 'meta' ? '' : version}.${goName(schema)}`.replace(/^\./, 'v1.');
    }
    default:
      return schema.type ?? 'interface {}';
  }
}
