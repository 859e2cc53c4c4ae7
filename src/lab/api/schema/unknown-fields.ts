/** Unknown fields: found for `fieldValidation=Strict` and `Warn`, and pruned before storing. */
import { isObject, type JsonObject } from '../json.ts';
import { allowsAnything, mapValues, type Schema } from './schema.ts';

/** Paths of the fields that the schema does not know: `spec.foo`, `spec.containers[0].imagee`. */
export function unknownFields(value: unknown, schema: Schema, path = ''): readonly string[] {
  const found: string[] = [];
  walk(value, schema, path, (_owner, _field, at) => found.push(at));
  return found;
}

/** Removes what the schema does not know, in place. */
export function pruneUnknown(value: unknown, schema: Schema): void {
  walk(value, schema, '', (owner, field) => {
    delete owner[field];
  });
}

type Visit = (owner: JsonObject, field: string, path: string) => void;

function walk(value: unknown, schema: Schema, path: string, visit: Visit): void {
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items === undefined) return;
    value.forEach((item: unknown, index) => {
      walk(item, items, `${path}[${index}]`, visit);
    });
    return;
  }
  if (!isObject(value)) return;
  const values = mapValues(schema);
  const keepsUnknown = allowsAnything(schema) || schema['x-kubernetes-int-or-string'] === true;
  for (const [field, item] of Object.entries(value)) {
    const at = path === '' ? field : `${path}.${field}`;
    const known = ownProperty(schema.properties, field) ?? values;
    if (known !== undefined) walk(item, known, at, visit);
    else if (!keepsUnknown && (path !== '' || !isTypeField(field))) visit(value, field, at);
  }
}

function isTypeField(field: string): boolean {
  return field === 'apiVersion' || field === 'kind' || field === 'metadata';
}

/** Fields are data: one that is called `constructor` must not find what every object has. */
export function ownProperty<T>(
  record: Readonly<Record<string, T>> | undefined,
  field: string,
): T | undefined {
  return record !== undefined && Object.hasOwn(record, field) ? record[field] : undefined;
}
