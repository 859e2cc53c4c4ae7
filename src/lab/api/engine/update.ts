/** Update: of an object, or of its status alone. */
import type { KubeObject } from '../../../istio/kubernetes.ts';
import { askPolicies } from '../admission/policies/admission-policies.ts';
import { trackUpdate } from '../fields/managed-fields.ts';
import {
  cloneJson,
  draftOf,
  ensureObject,
  equalJson,
  freezeJson,
  type JsonObject,
  stringAt,
  stringsAt,
  toKubeObject,
} from '../json.ts';
import type { Resource } from '../registry/resource.ts';
import { conflict, modifiedConflict, qualified } from '../status.ts';
import { validateMetadataUpdate } from '../validation/metadata.ts';
import { admit, normalize, refuseInvalid, sealed, validateObject } from './create.ts';
import { timestamp } from './effects.ts';
import { type Engine, mustGet, objectKey, type WriteOptions } from './engine.ts';

/**
 * Changes a stored object to what `change` makes of it. An update that changes nothing writes nothing.
 * @throws ApiStatus NotFound, Conflict, Invalid, Forbidden by admission.
 */
export function updateObject(
  engine: Engine,
  resource: Resource,
  namespace: string | undefined,
  name: string,
  change: (old: KubeObject) => JsonObject,
  options: WriteOptions,
): KubeObject {
  const old = mustGet(engine, resource, namespace, name);
  let draft = draftOf(change(old));
  checkPreconditions(resource, draft, old);
  keepSystemMetadata(draft, old);
  if (options.subresource === 'status') draft = withStatusOf(draft, old);
  else if (resource.hasStatus && options.subresource === undefined) keepStatus(draft, old);
  normalize(resource, draft);
  trackUpdate(resource, old, draft, options, timestamp(engine.effects.now()));
  const managed = ensureObject(draft, 'metadata').managedFields;
  draft = admit(engine, resource, draft, old, options);
  setManagedFields(draft, managed);
  if (options.subresource === undefined) {
    resource.strategy.prepareForUpdate?.(draft, draftOf(old), engine.strategyContext);
  }
  normalize(resource, draft);
  countGeneration(resource, draft, old);
  options.check?.(draft);
  refuseInvalid(resource, name, [
    // Twice, as the real server: once for every kind, once by the kind's own rules. Causes are listed twice, sentences once.
    ...validateMetadataUpdate(draft, draftOf(old)),
    ...validateMetadataUpdate(draft, draftOf(old)),
    ...validateObject(resource, draft, draftOf(old)),
  ]);
  const object = toKubeObject(draft);
  askPolicies(engine, resource, { operation: 'UPDATE', object, oldObject: old }, options);
  if (options.dryRun === true) return freezeJson(object);
  if (isUnchanged(draft, old)) return old;
  const key = objectKey(namespace, name);
  if (isReadyToGo(resource, draft)) {
    const last = engine.store.delete(qualified(resource), key, (_previous, revision) =>
      sealed(draft, revision),
    );
    return last ?? old;
  }
  return engine.store.put(qualified(resource), key, (revision) => sealed(draft, revision));
}

/** Admission's own changes belong to no manager. */
function setManagedFields(draft: JsonObject, managed: unknown): void {
  const metadata = ensureObject(draft, 'metadata');
  if (managed === undefined) delete metadata.managedFields;
  else metadata.managedFields = managed;
}

function checkPreconditions(resource: Resource, draft: JsonObject, old: KubeObject): void {
  const metadata = ensureObject(draft, 'metadata');
  const { name } = old.metadata;
  const uid = stringAt(metadata, 'uid') ?? '';
  if (uid !== '' && uid !== old.metadata.uid) {
    const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${old.metadata.uid ?? ''}`;
    throw conflict(resource, name, why);
  }
  const version = stringAt(metadata, 'resourceVersion') ?? '';
  if (version !== '' && version !== old.metadata.resourceVersion) throw modifiedConflict(resource, name);
}

/** What only the server writes stays as it is, whatever the client sent or left out. */
function keepSystemMetadata(draft: JsonObject, old: KubeObject): void {
  const metadata = ensureObject(draft, 'metadata');
  for (const field of ['uid', 'creationTimestamp'] as const) {
    metadata[field] ??= old.metadata[field];
  }
  const before = draftOf(old.metadata as unknown as JsonObject);
  for (const field of [
    'deletionTimestamp',
    'deletionGracePeriodSeconds',
    'generation',
    'resourceVersion',
    'generateName',
  ]) {
    if (before[field] === undefined) delete metadata[field];
    else metadata[field] = before[field];
  }
  metadata.managedFields ??= cloneJson(old.metadata.managedFields);
}

function withStatusOf(draft: JsonObject, old: KubeObject): JsonObject {
  const kept = draftOf(old);
  ensureObject(kept, 'metadata').managedFields = ensureObject(draft, 'metadata').managedFields;
  if (draft.status === undefined) delete kept.status;
  else kept.status = draft.status;
  return kept;
}

function keepStatus(draft: JsonObject, old: KubeObject): void {
  if (old.status === undefined) delete draft.status;
  else draft.status = cloneJson(old.status);
}

/** The generation counts changes of what people declare: everything but metadata and status. */
function countGeneration(resource: Resource, draft: JsonObject, old: KubeObject): void {
  const generation = old.metadata.generation;
  if (!resource.hasGeneration || generation === undefined) return;
  const { metadata: _m, status: _s, ...declared } = draft;
  const { metadata: _om, status: _os, ...before } = old;
  if (!equalJson(declared, before)) ensureObject(draft, 'metadata').generation = generation + 1;
}

/** Equal but for who wrote when: such an update is none. */
function isUnchanged(draft: JsonObject, old: KubeObject): boolean {
  const { managedFields: _m, ...metadata } = ensureObject(draft, 'metadata');
  const { managedFields: _o, ...before } = old.metadata;
  if (!equalJson({ ...draft, metadata }, { ...old, metadata: before })) return false;
  return equalJson(withoutTimes(draft.metadata), withoutTimes(old.metadata));
}

function withoutTimes(metadata: unknown): unknown {
  const copy: unknown = cloneJson(metadata);
  const entries: unknown =
    typeof copy === 'object' && copy !== null && 'managedFields' in copy ? copy.managedFields : [];
  if (Array.isArray(entries)) {
    for (const entry of entries)
      if (typeof entry === 'object' && entry !== null && 'time' in entry) delete entry.time;
  }
  return copy;
}

/** True where a deletion waited for the last finalizer, and it is gone. */
function isReadyToGo(resource: Resource, draft: JsonObject): boolean {
  const metadata = ensureObject(draft, 'metadata');
  if (stringAt(metadata, 'deletionTimestamp') === undefined) return false;
  if (stringsAt(metadata, 'finalizers').length > 0) return false;
  if (qualified(resource) === 'namespaces' && stringsAt(ensureObject(draft, 'spec'), 'finalizers').length > 0)
    return false;
  return (metadata.deletionGracePeriodSeconds ?? 0) === 0;
}
