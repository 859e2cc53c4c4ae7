/**
 * One step of a path into an object, as managed fields write it: `f:name` for a field, `k:{...}` for an item of
 * a list by its keys, `v:...` for an item of a set by its value.
 */
import { isObject } from '../json.ts';
import type { Schema } from '../schema/schema.ts';
import { ownProperty } from '../schema/unknown-fields.ts';

export const fieldElement = (name: string): string => `f:${name}`;

/** @returns the element of a list's item; the missing keys of an item take their default (a port's protocol). */
export function itemElement(item: unknown, list: Schema): string {
  const keys = list['x-kubernetes-list-map-keys'];
  if (keys === undefined || !isObject(item)) return `v:${JSON.stringify(item)}`;
  const identity: Record<string, unknown> = {};
  for (const key of [...keys].sort()) {
    const value = item[key] ?? ownProperty(list.items?.properties, key)?.default;
    if (value !== undefined) identity[key] = value;
  }
  return `k:${JSON.stringify(identity)}`;
}

/** How the API server prints an element in the path of a conflict: `.image`, `[name="web"]`, `[="x"]`. */
export function printElement(element: string): string {
  if (element.startsWith('f:')) return `.${element.slice(2)}`;
  if (element.startsWith('v:')) return `[=${element.slice(2)}]`;
  const parsed: unknown = JSON.parse(element.slice(2));
  const pairs = Object.entries(isObject(parsed) ? parsed : {}).map(
    ([key, value]) => `${key}=${JSON.stringify(value)}`,
  );
  return `[${pairs.join(',')}]`;
}
