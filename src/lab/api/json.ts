/** JSON as it is written and changed inside the API server: plain objects whose fields nobody has parsed yet. */
import type { KubeObject } from '../../istio/kubernetes.ts';

/** A JSON object under change. What is stored is frozen; a draft is a copy of it. */
export interface JsonObject {
  [field: string]: unknown;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @returns the field as an object, or undefined where it is absent or something else. */
export function objectAt(object: JsonObject | undefined, field: string): JsonObject | undefined {
  const value = object?.[field];
  return isObject(value) ? value : undefined;
}

/** @returns the objects of a list field; none where it is absent or no list. */
export function objectsAt(object: JsonObject | undefined, field: string): JsonObject[] {
  const value = object?.[field];
  return Array.isArray(value) ? value.filter(isObject) : [];
}

export function stringAt(object: JsonObject | undefined, field: string): string | undefined {
  const value = object?.[field];
  return typeof value === 'string' ? value : undefined;
}

export function numberAt(object: JsonObject | undefined, field: string): number | undefined {
  const value = object?.[field];
  return typeof value === 'number' ? value : undefined;
}

export function booleanAt(object: JsonObject | undefined, field: string): boolean | undefined {
  const value = object?.[field];
  return typeof value === 'boolean' ? value : undefined;
}

export function stringsAt(object: JsonObject | undefined, field: string): string[] {
  const value = object?.[field];
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

/** @returns a map of strings (labels, annotations, selectors); other values are left out. */
export function stringMapAt(object: JsonObject | undefined, field: string): Record<string, string> {
  const map: Record<string, string> = {};
  for (const [key, value] of Object.entries(objectAt(object, field) ?? {})) {
    if (typeof value === 'string') map[key] = value;
  }
  return map;
}

/** @returns the value at a path of field names, or undefined. */
export function valueAt(value: unknown, ...path: readonly string[]): unknown {
  let current = value;
  for (const field of path) {
    if (!isObject(current)) return undefined;
    current = current[field];
  }
  return current;
}

/** Sets a field that is absent, null or an empty string (Go's word for absent) to its default. */
export function setDefault(object: JsonObject, field: string, value: unknown): void {
  const present = object[field];
  if (present === undefined || present === null || present === '') object[field] = value;
}

/** @returns the object field, made empty first where it is absent. */
export function ensureObject(object: JsonObject, field: string): JsonObject {
  const present = object[field];
  if (isObject(present)) return present;
  const made: JsonObject = {};
  object[field] = made;
  return made;
}

/** A deep copy of JSON data: the way from a frozen object to a draft. */
export function cloneJson<T>(value: T): T;
export function cloneJson(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => cloneJson(item));
  if (!isObject(value)) return value;
  const copy: JsonObject = {};
  for (const [field, item] of Object.entries(value)) copy[field] = cloneJson(item);
  return copy;
}

/** @returns a changeable copy of a stored object. */
export function draftOf(object: KubeObject | JsonObject): JsonObject {
  const copy: JsonObject = {};
  for (const [field, item] of Object.entries(object)) copy[field] = cloneJson(item);
  return copy;
}

/** Freezes JSON data all the way down, so that no reader can change what is stored. */
export function freezeJson<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const item of Object.values(value)) freezeJson(item);
  }
  return value;
}

/** Deep equality of JSON data; the order of fields does not matter, undefined is the same as absent. */
export function equalJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, index) => equalJson(item, b[index]));
  }
  if (!isObject(a) || !isObject(b)) return false;
  for (const field of Object.keys(a)) if (!equalJson(a[field], b[field])) return false;
  for (const field of Object.keys(b)) if (a[field] === undefined && b[field] !== undefined) return false;
  return true;
}

/** The border between drafts and objects: checks that what every object has is there. */
export function toKubeObject(draft: JsonObject): KubeObject {
  const { apiVersion, kind, metadata } = draft;
  const name = stringAt(isObject(metadata) ? metadata : undefined, 'name');
  if (
    typeof apiVersion !== 'string' ||
    typeof kind !== 'string' ||
    !isObject(metadata) ||
    name === undefined
  ) {
    throw new TypeError('not a Kubernetes object: apiVersion, kind and metadata.name are needed');
  }
  return { ...draft, apiVersion, kind, metadata: { ...metadata, name } };
}
