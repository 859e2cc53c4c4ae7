/** Which fields two versions of an object differ in, and which fields an applied configuration names. */
import { equalJson, isObject } from '../json.ts';
import type { Schema } from '../schema/schema.ts';
import { ownProperty } from '../schema/unknown-fields.ts';
import { childSchema, type FieldSet, FieldSetBuilder } from './field-set.ts';
import { fieldElement, itemElement } from './path-element.ts';
import { commonStructure, isBlank, structureOf } from './structure.ts';

export interface Comparison {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

/** Compares two versions of an object of one kind. */
export function compareFields(before: unknown, after: unknown, schema: Schema): Comparison {
  const added = new FieldSetBuilder();
  const modified = new FieldSetBuilder();
  const removed = new FieldSetBuilder();
  const visit = (left: unknown, right: unknown, type: Schema, path: readonly string[]): void => {
    const structure = commonStructure(left, right, type);
    if (structure === 'leaf' || (isBlank(left) && isBlank(right))) {
      if (left === undefined) added.add(path);
      else if (right === undefined) removed.add(path);
      else if (!equalJson(left, right)) modified.add(path);
      return;
    }
    const elements = (value: unknown): ReadonlyMap<string, unknown> => elementsOf(value, type);
    const [lefts, rights] = [elements(left), elements(right)];
    for (const element of new Set([...lefts.keys(), ...rights.keys()])) {
      visit(lefts.get(element), rights.get(element), childSchema(element, type), [...path, element]);
    }
    if (path.length === 0) return;
    if (left === undefined) added.add(path);
    else if (right === undefined) removed.add(path);
  };
  visit(before, after, schema, []);
  return { added: added.build(), modified: modified.build(), removed: removed.build() };
}

/** The parts of a map or keyed list by their elements; absent fields are left out. */
export function elementsOf(value: unknown, schema: Schema): ReadonlyMap<string, unknown> {
  const elements = new Map<string, unknown>();
  if (Array.isArray(value)) {
    for (const item of value) elements.set(itemElement(item, schema), item);
  } else if (isObject(value)) {
    for (const [field, item] of Object.entries(value)) {
      if (item !== undefined) elements.set(fieldElement(field), item);
    }
  }
  return elements;
}

/** The fields that a configuration names: what its applier comes to own. */
export function fieldsOf(value: unknown, schema: Schema): FieldSet {
  const set = new FieldSetBuilder();
  const visit = (current: unknown, type: Schema, path: readonly string[]): void => {
    const structure = structureOf(current, type);
    if (structure === 'leaf') {
      set.add(path);
      return;
    }
    for (const [element, item] of elementsOf(current, type)) {
      const at = [...path, element];
      visit(item, childSchema(element, type), at);
      const isItem = !element.startsWith('f:');
      const isNamed = !isItem && ownProperty(type.properties, element.slice(2)) !== undefined;
      if (isItem || !isNamed || item === null || (isObject(item) && Object.keys(item).length === 0))
        set.add(at);
    }
  };
  visit(value, schema, []);
  return set.build();
}
