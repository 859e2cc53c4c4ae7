/**
 * Validation of custom resources against their CRD's schema, then its CEL rules, with the real server's words:
 * `spec.mtls.mode: Unsupported value: "FOO": supported values: "UNSET", ...`.
 */
import { isObject, type JsonObject } from '../json.ts';
import {
  duplicate,
  type FieldError,
  type FieldErrorType,
  forbiddenField,
  invalidValue,
  notSupported,
  required,
  tooLong,
  tooMany,
  typeInvalid,
} from '../validation/field-error.ts';
import { celProgram, toCel } from './cel.ts';
import { type CelRule, mapValues, type Schema } from './schema.ts';
import { ownProperty } from './unknown-fields.ts';

/** What is wrong with an object. Rules in CEL are asked only where the schema itself is met, as the real server does. */
export function validateCustom(
  object: JsonObject,
  schema: Schema,
  old: JsonObject | undefined,
): readonly FieldError[] {
  const errors: FieldError[] = [];
  checkValue(object, schema, '', errors);
  if (errors.some((error) => blocking.has(error.type))) {
    const rest =
      'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation';
    return [...errors, invalidValue('<nil>', null, rest)];
  }
  checkRules(object, old, schema, '', errors);
  return errors;
}

const blocking: ReadonlySet<FieldErrorType> = new Set([
  'FieldValueNotSupported',
  'FieldValueRequired',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
]);

function checkValue(value: unknown, schema: Schema, at: string, errors: FieldError[]): void {
  // Metadata is checked by the rules for metadata.
  if (schema.typeName !== undefined) return;
  if (value === null && schema.nullable === true) return;
  if (!hasType(value, schema)) {
    const is = typeName(value);
    const wanted = schema['x-kubernetes-int-or-string'] === true ? 'integer,string' : (schema.type ?? '');
    const name = at === '' ? 'object' : at;
    errors.push(typeInvalid(at, is, `${name} in body must be of type ${wanted}: ${JSON.stringify(is)}`));
    if (schema.enum === undefined) return;
  }
  if (schema.enum !== undefined && !schema.enum.some((one) => one === value)) {
    errors.push(
      notSupported(
        at,
        value,
        schema.enum.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))),
      ),
    );
  }
  if (typeof value === 'string') checkString(value, schema, at, errors);
  else if (typeof value === 'number') checkNumber(value, schema, at, errors);
  else if (Array.isArray(value)) checkList(value, schema, at, errors);
  else if (isObject(value)) checkObject(value, schema, at, errors);
  checkAlternatives(value, schema, at, errors);
}

