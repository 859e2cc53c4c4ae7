/**
 * Typed reads of data that nobody has checked. A value of the wrong type is left out and noted as a `FieldProblem`
 * with its path; nothing here throws. Every parser of istio/ is made of these.
 */

/** A field that could not be used as it stands, and why. */
export interface FieldProblem {
  /** Path from the object's root: `spec.portLevelMtls.8080.mode`, `spec.ports[0].port`. */
  readonly field: string;
  /** What is wrong, as a sentence without a full stop: `is a number, not a string`. */
  readonly message: string;
}

/** Untyped fields of an object, one level deep. */
export type Fields = Readonly<Record<string, unknown>>;

/** A labels or annotations map. */
export type StringMap = Readonly<Record<string, string>>;

const noFields: Fields = Object.freeze({});
export const noStrings: StringMap = Object.freeze({});

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A value as part of a key. An object's own `toString` is never called: a file may hold one that is no function. */
export function keyText(value: unknown): string {
  if (typeof value === 'string') return value;
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);
}

/** What a person calls the type of a JSON value. */
function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  return `a ${typeof value}`;
}

/** Reads fields and collects what was wrong with them. One reader serves one object. */
export class FieldReader {
  readonly problems: FieldProblem[] = [];

  note(field: string, message: string): void {
    this.problems.push({ field, message });
  }

  private wrong(value: unknown, field: string, wanted: string): void {
    this.note(field, `is ${typeName(value)}, not ${wanted}`);
  }

  /** An object's fields; empty when absent or of another type. Null counts as absent, as it does for the API server. */
  fields(value: unknown, field: string): Fields {
    return this.optionalFields(value, field) ?? noFields;
  }

  optionalFields(value: unknown, field: string): Fields | undefined {
    if (value === undefined || value === null) return undefined;
    if (isFields(value)) return value;
    this.wrong(value, field, 'an object');
    return undefined;
  }

  list(value: unknown, field: string): readonly unknown[] {
    if (value === undefined || value === null) return [];
    if (Array.isArray(value)) return value;
    this.wrong(value, field, 'a list');
    return [];
  }

  string(value: unknown, field: string): string | undefined {
    if (value === undefined || value === null) return undefined;
    if (typeof value === 'string') return value;
    this.wrong(value, field, 'a string');
    return undefined;
  }

  boolean(value: unknown, field: string): boolean | undefined {
    if (value === undefined || value === null) return undefined;
    if (typeof value === 'boolean') return value;
    this.wrong(value, field, 'a boolean');
    return undefined;
  }

  /** A port number, 1 to 65535. */
  port(value: unknown, field: string): number | undefined {
    if (value === undefined || value === null) return undefined;
    if (typeof value !== 'number') this.wrong(value, field, 'a port number');
    else if (isPort(value)) return value;
    else this.note(field, `is ${value}, not a port number (1 to 65535)`);
    return undefined;
  }

  strings(value: unknown, field: string): readonly string[] {
    const texts: string[] = [];
    for (const [index, item] of this.list(value, field).entries()) {
      const text = this.string(item, `${field}[${index}]`);
      if (text !== undefined) texts.push(text);
    }
    return texts;
  }

  /** A map whose values are all strings; entries of another type are left out. The value itself when it is clean. */
  stringMap(value: unknown, field: string): StringMap {
    const map = this.fields(value, field);
    for (const key in map) if (typeof map[key] !== 'string') return this.cleanedStrings(map, field);
    // Every value was just checked.
    return map as StringMap;
  }

  private cleanedStrings(map: Fields, field: string): StringMap {
    const clean: [string, string][] = [];
    for (const [key, item] of Object.entries(map)) {
      const text = this.string(item, `${field}.${key}`);
      if (text !== undefined) clean.push([key, text]);
    }
    return Object.fromEntries(clean);
  }

  /** One of a closed set of words; anything else is noted and left out. */
  word<Word extends string>(value: unknown, field: string, words: readonly Word[]): Word | undefined {
    const text = this.string(value, field);
    if (text === undefined) return undefined;
    const known = words.find((word) => word === text);
    if (known === undefined) this.note(field, `is ${JSON.stringify(text)}, not one of ${words.join(', ')}`);
    return known;
  }
}

export function isPort(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= 65535;
}
