/** Sets of paths into an object, as `managedFields[].fieldsV1` holds them: a tree in which each node may be a member. */
import { isObject, type JsonObject } from '../json.ts';
import type { Schema } from '../schema/schema.ts';
import { mapValues } from '../schema/schema.ts';
import { ownProperty } from '../schema/unknown-fields.ts';
import { printElement } from './path-element.ts';

export interface FieldSet {
  /** The path that leads here is itself in the set. */
  readonly member: boolean;
  readonly children: ReadonlyMap<string, FieldSet>;
}

export const emptySet: FieldSet = { member: false, children: new Map() };

export function isEmpty(set: FieldSet): boolean {
  return !set.member && set.children.size === 0;
}

function made(member: boolean, children: Iterable<readonly [string, FieldSet]>): FieldSet {
  return { member, children: new Map([...children].filter(([, child]) => !isEmpty(child))) };
}

/** A set that is built path by path. */
export class FieldSetBuilder {
  readonly #root: MutableNode = { member: false, children: new Map() };

  add(path: readonly string[]): void {
    let node = this.#root;
    for (const element of path) {
      const next = node.children.get(element) ?? { member: false, children: new Map() };
      node.children.set(element, next);
      node = next;
    }
    node.member = true;
  }

  build(): FieldSet {
    return this.#root;
  }
}

interface MutableNode {
  member: boolean;
  readonly children: Map<string, MutableNode>;
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  const children = new Map(a.children);
  for (const [element, child] of b.children) {
    const present = children.get(element);
    children.set(element, present === undefined ? child : union(present, child));
  }
  return made(a.member || b.member, children);
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  const children = [...a.children].map(
    ([element, child]) => [element, intersection(child, b.children.get(element) ?? emptySet)] as const,
  );
  return made(a.member && b.member, children);
}

/** The paths of `a` that are not in `b`; what lies below a path of `b` stays. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  const children = [...a.children].map(([element, child]) => {
    const other = b.children.get(element);
    return [element, other === undefined ? child : difference(child, other)] as const;
  });
  return made(a.member && !b.member, children);
}

/** Without the top-level fields of these names, and all that lies below them. */
export function withoutFields(set: FieldSet, fields: readonly string[]): FieldSet {
  return made(
    set.member,
    [...set.children].filter(([element]) => !fields.includes(element.slice(2))),
  );
}

export function hasPath(set: FieldSet, element: string): boolean {
  return set.children.get(element)?.member === true;
}

/** Every field that the schema names on the way to a member becomes a member too. */
export function withNamedFields(set: FieldSet, schema: Schema): FieldSet {
  const children = [...set.children].map(([element, child]) => {
    const inner = childSchema(element, schema);
    const below = withNamedFields(child, inner);
    const isNamed =
      element.startsWith('f:') && ownProperty(schema.properties, element.slice(2)) !== undefined;
    return [element, { member: below.member || isNamed, children: below.children }] as const;
  });
  return made(set.member, children);
}

/** @returns the schema of what an element leads to; one that knows nothing where the schema says nothing. */
export function childSchema(element: string, schema: Schema): Schema {
  if (!element.startsWith('f:')) return schema.items ?? {};
  return ownProperty(schema.properties, element.slice(2)) ?? mapValues(schema) ?? {};
}

/** Reads `fieldsV1`. */
export function fromFieldsV1(value: unknown): FieldSet {
  return nodeOf(value, true);
}

function nodeOf(value: unknown, isRoot: boolean): FieldSet {
  const entries = Object.entries(isObject(value) ? value : {});
  const children = entries
    .filter(([key]) => key !== '.')
    .map(([key, child]) => [key, nodeOf(child, false)] as const);
  const member = !isRoot && (entries.length === 0 || entries.some(([key]) => key === '.'));
  return { member, children: new Map(children) };
}

/** Writes `fieldsV1`. */
export function toFieldsV1(set: FieldSet): JsonObject {
  const entries = [...set.children].sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(
    entries.map(([element, child]) => {
      const below = toFieldsV1(child);
      return [element, child.member && child.children.size > 0 ? { '.': {}, ...below } : below];
    }),
  );
}

/** The paths of the set, printed: `.spec.replicas`. */
export function printPaths(set: FieldSet, prefix = ''): readonly string[] {
  return [...set.children].flatMap(([element, child]) => {
    const path = `${prefix}${printElement(element)}`;
    return [...(child.member ? [path] : []), ...printPaths(child, path)];
  });
}
