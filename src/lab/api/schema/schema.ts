/**
 * The shape of a kind, for built-in kinds and for those of CRDs alike: the OpenAPI v3 subset of structural
 * schemas, with Kubernetes' extensions in plain names.
 */

export interface CelRule {
  readonly rule: string;
  readonly message?: string;
  readonly messageExpression?: string;
  readonly reason?: string;
  readonly fieldPath?: string;
}

export type SchemaType = 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';

export interface Schema {
  /** The name of a built-in type: `core.v1.Pod`. Absent for nested and CRD schemas. */
  readonly typeName?: string;
  /** Absent: any JSON value. */
  readonly type?: SchemaType;
  readonly format?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  /** Values of a map; `true` allows anything. */
  readonly additionalProperties?: Schema | boolean;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly nullable?: boolean;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: boolean;
  readonly exclusiveMaximum?: boolean;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly pattern?: string;
  readonly uniqueItems?: boolean;
  readonly oneOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly not?: Schema;
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-embedded-resource'?: boolean;
  readonly 'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-map-type'?: 'atomic' | 'granular';
  readonly 'x-kubernetes-patch-strategy'?: string;
  readonly 'x-kubernetes-patch-merge-key'?: string;
  readonly 'x-kubernetes-validations'?: readonly CelRule[];
  readonly description?: string;
  /** Built-in kinds, a field's default in OpenAPI is empty; for a struct that means that Go prints it as `{}`. */
  readonly goZero?: boolean;
  /** Built-in kinds: Go prints the field also when it is empty (no `omitempty`). */
  readonly goKeep?: boolean;
  /** Built-in kinds: a pointer in Go, so that `0`, `false` and `""` are values and not absence. */
  readonly goPointer?: boolean;
  /** Built-in kinds: the protobuf field numbers that lead to the field. */
  readonly wire?: readonly number[];
  /** Built-in kinds: a list that is a message of its own on the wire. */
  readonly wireWrapped?: boolean;
}

/** True where the schema says nothing about the value: unknown fields below it are kept. */
export function allowsAnything(schema: Schema): boolean {
  return (
    schema['x-kubernetes-preserve-unknown-fields'] === true ||
    (schema.type === undefined &&
      schema.properties === undefined &&
      schema['x-kubernetes-int-or-string'] !== true) ||
    (schema.type === 'object' &&
      schema.properties === undefined &&
      schema.additionalProperties === undefined &&
      schema.typeName !== undefined)
  );
}

/** @returns the schema of the values of a map, or undefined where the schema is no map. */
export function mapValues(schema: Schema): Schema | undefined {
  const values = schema.additionalProperties;
  return typeof values === 'object' ? values : values === true ? {} : undefined;
}
