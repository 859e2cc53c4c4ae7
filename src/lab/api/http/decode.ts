/** The border where a body becomes an object: JSON or YAML, of the right kind, with its unknown fields named. */
import { isObject, type JsonObject, stringAt } from '../json.ts';
import { formatApiVersion, parseApiVersion } from '../registry/registry.ts';
import type { Schema } from '../schema/schema.ts';
import { findTypeError } from '../schema/type-errors.ts';
import { unknownFields } from '../schema/unknown-fields.ts';
import { badRequest } from '../status.ts';
import { type JsonFields, jsonFields, jsonMistake } from './go-json.ts';
import { contentType, unsupportedMediaType } from './negotiate.ts';
import { decodeProtobuf } from './protobuf.ts';
import { readYaml } from './yaml-body.ts';

/** What is expected in the body. */
export interface Expected {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly schema: Schema | undefined;
  /** Custom kinds are checked by their CRD later, built-in ones by Go's decoder now. */
  readonly custom: boolean;
}

/** A body that was read, with what a strict reader finds in its text. */
export interface Body {
  readonly value: unknown;
  /** Only for JSON: fields that come twice, and where each field stands. */
  readonly fields?: () => JsonFields;
  /** Only for YAML: `line 5: key "a" already set in map`. */
  readonly yamlTwice?: readonly string[];
}

export interface Decoded {
  readonly object: JsonObject;
  readonly warnings: readonly string[];
}

const protobuf = 'application/vnd.kubernetes.protobuf';

export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

/** @throws ApiStatus BadRequest where `?fieldValidation=` has another value. */
export function fieldValidationOf(url: URL): FieldValidation {
  const value = url.searchParams.get('fieldValidation') ?? '';
  if (value === '') return 'Warn';
  if (value === 'Strict' || value === 'Warn' || value === 'Ignore') return value;
  throw badRequest(`fieldValidation parameter must be one of [Ignore Warn Strict]`);
}

const jsonTypes = ['application/json', 'application/yaml'];

/**
 * Reads a body of JSON or YAML as any JSON value, or of protobuf as the built-in type that the schema describes.
 * @throws ApiStatus UnsupportedMediaType or BadRequest.
 */
export function parseBody(body: Buffer, header: string | undefined, kind: string, schema?: Schema): Body {
  const type = contentType(header);
  const isBuiltin = schema?.typeName !== undefined;
  if (type === protobuf && isBuiltin) return { value: decodeProtobuf(body, schema) };
  if (type === 'application/yaml' || type === 'application/apply-patch+yaml') {
    const { value, twice } = readYaml(body.toString('utf8'));
    return { value, yamlTwice: twice };
  }
  if (type !== 'application/json' && type !== 'text/json') {
    throw unsupportedMediaType(isBuiltin ? [...jsonTypes, protobuf] : jsonTypes);
  }
  const mistake = jsonMistake(body);
  if (mistake !== undefined) {
    throw badRequest(
      `the object provided is unrecognized (must be of type ${kind}): couldn't get version/kind; json parse error: ${mistake} (${sampleOf(body)})`,
    );
  }
  return { value: JSON.parse(body.toString('utf8')), fields: () => jsonFields(body) };
}

const sampleLength = 30;

/** The start of a body; what is no object is quoted as bytes. */
function sampleOf(body: Buffer): string {
  if (body.length === 0) return '<empty>';
  const encoding = body[0] === '{'.charCodeAt(0) ? 'utf8' : 'hex';
  const start = body.subarray(0, sampleLength).toString(encoding);
  return body.length > sampleLength ? `${start} ...` : start;
}

/**
 * Checks a parsed body against what the URL expects.
 * @throws ApiStatus BadRequest for another kind, a value of the wrong type, or, under Strict, an unknown field.
 */
export function decodeObject(body: Body, expected: Expected, validation: FieldValidation): Decoded {
  const { value } = body;
  const apiVersion = formatApiVersion(expected.group, expected.version);
  if (!isObject(value)) {
    throw badRequest(
      `the object provided is unrecognized (must be of type ${expected.kind}): couldn't get version/kind`,
    );
  }
  const object: JsonObject = { ...value };
  if (object.apiVersion === undefined && object.kind === undefined && !expected.custom) {
    object.apiVersion = apiVersion;
    object.kind = expected.kind;
  }
  const cannot = `${stringAt(object, 'kind') ?? ''} in version "${parseApiVersion(stringAt(object, 'apiVersion') ?? '').version}" cannot be handled as a ${expected.kind}`;
  if (object.kind !== expected.kind || object.apiVersion !== apiVersion) {
    throw badRequest(`${cannot}: ${otherKind(object, expected)}`);
  }
  if (expected.schema === undefined) return { object, warnings: [] };
  const wrongType = expected.custom ? undefined : findTypeError(object, expected.schema);
  if (wrongType !== undefined) throw badRequest(`${cannot}: ${wrongType}`);
  if (validation === 'Ignore') return { object, warnings: [] };
  const mistakes = fieldMistakes(body, unknownFields(object, expected.schema), expected.custom);
  if (validation === 'Strict' && mistakes.length > 0) {
    const yaml = (body.yamlTwice ?? []).length > 0 ? 'yaml: unmarshal errors:\n  ' : '';
    throw badRequest(`${cannot}: strict decoding error: ${yaml}${mistakes.join(', ')}`);
  }
  return { object, warnings: mistakes };
}

/** Fields that come twice or are unknown: of a built-in kind in the order of the text, of a custom one each for themselves. */
function fieldMistakes(body: Body, unknown: readonly string[], custom: boolean): readonly string[] {
  const words = (field: string): string => `unknown field ${JSON.stringify(field)}`;
  if (body.fields === undefined) return [...(body.yamlTwice ?? []), ...unknown.map(words)];
  const { twice, placeOf } = body.fields();
  const told = [
    ...twice.map(({ path, at }) => ({ at, text: `duplicate field ${JSON.stringify(path)}` })),
    ...unknown.map((path) => ({ at: placeOf(path) ?? 0, text: words(path) })),
  ];
  if (!custom) told.sort((a, b) => a.at - b.at);
  return told.map(({ text }) => text);
}

function otherKind(object: JsonObject, expected: Expected): string {
  const is = parseApiVersion(stringAt(object, 'apiVersion') ?? '');
  if (expected.custom || is.version === '') {
    return `no kind "${stringAt(object, 'kind') ?? ''}" is registered for version "${stringAt(object, 'apiVersion') ?? ''}"`;
  }
  const goPackage = is.group === '' ? is.version : is.version;
  const internal = expected.group === '' ? 'core' : (expected.group.split('.')[0] ?? '');
  return `converting (${goPackage}.${stringAt(object, 'kind') ?? ''}) to (${internal}.${expected.kind}): unknown conversion`;
}
