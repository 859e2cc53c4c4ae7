/** Which fields of an object are kept while reading; lists are looked through: their items are asked for by the list's name. */

export interface FieldFilter {
  /** This is the root of a Kubernetes object. */
  readonly isObject: boolean;
  /** The filter for a field's value, or undefined where the field is thrown away. */
  of(field: string): FieldFilter | undefined;
  /** The filter for the rest of the object once one of its fields is known; the same one but for the root of an object. */
  given(field: string, value: unknown): FieldFilter;
}

/** Keeps all there is below. */
export const everything: FieldFilter = {
  isObject: false,
  of: () => everything,
  given: () => everything,
};

/** Keeps all there is of an object, or of each object of a list. */
export const wholeObjects: FieldFilter = {
  isObject: true,
  of: (field) => (field === 'items' ? wholeObjects : everything),
  given: () => wholeObjects,
};

/** What to keep: `true` for all below, or the fields by name; `*` stands for every other name. */
export type FieldChoice = true | { readonly [field: string]: FieldChoice | false };

/** Makes a filter of a choice written as plain data. */
export function fieldFilter(choice: FieldChoice): FieldFilter {
  if (choice === true) return everything;
  const fields = new Map<string, FieldFilter | undefined>();
  for (const [field, below] of Object.entries(choice)) {
    if (field !== '*') fields.set(field, below === false ? undefined : fieldFilter(below));
  }
  const rest = choice['*'];
  const others = rest === undefined || rest === false ? undefined : fieldFilter(rest);
  const filter: FieldFilter = {
    isObject: false,
    of:
      others === undefined
        ? (field) => fields.get(field)
        : (field) => (fields.has(field) ? fields.get(field) : others),
    given: () => filter,
  };
  return filter;
}

/** A copy of a value with only what the filter keeps. */
export function keepFields(value: unknown, filter: FieldFilter): unknown {
  if (filter === everything || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => keepFields(item, filter));
  let chosen = filter;
  for (const [field, item] of Object.entries(value)) chosen = chosen.given(field, item);
  const kept: Record<string, unknown> = {};
  for (const [field, item] of Object.entries(value)) {
    const below = chosen.of(field);
    if (below !== undefined) setField(kept, field, keepFields(item, below));
  }
  return kept;
}

/** Sets a field as JSON.parse does: `__proto__` is a field like any other and changes no prototype. */
export function setField(object: Record<string, unknown>, field: string, value: unknown): void {
  if (field === '__proto__') {
    Object.defineProperty(object, field, { value, configurable: true, enumerable: true, writable: true });
  } else object[field] = value;
}
