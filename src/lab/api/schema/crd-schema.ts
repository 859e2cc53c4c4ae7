/** The border where the schema inside a CRD becomes a Schema: apiVersion, kind and metadata are added as every object has them. */
import { isObject, type JsonObject } from '../json.ts';
import { builtinSchema } from './builtin.ts';
import type { Schema } from './schema.ts';

const cache = new WeakMap<JsonObject, Schema>();

/** @returns the schema of the whole custom object. CRDs that give none keep every field. */
export function crdSchema(raw: unknown): Schema {
  if (!isObject(raw)) return { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  const present = cache.get(raw);
  if (present !== undefined) return present;
  // A structural schema is written in the words that Schema reads; what it does not know it ignores.
  const written = raw as Schema;
  const schema: Schema = {
    ...written,
    type: 'object',
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      ...written.properties,
      metadata: builtinSchema('meta.ObjectMeta') ?? { type: 'object' },
    },
  };
  cache.set(raw, schema);
  return schema;
}
