/**
 * Strategic merge patch: a merge patch that knows from the schema which lists are merged item by item, and by
 * which key, with the directives that kubectl writes (`$patch`, `$retainKeys`, `$setElementOrder/...`,
 * `$deleteFromPrimitiveList/...`).
 */
import { cloneJson, equalJson, isObject, type JsonObject } from '../json.ts';
import { mapValues, type Schema } from '../schema/schema.ts';
import { ownProperty } from '../schema/unknown-fields.ts';
import { ApiStatus } from '../status.ts';
import { goPrint } from './go-print.ts';

const directive = '$patch';
const retainKeys = '$retainKeys';
const orderPrefix = '$setElementOrder/';
const deletePrefix = '$deleteFromPrimitiveList/';

/** @returns a new document. @throws ApiStatus BadRequest where a merged list's item lacks its key. */
export function applyStrategicMergePatch(
  document: JsonObject,
  patch: JsonObject,
  schema: Schema,
): JsonObject {
  return mergeObject(document, patch, schema);
}

function mergeObject(original: JsonObject, patch: JsonObject, schema: Schema): JsonObject {
  if (patch[directive] === 'delete') return {};
  if (patch[directive] === 'replace') return withoutDirectives(patch);
  refuseUnknown(patch);
  const merged = retained(original, patch[retainKeys]);
  for (const [field, value] of Object.entries(patch)) {
    if (field === directive || field === retainKeys || field.startsWith(orderPrefix)) continue;
    if (field.startsWith(deletePrefix)) {
      const name = field.slice(deletePrefix.length);
      if (patch[name] === undefined) merged[name] = withoutValues(merged[name], value);
      continue;
    }
    if (value === null) {
      delete merged[field];
      continue;
    }
    const known = ownProperty(schema.properties, field) ?? mapValues(schema) ?? {};
    merged[field] = mergeValue(merged[field], value, known, {
      order: patch[`${orderPrefix}${field}`],
      deleted: patch[`${deletePrefix}${field}`],
      field,
    });
  }
  orderUntouched(merged, patch, schema);
  return merged;
}

/** @throws ApiStatus (500, as the real server has it) for a `$patch` of another kind. */
function refuseUnknown(patch: JsonObject): void {
  const asked = patch[directive];
  if (asked === undefined || asked === 'merge') return;
  throw new ApiStatus('Unknown', `unknown patch type: ${goPrint(asked)} in map: ${goPrint(patch)}`);
}

interface ListDirectives {
  readonly order: unknown;
  readonly deleted: unknown;
  readonly field: string;
}

function mergeValue(original: unknown, patch: unknown, schema: Schema, directives: ListDirectives): unknown {
  if (isObject(patch)) {
    const base = isObject(original) && schema['x-kubernetes-patch-strategy'] !== 'replace' ? original : {};
    return mergeObject(base, patch, schema);
  }
  if (Array.isArray(patch)) {
    const isMerged = schema['x-kubernetes-patch-strategy']?.split(',').includes('merge') === true;
    if (!isMerged) return cloneJson(patch);
    const list: readonly unknown[] = Array.isArray(original) ? original : [];
    const key = schema['x-kubernetes-patch-merge-key'];
    return key === undefined
      ? mergePrimitives(list, patch, directives)
      : mergeItems(list, patch, key, schema.items ?? {}, directives);
  }
  return cloneJson(patch);
}

/** Lists of which the patch gives the order alone are put into that order. */
function orderUntouched(merged: JsonObject, patch: JsonObject, schema: Schema): void {
  for (const [field, order] of Object.entries(patch)) {
    if (!field.startsWith(orderPrefix)) continue;
    const name = field.slice(orderPrefix.length);
    const list = merged[name];
    if (patch[name] !== undefined || !Array.isArray(list)) continue;
    const key = ownProperty(schema.properties, name)?.['x-kubernetes-patch-merge-key'];
    merged[name] = inOrder(list, order, list, key);
  }
}

