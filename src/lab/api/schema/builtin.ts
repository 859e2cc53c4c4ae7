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
  for (const attribute of attributes) {
    const at = attribute.indexOf('=');
    const key = at === -1 ? attribute : attribute.slice(0, at);
    const value = at === -1 ? '' : attribute.slice(at + 1);
    if (key === 'keys') {
      extra['x-kubernetes-list-type'] = 'map';
      extra['x-kubernetes-list-map-keys'] = value.split(',');
    } else if (key === 'list') extra['x-kubernetes-list-type'] = value;
    else if (key === 'zero') extra.goZero = true;
    else if (key === 'atomic') extra['x-kubernetes-map-type'] = 'atomic';
    else if (key === 'patch') extra['x-kubernetes-patch-strategy'] = value;
    else if (key === 'key') extra['x-kubernetes-patch-merge-key'] = value;
    else if (key === 'default') extra.default = JSON.parse(value);
  }
  if (Object.keys(extra).length === 0) return schema;
  // A getter must stay a getter: spreading would unfold the type now.
  return Object.defineProperties({ ...extra }, Object.getOwnPropertyDescriptors(schema));
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