function hasType(value: unknown, schema: Schema): boolean {
  if (schema['x-kubernetes-int-or-string'] === true)
    return typeof value === 'string' || Number.isInteger(value);
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

function typeName(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function checkString(value: string, schema: Schema, at: string, errors: FieldError[]): void {
  const length = [...value].length;
  if (schema.maxLength !== undefined && length > schema.maxLength) errors.push(tooLong(at, schema.maxLength));
  if (schema.minLength !== undefined && length < schema.minLength) {
    errors.push(invalidValue(at, value, `${at} in body should be at least ${schema.minLength} chars long`));
  }
  if (schema.pattern !== undefined && !new RegExp(schema.pattern, 'u').test(value)) {
    errors.push(invalidValue(at, value, `${at} in body should match '${schema.pattern}'`));
  }
  if (schema.format === 'date-time' && Number.isNaN(Date.parse(value))) {
    errors.push(invalidValue(at, value, `${at} in body must be of type date-time: ${JSON.stringify(value)}`));
  }
}

function checkNumber(value: number, schema: Schema, at: string, errors: FieldError[]): void {
  const { minimum, maximum } = schema;
  if (minimum !== undefined && (schema.exclusiveMinimum === true ? value <= minimum : value < minimum)) {
    const words = schema.exclusiveMinimum === true ? 'greater than' : 'greater than or equal to';
    errors.push(invalidValue(at, value, `${at} in body should be ${words} ${minimum}`));
  }
  if (maximum !== undefined && (schema.exclusiveMaximum === true ? value >= maximum : value > maximum)) {
    const words = schema.exclusiveMaximum === true ? 'less than' : 'less than or equal to';
    errors.push(invalidValue(at, value, `${at} in body should be ${words} ${maximum}`));
  }
}

function checkList(list: readonly unknown[], schema: Schema, at: string, errors: FieldError[]): void {
  if (schema.maxItems !== undefined && list.length > schema.maxItems)
    errors.push(tooMany(at, list.length, schema.maxItems));
  if (schema.minItems !== undefined && list.length < schema.minItems) {
    errors.push(invalidValue(at, list.length, `${at} in body should have at least ${schema.minItems} items`));
  }
  const { items } = schema;
  if (items !== undefined)
    list.forEach((item, index) => {
      checkValue(item, items, `${at}[${index}]`, errors);
    });
  checkListKeys(list, schema, at, errors);
}

/** Lists that are sets or maps hold each value, or each key, once. */
function checkListKeys(list: readonly unknown[], schema: Schema, at: string, errors: FieldError[]): void {
  const keys = schema['x-kubernetes-list-map-keys'];
  const isSet = schema['x-kubernetes-list-type'] === 'set';
  if (!isSet && keys === undefined) return;
  const seen = new Set<string>();
  list.forEach((item, index) => {
    const key = isSet
      ? item
      : Object.fromEntries((keys ?? []).map((name) => [name, isObject(item) ? item[name] : undefined]));
    const text = JSON.stringify(key);
    if (seen.has(text)) errors.push(duplicate(`${at}[${index}]`, key));
    seen.add(text);
  });
}

function checkObject(object: JsonObject, schema: Schema, at: string, errors: FieldError[]): void {
  const count = Object.keys(object).length;
  if (schema.maxProperties !== undefined && count > schema.maxProperties)
    errors.push(tooMany(at, count, schema.maxProperties));
  if (schema.minProperties !== undefined && count < schema.minProperties) {
    errors.push(
      invalidValue(at, count, `${at} in body should have at least ${schema.minProperties} properties`),
    );
  }
  for (const name of schema.required ?? [])
    if (object[name] === undefined) errors.push(required(child(at, name)));
  const values = mapValues(schema);
  for (const [field, item] of Object.entries(object)) {
    const known = ownProperty(schema.properties, field) ?? values;
    if (known !== undefined && item !== undefined) checkValue(item, known, child(at, field), errors);
  }
}

function checkAlternatives(value: unknown, schema: Schema, at: string, errors: FieldError[]): void {
  const matches = (one: Schema): boolean => {
    const inner: FieldError[] = [];
    checkValue(
      value,
      { ...one, ...(one.type === undefined && isObject(value) ? { type: 'object' as const } : {}) },
      at,
      inner,
    );
    return inner.length === 0;
  };
  const name = at === '' ? '""' : JSON.stringify(at);
  if (schema.oneOf !== undefined) {
    const count = schema.oneOf.filter(matches).length;
    if (count !== 1) {
      const found = count === 0 ? 'Found none valid' : `Found ${count} valid alternatives`;
      errors.push(invalidValue(at, value, `${name} must validate one and only one schema (oneOf). ${found}`));
    }
  }
  if (schema.anyOf !== undefined && !schema.anyOf.some(matches)) {
    errors.push(invalidValue(at, value, `${name} must validate at least one schema (anyOf)`));
  }
  if (schema.allOf !== undefined && !schema.allOf.every(matches)) {
    errors.push(invalidValue(at, value, `${name} must validate all the schemas (allOf)`));
  }
  if (schema.not !== undefined && matches(schema.not)) {
    errors.push(invalidValue(at, value, `${name} must not validate the schema (not)`));
  }
}

function checkRules(value: unknown, old: unknown, schema: Schema, at: string, errors: FieldError[]): void {
  if (schema.typeName !== undefined || value === undefined || value === null) return;
  for (const rule of schema['x-kubernetes-validations'] ?? [])
    checkRule(rule, value, old, schema, at, errors);
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items !== undefined)
      value.forEach((item: unknown, index) => {
        checkRules(item, undefined, items, `${at}[${index}]`, errors);
      });
    return;
  }
  if (!isObject(value)) return;
  const values = mapValues(schema);
  for (const [field, item] of Object.entries(value)) {
    const known = ownProperty(schema.properties, field) ?? values;
    if (known === undefined) continue;
    const path = known === values ? `${at}[${field}]` : child(at, field);
    checkRules(item, isObject(old) ? old[field] : undefined, known, path, errors);
  }
}

function checkRule(
  rule: CelRule,
  value: unknown,
  old: unknown,
  schema: Schema,
  at: string,
  errors: FieldError[],
): void {
  const usesOld = /\boldSelf\b/.test(rule.rule);
  if (usesOld && old === undefined) return;
  const variables = { self: toCel(value, schema), ...(usesOld ? { oldSelf: toCel(old, schema) } : {}) };
  const field = rule.fieldPath === undefined ? at : `${at}${rule.fieldPath}`;
  // The value of an object or list is left out of the sentence.
  const invalidAt = (detail: string): FieldError =>
    typeof value === 'object'
      ? { type: 'FieldValueInvalid', field, message: `Invalid value: ${detail}` }
      : invalidValue(field, value, detail);
  let isMet: unknown;
  try {
    isMet = celProgram(rule.rule, Object.keys(variables))(variables);
  } catch (error) {
    const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    errors.push(invalidAt(`rule evaluation error: ${why}: ${rule.rule}`));
    return;
  }
  if (isMet === true) return;
  const detail = rule.message?.trim() ?? `failed rule: ${rule.rule.trim()}`;
  if (rule.reason === 'FieldValueForbidden') errors.push(forbiddenField(field, detail));
  else if (rule.reason === 'FieldValueRequired') errors.push(required(field, detail));
  else if (rule.reason === 'FieldValueDuplicate') errors.push(duplicate(field, value));
  else errors.push(invalidAt(detail));
}

/** Field names that are no plain words (label keys, port numbers) stand in the path as they are. */
function child(at: string, field: string): string {
  return at === '' ? field : `${at}.${field}`;
}
