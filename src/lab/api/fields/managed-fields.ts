/** Who wrote which field: `metadata.managedFields`, kept on every write. */
import type { KubeObject } from '../../../istio/kubernetes.ts';
import type { WriteOptions } from '../engine/engine.ts';
import { draftOf, ensureObject, type JsonObject } from '../json.ts';
import { formatApiVersion } from '../registry/registry.ts';
import type { Resource } from '../registry/resource.ts';
import { emptyObject } from '../schema/go-zeros.ts';
import type { Schema } from '../schema/schema.ts';
import { compareFields } from './compare.ts';
import { difference, emptySet, intersection, isEmpty, union, withoutFields } from './field-set.ts';
import { identityOf, type Manager, readManagers, unowned, writeManagers } from './managers.ts';

/** Managers by updates that are kept apart; the oldest beyond this are put together as `ancient-changes`. */
const maxUpdateManagers = 10;

/** Records, in the draft's own metadata, that a manager wrote the draft over the old object. */
export function trackUpdate(
  resource: Resource,
  old: KubeObject | undefined,
  draft: JsonObject,
  options: WriteOptions,
  time: string,
): void {
  if (options.applied === true) return;
  const version = options.version ?? resource.storageVersion;
  const schema = resource.schema(resource.storageVersion);
  if (schema === undefined) return;
  const metadata = ensureObject(draft, 'metadata');
  const before = old === undefined ? undefined : draftOf(old);
  // Setting the list to nothing is how a client starts the record anew.
  const isReset = Array.isArray(metadata.managedFields) && isResetList(metadata.managedFields);
  const own = options.subresource === undefined ? readManagers(draft) : new Map<string, Manager>();
  const managers = isReset ? new Map<string, Manager>() : own.size > 0 ? own : readManagers(before);
  delete metadata.managedFields;
  // Who starts without a record is not recorded until somebody applies: as the real server has it.
  if (before !== undefined && managers.size === 0 && own.size === 0 && readManagers(before).size === 0)
    return;
  const live = before ?? emptyObject(String(draft.apiVersion), resource.kind, schema, resource.custom);
  recordUpdate(
    managers,
    live,
    draft,
    schema,
    {
      name: options.manager,
      operation: 'Update',
      apiVersion: formatApiVersion(resource.group, version),
      subresource: options.subresource ?? '',
      time,
      fields: emptySet,
    },
    ignoredFields(resource, options.subresource),
  );
  const written = writeManagers(managers.values());
  if (written.length > 0) metadata.managedFields = written;
}

function isResetList(list: readonly unknown[]): boolean {
  return list.length === 0 || (list.length === 1 && JSON.stringify(list[0]) === '{}');
}

/** Fields that a write of this kind cannot change, whatever its body says. */
export function ignoredFields(resource: Resource, subresource: string | undefined): readonly string[] {
  if (subresource === 'status') return ['spec', 'metadata'];
  return resource.hasStatus && subresource === undefined ? ['status'] : [];
}

function recordUpdate(
  managers: Map<string, Manager>,
  live: JsonObject,
  draft: JsonObject,
  schema: Schema,
  self: Manager,
  ignored: readonly string[],
): void {
  const comparison = compareFields(withoutManagedFields(live), draft, schema);
  const changed = union(comparison.modified, comparison.added);
  takeFrom(managers, changed, comparison.removed);
  const mine = difference(withoutFields(changed, ignored), unowned);
  if (isEmpty(mine)) return;
  const identity = identityOf(self);
  const present = managers.get(identity)?.fields ?? emptySet;
  managers.set(identity, { ...self, fields: union(present, mine) });
  capManagers(managers);
}

export function withoutManagedFields(object: JsonObject): JsonObject {
  const { managedFields: _managedFields, ...metadata } = ensureObject({ ...object }, 'metadata');
  return { ...object, metadata };
}

/** What was changed by another is no longer theirs; what is gone is nobody's. */
function takeFrom(
  managers: Map<string, Manager>,
  changed: Manager['fields'],
  removed: Manager['fields'],
): void {
  for (const [identity, manager] of managers) {
    const lost = union(intersection(manager.fields, changed), removed);
    const fields = difference(manager.fields, lost);
    if (isEmpty(fields)) managers.delete(identity);
    else managers.set(identity, { ...manager, fields });
  }
}

function capManagers(managers: Map<string, Manager>): void {
  const updaters = [...managers.entries()].filter(([, manager]) => manager.operation === 'Update');
  if (updaters.length <= maxUpdateManagers) return;
  const oldest = updaters
    .toSorted(([, a], [, b]) => (a.time < b.time ? -1 : 1))
    .slice(0, updaters.length - maxUpdateManagers + 1);
  for (const [identity, manager] of oldest) {
    managers.delete(identity);
    const bucket = { ...manager, name: 'ancient-changes', subresource: '' };
    const present = managers.get(identityOf(bucket));
    managers.set(identityOf(bucket), {
      ...bucket,
      fields: union(present?.fields ?? emptySet, manager.fields),
    });
  }
}
