/** Schemas of the built-in kinds, unfolded on first use from the compact data in `kubernetes.json` (made by scripts/kubernetes-schemas.ts). */
import data from './kubernetes.json' with { type: 'json' };
import type { Schema, SchemaType } from './schema.ts';

type Compact = string | { readonly fields: Readonly<Record<string, string>>; readonly atomic?: boolean };

const types: ReadonlyMap<string, Compact> = new Map(Object.entries<Compact>(data.types));
const unfolded = new Map<string, Schema>();

/** The Kubernetes release whose API the data describes: `v1.36`. */
export const kubernetesVersion = data.version;

/** @returns the schema of a built-in type such as `core.v1.Pod`, or undefined where there is none. */
export function builtinSchema(typeName: string): Schema | undefined {
  const present = unfolded.get(typeName);
  if (present !== undefined) return present;
  const compact = types.get(typeName);
  if (compact === undefined) return undefined;
  const schema = typeof compact === 'string' ? scalar(typeName, compact) : structure(typeName, compact);
  unfolded.set(typeName, schema);
  return schema;
}

function scalar(typeName: string, word: string): Schema {
  if (word === 'integer|string') return { typeName, 'x-kubernetes-int-or-string': true };
  if (word === 'string|number') return { typeName, 'x-kubernetes-int-or-string': true, format: 'quantity' };
  return { typeName, ...typeOfWord(word) };
}

/** Fields are unfolded when they are first looked at: the types refer to each other, some in a circle. */
function structure(typeName: string, compact: Exclude<Compact, string>): Schema {
  let properties: Record<string, Schema> | undefined;
  const required = Object.entries(compact.fields)
    .filter(([, line]) => line.split(' ').includes('required'))
    .map(([name]) => name);
  return {
    typeName,
    type: 'object',
    ...(required.length === 0 ? {} : { required }),
    ...(compact.atomic === true ? { 'x-kubernetes-map-type': 'atomic' } : {}),
    get properties() {
      properties ??= Object.fromEntries(
        Object.entries(compact.fields).map(([name, line]) => [name, field(line)]),
      );
      return properties;
    },
  };
}

/** One line of the data: a type word, then attributes. */
function field(line: string): Schema {
  const [word = 'any', ...attributes] = line.split(' ');
  const schema = typeOfWord(word);
  const extra: Record<string, unknown> = {};
  for (const attribute of attributes) Object.assign(extra, attributeOf(attribute));
  if (Object.keys(extra).length === 0) return schema;
  // A getter must stay a getter: spreading would unfold the type now.
  return Object.defineProperties({ ...extra }, Object.getOwnPropertyDescriptors(schema));
}

const flags: Readonly<Record<string, Schema>> = {
  atomic: { 'x-kubernetes-map-type': 'atomic' },
  zero: { goZero: true },
  keep: { goKeep: true },
  ptr: { goPointer: true },
  wrapped: { wireWrapped: true },
};

/** One word of a field's line: see scripts/kubernetes-schemas.ts, which writes them. */
function attributeOf(attribute: string): Record<string, unknown> {
  if (attribute.startsWith('#')) return { wire: attribute.slice(1).split('.').map(Number) };
  const at = attribute.indexOf('=');
  if (at === -1) return { ...flags[attribute] };
  const value = attribute.slice(at + 1);
  switch (attribute.slice(0, at)) {
    case 'keys':
      return { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': value.split(',') };
    case 'list':
      return { 'x-kubernetes-list-type': value };
    case 'patch':
      return { 'x-kubernetes-patch-strategy': value };
    case 'key':
      return { 'x-kubernetes-patch-merge-key': value };
    case 'default':
      return { default: JSON.parse(value) };
    default:
      return {};
  }
}

function typeOfWord(word: string): Schema {
  if (word.startsWith('$')) {
    const typeName = word.slice(1);
    const schema = builtinSchema(typeName);
    if (schema === undefined)
      throw new Error(`kubernetes.json names a type that it does not have: ${typeName}`);
    return schema;
  }
  if (word.startsWith('[')) return { type: 'array', items: typeOfWord(word.slice(1)) };
  if (word.startsWith('{')) return { type: 'object', additionalProperties: typeOfWord(word.slice(1)) };
  const [type = 'any', format] = word.split(':');
  if (!isSchemaType(type)) return {};
  return { type, ...(format === undefined ? {} : { format }) };
}

function isSchemaType(word: string): word is SchemaType {
  return ['object', 'array', 'string', 'integer', 'number', 'boolean'].includes(word);
}

/** The names of all types that the data has. */
export function builtinTypeNames(): readonly string[] {
  return [...types.keys()];
}
