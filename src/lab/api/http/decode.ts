/** The border where a body becomes an object: JSON or YAML, of the right kind, with its unknown fields named. */
import { parse as parseYaml } from 'yaml';
import { isObject, type JsonObject, stringAt } from '../json.ts';
import { formatApiVersion, parseApiVersion } from '../registry/registry.ts';
import type { Schema } from '../schema/schema.ts';
import { findTypeError } from '../schema/type-errors.ts';
import { unknownFields } from '../schema/unknown-fields.ts';
import { badRequest } from '../status.ts';
import { contentType, unsupportedMediaType } from './negotiate.ts';
import { decodeProtobuf } from './protobuf.ts';

/** What is expected in the body. */
export interface Expected {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly schema: Schema | undefined;
  /** Custom kinds are checked by their CRD later, built-in ones by Go's decoder now. */
  readonly custom: boolean;
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
export function parseBody(body: Buffer, header: string | undefined, kind: string, schema?: Schema): unknown {
  const type = contentType(header);
  const isBuiltin = schema?.typeName !== undefined;
  if (type === protobuf && isBuiltin) return decodeProtobuf(body, schema);
  const text = body.toString('utf8');
  if (type === 'application/yaml' || type === 'application/apply-patch+yaml') return parseYamlBody(text);
  if (type !== 'application/json' && type !== 'text/json') {
    throw unsupportedMediaType(isBuiltin ? [...jsonTypes, protobuf] : jsonTypes);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const why =
      text.trim() === '' || /Unexpected end|Expected .* after|Unterminated/.test(error.message)
        ? 'unexpected end of JSON input'
        : error.message;
    const sample = text === '' ? '<empty>' : text.length > 60 ? `${text.slice(0, 60)} ...` : text;
    throw badRequest(
      `the object provided is unrecognized (must be of type ${kind}): couldn't get version/kind; json parse error: ${why} (${sample})`,
    );
  }
}

function parseYamlBody(text: string): unknown {
  try {
    return parseYaml(text);
  } catch (error) {
    throw badRequest(
      `error converting YAML to JSON: yaml: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/**
 * Checks a parsed body against what the URL expects.
 * @throws ApiStatus BadRequest for another kind, a value of the wrong type, or, under Strict, an unknown field.
 */
export function decodeObject(value: unknown, expected: Expected, validation: FieldValidation): Decoded {
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
  const unknown = unknownFields(object, expected.schema).map(
    (field) => `unknown field ${JSON.stringify(field)}`,
  );
  if (validation === 'Strict' && unknown.length > 0) {
    throw badRequest(`${cannot}: strict decoding error: ${unknown.join(', ')}`);
  }
  return { object, warnings: unknown };
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
