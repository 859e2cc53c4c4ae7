/** Schemas as OpenAPI v3 documents show them: built-in types by reference, custom ones written out. */
import { builtinSchema } from '../schema/builtin.ts';
import type { Schema } from '../schema/schema.ts';
import { describeType } from './descriptions.ts';
import { openApiName } from './type-names.ts';

type Json = Record<string, unknown>;

/** The components of one document; types are added as they are referred to. */
export class Components {
  readonly #schemas = new Map<string, Json>();

  /** @returns a reference to a built-in type, which is put into the document with all it needs. */
  refer(typeName: string): Json {
    const name = openApiName(typeName);
    if (!this.#schemas.has(name)) {
      const made: Json = {};
      this.#schemas.set(name, made);
      const schema = builtinSchema(typeName);
      if (schema !== undefined) Object.assign(made, this.#builtin(typeName, schema));
    }
    return { $ref: `#/components/schemas/${name}` };
  }

  /** Puts the kind of a resource into the document under its own name, and says whose it is. */
  addKind(name: string, schema: Schema, groupVersionKind: Json): void {
    if (schema.typeName !== undefined) {
      this.refer(schema.typeName);
      const made = this.#schemas.get(openApiName(schema.typeName));
      if (made !== undefined) made['x-kubernetes-group-version-kind'] = [groupVersionKind];
      return;
    }
    this.#schemas.set(name, { ...this.write(schema), 'x-kubernetes-group-version-kind': [groupVersionKind] });
  }

  toJSON(): Json {
    return Object.fromEntries([...this.#schemas].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  #builtin(typeName: string, schema: Schema): Json {
    const { type: description, fields } = describeType(typeName);
    const properties = Object.entries(schema.properties ?? {}).map(([field, property]) => {
      const text = fields.get(field);
      return [field, { ...this.write(property), ...(text === undefined ? {} : { description: text }) }];
    });
    return {
      ...(description === '' ? {} : { description }),
      ...scalarOf(schema),
      ...(schema.properties === undefined ? {} : { properties: Object.fromEntries(properties) }),
      ...(schema.required === undefined ? {} : { required: schema.required }),
      ...extensionsOf(schema),
    };
  }

  /** @returns a schema in place; built-in types below it become references. */
  write(schema: Schema): Json {
    if (schema.typeName !== undefined) {
      const reference = this.refer(schema.typeName);
      const rest = { ...defaultOf(schema), ...extensionsOf(schema) };
      return Object.keys(rest).length === 0 ? reference : { allOf: [reference], ...rest };
    }
    const properties = Object.entries(schema.properties ?? {}).map(([field, one]) => [
      field,
      this.write(one),
    ]);
    const values = schema.additionalProperties;
    return {
      ...scalarOf(schema),
      ...(properties.length === 0 ? {} : { properties: Object.fromEntries(properties) }),
      ...(schema.required === undefined ? {} : { required: schema.required }),
      ...(schema.items === undefined ? {} : { items: this.write(schema.items) }),
      ...(values === undefined
        ? {}
        : { additionalProperties: typeof values === 'object' ? this.write(values) : values }),
      ...defaultOf(schema),
      ...extensionsOf(schema),
    };
  }
}

const scalarFields = [
  'type',
  'format',
  'enum',
  'nullable',
  'minimum',
  'maximum',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'minProperties',
  'maxProperties',
  'pattern',
  'oneOf',
  'anyOf',
  'allOf',
  'not',
  'description',
] as const;

function scalarOf(schema: Schema): Json {
  if (schema.typeName !== undefined && schema['x-kubernetes-int-or-string'] === true) {
    return {
      oneOf: [{ type: 'integer' }, { type: 'string' }],
      ...(schema.format === 'quantity' ? {} : { format: 'int-or-string' }),
    };
  }
  const kept: Json = {};
  for (const field of scalarFields) if (schema[field] !== undefined) kept[field] = schema[field];
  return kept;
}

function defaultOf(schema: Schema): Json {
  if (schema.default !== undefined) return { default: schema.default };
  if (schema.goZero !== true) return {};
  const zeros: Readonly<Record<string, unknown>> = { string: '', integer: 0, number: 0, boolean: false };
  return { default: zeros[schema.type ?? ''] ?? {} };
}

const extensions = [
  'x-kubernetes-int-or-string',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-embedded-resource',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-map-type',
  'x-kubernetes-patch-strategy',
  'x-kubernetes-patch-merge-key',
  'x-kubernetes-validations',
] as const;

function extensionsOf(schema: Schema): Json {
  const kept: Json = {};
  for (const name of extensions) {
    if (
      schema[name] !== undefined &&
      !(name === 'x-kubernetes-int-or-string' && schema.typeName !== undefined)
    ) {
      kept[name] = schema[name];
    }
  }
  return kept;
}
