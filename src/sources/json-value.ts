/**
 * Reads fields off parsed JSON or YAML whose shape nobody has checked: an absent field and one of the wrong type
 * read the same, as absent. Parsers of foreign data (kubeconfig, Envoy's admin answers, API objects) stand on these.
 */

export type JsonObject = Readonly<Record<string, unknown>>;

const empty: JsonObject = Object.freeze({});

/** @returns the value as an object; an empty one for anything else, lists included. */
export function asObject(value: unknown): JsonObject {
  return isObject(value) ? value : empty;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @returns the value as a list; an empty one for anything else. */
export function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** @returns the list's members that are objects. */
export function asObjects(value: unknown): readonly JsonObject[] {
  return asList(value).filter(isObject);
}

export function asText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** @returns the list's members that are text. */
export function asTexts(value: unknown): readonly string[] {
  return asList(value).filter((member) => typeof member === 'string');
}

/** @returns a finite number; protobuf's JSON writes 64-bit integers as text, which reads the same. */
export function asNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value !== 'string' || !/^-?\d+(\.\d+)?$/.test(value)) return undefined;
  return Number(value);
}

/** @returns the value as a map of text, without the members of other types. */
export function asTextMap(value: unknown): Readonly<Record<string, string>> {
  const entries = Object.entries(asObject(value)).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  return Object.fromEntries(entries);
}

/** Follows names through nested objects; undefined as soon as one is missing. */
export function dig(value: unknown, ...names: readonly string[]): unknown {
  let current = value;
  for (const name of names) {
    if (!isObject(current)) return undefined;
    current = current[name];
  }
  return current;
}
