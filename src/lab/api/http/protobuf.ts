/**
 * Kubernetes' protobuf, read only: kubectl's typed commands (`create namespace`, `auth can-i`) send it and take
 * JSON back. The field numbers stand in the schema data.
 */
import type { JsonObject } from '../json.ts';
import { mapValues, type Schema } from '../schema/schema.ts';
import { badRequest } from '../status.ts';

const magic = Buffer.from('k8s\0');

type RawField = bigint | Buffer;
type RawFields = ReadonlyMap<number, readonly RawField[]>;

/**
 * Reads a body of `application/vnd.kubernetes.protobuf`.
 * @throws ApiStatus BadRequest where it is none.
 */
export function decodeProtobuf(body: Buffer, schema: Schema): JsonObject {
  if (!body.subarray(0, magic.length).equals(magic)) throw malformed('no magic bytes');
  const envelope = readFields(body.subarray(magic.length));
  const type = readFields(bytesOf(envelope, 1));
  return {
    ...decodeMessage(bytesOf(envelope, 2), schema),
    apiVersion: bytesOf(type, 1).toString('utf8'),
    kind: bytesOf(type, 2).toString('utf8'),
  };
}

function malformed(why: string): Error {
  return badRequest(`the object provided is unrecognized: protobuf: ${why}`);
}

function bytesOf(fields: RawFields, number: number): Buffer {
  const value = fields.get(number)?.at(-1);
  return Buffer.isBuffer(value) ? value : Buffer.alloc(0);
}

function decodeMessage(bytes: Buffer, schema: Schema): JsonObject {
  const object: JsonObject = {};
  const root = readFields(bytes);
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const path = property.wire ?? [];
    const last = path.at(-1);
    if (last === undefined) continue;
    const owner = path.slice(0, -1).reduce((fields, number) => readFields(bytesOf(fields, number)), root);
    const values = owner.get(last);
    if (values === undefined) continue;
    const value = decodeField(values, property);
    if (value !== undefined) object[name] = value;
  }
  return object;
}

/** All occurrences of one field: a list or a map has many, everything else counts once, the last. */
function decodeField(values: readonly RawField[], schema: Schema): unknown {
  const entries = mapValues(schema);
  if (entries !== undefined && schema.typeName === undefined) {
    return Object.fromEntries(
      values.map((value) => {
        const entry = readFields(Buffer.isBuffer(value) ? value : Buffer.alloc(0));
        const item = entry.get(2)?.at(-1) ?? Buffer.alloc(0);
        return [
          bytesOf(entry, 1).toString('utf8'),
          schema.wireWrapped === true ? unwrapped(item) : decodeValue(item, entries),
        ];
      }),
    );
  }
  if (schema.type === 'array') return values.map((value) => decodeValue(value, schema.items ?? {}));
  const last = values.at(-1);
  return last === undefined ? undefined : decodeValue(last, schema);
}

/** A list that is a message of its own: its items are the message's first field. */
function unwrapped(value: RawField): readonly string[] {
  const items = readFields(Buffer.isBuffer(value) ? value : Buffer.alloc(0)).get(1) ?? [];
  return items.map((item) => item.toString());
}

type SpecialDecoder = (fields: RawFields) => unknown;

const special: Readonly<Record<string, SpecialDecoder>> = {
  'meta.Time': (fields) => timeOf(fields, 0),
  'meta.MicroTime': (fields) => timeOf(fields, 6),
  'machinery.api.resource.Quantity': (fields) => bytesOf(fields, 1).toString('utf8'),
  'machinery.util.intstr.IntOrString': (fields) =>
    numberOf(fields, 1) === 1 ? bytesOf(fields, 3).toString('utf8') : numberOf(fields, 2),
  'machinery.runtime.RawExtension': rawJson,
  'meta.FieldsV1': rawJson,
  'extensions.apiextensions.v1.JSON': rawJson,
};

function rawJson(fields: RawFields): unknown {
  const text = bytesOf(fields, 1).toString('utf8');
  return text === '' ? undefined : JSON.parse(text);
}

function numberOf(fields: RawFields, number: number): number {
  const value = fields.get(number)?.at(-1);
  return typeof value === 'bigint' ? Number(BigInt.asIntN(64, value)) : 0;
}

/** Go writes the time that was never set as an empty message. */
function timeOf(fields: RawFields, digits: number): string | undefined {
  if (fields.size === 0) return undefined;
  const text = new Date(numberOf(fields, 1) * 1000).toISOString().slice(0, 19);
  const fraction =
    digits === 0 ? '' : `.${String(Math.trunc(numberOf(fields, 2) / 1000)).padStart(digits, '0')}`;
  return `${text}${fraction}Z`;
}

function decodeValue(value: RawField, schema: Schema): unknown {
  const decoder = special[schema.typeName ?? ''];
  if (Buffer.isBuffer(value)) {
    if (decoder !== undefined) return decoder(readFields(value));
    if (schema.type === 'string') return value.toString(schema.format === 'byte' ? 'base64' : 'utf8');
    if (schema.type === 'number') return value.length === 8 ? value.readDoubleLE() : value.readFloatLE();
    return decodeMessage(value, schema);
  }
  return schema.type === 'boolean' ? value !== 0n : Number(BigInt.asIntN(64, value));
}

/** The fields of one message, by number, each with its occurrences in order. */
function readFields(bytes: Buffer): RawFields {
  const fields = new Map<number, RawField[]>();
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at];
      if (byte === undefined || shift > 63n) throw malformed('unexpected end of a number');
      at += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const take = (length: number): Buffer => {
    if (at + length > bytes.length) throw malformed('unexpected end of a field');
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const tag = varint();
    const number = Number(tag >> 3n);
    const value = readValue(Number(tag & 7n), varint, take);
    const present = fields.get(number);
    if (present === undefined) fields.set(number, [value]);
    else present.push(value);
  }
  return fields;
}

function readValue(wireType: number, varint: () => bigint, take: (length: number) => Buffer): RawField {
  switch (wireType) {
    case 0:
      return varint();
    case 1:
      return take(8);
    case 2:
      return take(Number(varint()));
    case 5:
      return take(4);
    default:
      throw malformed(`wire type ${wireType}`);
  }
}