function retained(original: JsonObject, keys: unknown): JsonObject {
  if (!Array.isArray(keys)) return { ...original };
  return Object.fromEntries(Object.entries(original).filter(([field]) => keys.includes(field)));
}

function withoutValues(list: unknown, values: unknown): unknown {
  if (!Array.isArray(list) || !Array.isArray(values)) return list;
  return list.filter((item) => !values.includes(item));
}

function mergePrimitives(
  original: readonly unknown[],
  patch: readonly unknown[],
  directives: ListDirectives,
): unknown {
  const kept = withoutValues([...original], directives.deleted);
  const list: readonly unknown[] = Array.isArray(kept) ? kept : [];
  const added = patch.filter((item, index) => !list.includes(item) && patch.indexOf(item) === index);
  return inOrder([...list, ...added], directives.order ?? patch, original, undefined);
}

function mergeItems(
  original: readonly unknown[],
  patch: readonly unknown[],
  key: string,
  schema: Schema,
  directives: ListDirectives,
): unknown {
  if (patch.some((item) => isObject(item) && item[directive] === 'replace')) {
    return patch
      .filter((item) => !(isObject(item) && item[directive] === 'replace'))
      .map((item) => withoutDirectives(item));
  }
  let merged = [...original];
  for (const item of patch) {
    if (!isObject(item)) continue;
    if (item[key] === undefined) {
      throw new ApiStatus('Unknown', `map: ${goPrint(item)} does not contain declared merge key: ${key}`);
    }
    const at = merged.findIndex((one) => isObject(one) && equalJson(one[key], item[key]));
    if (item[directive] === 'delete') {
      merged = merged.filter((one) => !(isObject(one) && equalJson(one[key], item[key])));
      continue;
    }
    const present = merged[at];
    if (at === -1 || !isObject(present)) merged.push(withoutDirectives(item));
    else merged[at] = mergeObject(present, item, schema);
  }
  // Without an order of its own the patch's items come first, in the patch's order.
  return inOrder(merged, directives.order ?? patch, original, key);
}

/** Directives stand in patches only: what a patch adds is added without them. */
function withoutDirectives<T>(value: T): T;
function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value
      .filter((item) => !(isObject(item) && item[directive] === 'delete'))
      .map((item: unknown) => withoutDirectives(item));
  }
  if (!isObject(value)) return value;
  const kept: JsonObject = {};
  for (const [field, item] of Object.entries(value)) {
    if (
      field === directive ||
      field === retainKeys ||
      field.startsWith(orderPrefix) ||
      field.startsWith(deletePrefix)
    )
      continue;
    if (item !== null) kept[field] = withoutDirectives(item);
  }
  return kept;
}

/**
 * Items that the patch puts in order come in its order; the others keep their places relative to what stood
 * before and after them.
 */
function inOrder(
  list: readonly unknown[],
  order: unknown,
  server: readonly unknown[],
  key: string | undefined,
): readonly unknown[] {
  if (!Array.isArray(order)) return list;
  const identity = (item: unknown): string =>
    JSON.stringify(key !== undefined && isObject(item) ? item[key] : item);
  const wanted = order.map(identity);
  const rank = new Map(server.map((item, index) => [identity(item), index]));
  const ordered = wanted.flatMap((one) => list.filter((item) => identity(item) === one));
  const others = list.filter((item) => !wanted.includes(identity(item)));
  const result: unknown[] = [];
  let left = 0;
  let right = 0;
  while (left < ordered.length || right < others.length) {
    const leftRank = rank.get(identity(ordered[left]));
    const rightRank = rank.get(identity(others[right]));
    const takesRight =
      left >= ordered.length ||
      (right < others.length && rightRank !== undefined && leftRank !== undefined && rightRank < leftRank);
    if (takesRight) result.push(others[right++]);
    else result.push(ordered[left++]);
  }
  return result;
}
