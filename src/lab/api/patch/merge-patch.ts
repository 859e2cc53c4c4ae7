/** JSON Merge Patch (RFC 7396): objects merge, null removes, everything else replaces. */
import { cloneJson, isObject, type JsonObject } from '../json.ts';

/** @returns a new document; neither argument is changed. */
export function applyMergePatch(document: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return cloneJson(patch);
  const merged: JsonObject = isObject(document) ? { ...document } : {};
  for (const [field, value] of Object.entries(patch)) {
    if (value === null) delete merged[field];
    else merged[field] = applyMergePatch(merged[field], value);
  }
  return merged;
}
