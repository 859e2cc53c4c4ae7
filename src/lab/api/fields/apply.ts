/**
 * Server-side apply: an applier states the fields it wants; what it no longer states and nobody else owns goes;
 * what another manager set to another value is a conflict, unless the applier insists.
 */
import { isObject, type JsonObject, objectAt, stringAt } from '../json.ts';
import type { Schema } from '../schema/schema.ts';
import { ApiStatus, type StatusCause } from '../status.ts';
import { compareFields, fieldsOf } from './compare.ts';
import {
  difference,
  emptySet,
  type FieldSet,
  intersection,
  isEmpty,
  printPaths,
  union,
  withNamedFields,
  withoutFields,
} from './field-set.ts';
import { withoutManagedFields } from './managed-fields.ts';
import { identityOf, type Manager, printManager, readManagers, unowned, writeManagers } from './managers.ts';
import { mergeFields, removeFields } from './merge.ts';

export interface ApplyRequest {
  /** The stored object, or an empty one of the kind. */
  readonly live: JsonObject;
  readonly config: JsonObject;
  readonly schema: Schema;
  readonly manager: Omit<Manager, 'fields'>;
  readonly force: boolean;
  /** Top-level fields that this request cannot own. */
  readonly ignored: readonly string[];
}

export interface Applied {
  readonly object: JsonObject;
  readonly managedFields: readonly JsonObject[];
}

/** @throws ApiStatus Conflict, with one cause for each field that another manager owns. */
export function applyFields(request: ApplyRequest): Applied {
  const { schema, config } = request;
  const managers = readManagers(request.live);
  const live = withoutManagedFields(request.live);
  recordWhatWas(request, managers, live);
  const identity = identityOf(request.manager);
  const known = managers.get(identity);
  const last = known?.fields ?? emptySet;
  const stated = withoutFields(fieldsOf(config, schema), request.ignored);
  const fields = difference(stated, unowned);
  managers.set(identity, { ...request.manager, fields });
  const merged = asObject(mergeFields(live, config, schema));
  const object = isEmpty(last) ? merged : prune(merged, last, { managers, stated }, schema);
  const { added, modified, removed } = compareFields(live, object, schema);
  const changed = union(added, modified);
  // An apply that changes no value keeps the time of the last one that did; a first one has none.
  if (isEmpty(changed) && isEmpty(removed)) {
    managers.set(identity, { ...request.manager, fields, time: known?.time ?? '' });
  }
  const conflicts = conflictsWith(managers, identity, changed);
  if (conflicts.length > 0 && !request.force && !isOwnLastApplied(request, conflicts))
    throw conflictStatus(conflicts);
  for (const [key, manager] of managers) {
    if (key === identity) continue;
    managers.set(key, {
      ...manager,
      fields: difference(manager.fields, union(intersection(manager.fields, changed), removed)),
    });
  }
  return { object, managedFields: writeManagers(managers.values()) };
}

/** What an object without a record holds was written before the first apply, by nobody knows whom. */
function recordWhatWas(request: ApplyRequest, managers: Map<string, Manager>, live: JsonObject): void {
  if (managers.size > 0 || stringAt(objectAt(live, 'metadata'), 'uid') === undefined) return;
  const fields = difference(withoutFields(fieldsOf(live, request.schema), ['status']), unowned);
  const before: Manager = {
    ...request.manager,
    name: 'before-first-apply',
    operation: 'Update',
    subresource: '',
    fields,
  };
  if (!isEmpty(fields)) managers.set(identityOf(before), before);
}

function asObject(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

/** Takes out what the applier stated last time, no longer states, and nobody else owns. */
function prune(
  merged: JsonObject,
  last: FieldSet,
  { managers, stated }: { readonly managers: ReadonlyMap<string, Manager>; readonly stated: FieldSet },
  schema: Schema,
): JsonObject {
  const named = (set: FieldSet): FieldSet => withNamedFields(set, schema);
  const everything = named(fieldsOf(merged, schema));
  // The name is stated and never owned: without it an object whose last label goes would lose its metadata.
  const owned = named([...managers.values()].reduce((all, manager) => union(all, manager.fields), stated));
  const pruned = removeFields(merged, named(last), schema);
  const left = named(fieldsOf(asObject(pruned), schema));
  const withOwned = removeFields(merged, difference(everything, union(left, owned)), schema);
  const kept = named(fieldsOf(asObject(withOwned), schema));
  // What was not the applier's before is left alone, also where nobody owns it.
  const gone = intersection(difference(everything, kept), named(last));
  return asObject(removeFields(merged, gone, schema));
}

interface Conflict {
  readonly manager: Manager;
  readonly fields: FieldSet;
}

function conflictsWith(
  managers: ReadonlyMap<string, Manager>,
  self: string,
  changed: FieldSet,
): readonly Conflict[] {
  return [...managers]
    .filter(([identity]) => identity !== self)
    .map(([, manager]) => ({ manager, fields: intersection(manager.fields, changed) }))
    .filter((conflict) => !isEmpty(conflict.fields));
}

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

/** kubectl may take over what kubectl itself applied client-side: the annotation says what that was. */
function isOwnLastApplied(request: ApplyRequest, conflicts: readonly Conflict[]): boolean {
  if (request.manager.name !== 'kubectl') return false;
  const text = stringAt(objectAt(objectAt(request.live, 'metadata'), 'annotations'), lastApplied);
  if (text === undefined) return false;
  const applied: unknown = JSON.parse(text);
  const allowed = fieldsOf(applied, request.schema);
  return conflicts.every((conflict) => isEmpty(difference(conflict.fields, allowed)));
}

function conflictStatus(conflicts: readonly Conflict[]): ApiStatus {
  const causes: StatusCause[] = conflicts.flatMap(({ manager, fields }) =>
    printPaths(fields).map((field) => ({
      reason: 'FieldManagerConflict',
      message: `conflict with ${printManager(manager)}`,
      field,
    })),
  );
  const [first] = causes;
  if (causes.length === 1 && first !== undefined) {
    return new ApiStatus('Conflict', `Apply failed with 1 conflict: ${first.message}: ${first.field ?? ''}`, {
      causes,
    });
  }
  const lines = conflicts
    .toSorted((a, b) => (a.manager.name < b.manager.name ? -1 : 1))
    .flatMap(({ manager, fields }) => [
      `conflicts with ${printManager(manager)}:`,
      ...printPaths(fields).map((path) => `- ${path}`),
    ]);
  return new ApiStatus('Conflict', `Apply failed with ${causes.length} conflicts: ${lines.join('\n')}`, {
    causes,
  });
}
