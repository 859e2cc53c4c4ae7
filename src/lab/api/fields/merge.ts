/** Merging an applied configuration into an object, and taking fields out of one again. */
import { cloneJson, isObject, type JsonObject } from '../json.ts';
import type { Schema } from '../schema/schema.ts';
import { elementsOf } from './compare.ts';
import { childSchema, type FieldSet, hasPath, isEmpty } from './field-set.ts';
import { fieldElement, itemElement } from './path-element.ts';
import { commonStructure, isBlank, structureOf } from './structure.ts';

/** @returns the object with the configuration's fields laid over it; list items meet by their keys. */
export function mergeFields(live: unknown, config: unknown, schema: Schema): unknown {
  if (config === undefined) return cloneJson(live);
  if (live === undefined) return cloneJson(config);
  const structure = commonStructure(live, config, schema);
  if (structure === 'leaf' || (isBlank(live) && isBlank(config))) return cloneJson(config);
  if (structure === 'list') return mergeLists(live, config, schema);
  const [lefts, rights] = [isObject(live) ? live : {}, isObject(config) ? config : {}];
  const merged: JsonObject = {};
  for (const field of new Set([...Object.keys(lefts), ...Object.keys(rights)])) {
    merged[field] = mergeFields(lefts[field], rights[field], childSchema(fieldElement(field), schema));
  }
  return merged;
}

/** Items of both keep the configuration's order; the others stay where they stood before the next shared one. */
function mergeLists(live: unknown, config: unknown, schema: Schema): readonly unknown[] {
  const lefts = elementsOf(live, schema);
  const rights = elementsOf(config, schema);
  const items = schema.items ?? {};
  const merged: unknown[] = [];
  const leftOrder = [...lefts.keys()];
  let next = 0;
  const takeUnshared = (): void => {
    while (next < leftOrder.length) {
      const element = leftOrder[next] ?? '';
      if (rights.has(element)) break;
      merged.push(cloneJson(lefts.get(element)));
      next += 1;
    }
  };
  for (const [element, item] of rights) {
    takeUnshared();
    merged.push(mergeFields(lefts.get(element), item, items));
    if (leftOrder[next] === element) next += 1;
    else if (lefts.has(element)) {
      // A shared item that comes earlier than it stood: its old place is passed over.
      const at = leftOrder.indexOf(element);
      if (at > next) leftOrder.splice(at, 1);
    }
  }
  for (; next < leftOrder.length; next += 1) {
    const element = leftOrder[next] ?? '';
    if (!rights.has(element)) merged.push(cloneJson(lefts.get(element)));
  }
  return merged;
}

/** @returns the object without the paths of the set. */
export function removeFields(value: unknown, remove: FieldSet, schema: Schema): unknown {
  const structure = structureOf(value, schema);
  if (structure === 'leaf' || isEmpty(remove)) return value;
  const kept = (item: unknown, element: string): unknown =>
    removeFields(
      item,
      remove.children.get(element) ?? { member: false, children: new Map() },
      childSchema(element, schema),
    );
  if (Array.isArray(value)) {
    const items: readonly unknown[] = value;
    const left = items
      .filter((item) => !hasPath(remove, itemElement(item, schema)))
      .map((item) => kept(item, itemElement(item, schema)));
    return left.length === 0 ? undefined : left;
  }
  if (!isObject(value)) return value;
  const left: JsonObject = {};
  for (const [field, item] of Object.entries(value)) {
    if (hasPath(remove, fieldElement(field))) continue;
    const inner = kept(item, fieldElement(field));
    if (inner !== undefined) left[field] = inner;
  }
  return Object.keys(left).length === 0 ? undefined : left;
}
