/** Delete: at once, after a grace period, or when the last finalizer is gone. */
import type { KubeObject } from '../../../istio/kubernetes.ts';
import { askPolicies } from '../admission/policies/admission-policies.ts';
import {
  draftOf,
  ensureObject,
  freezeJson,
  type JsonObject,
  numberAt,
  stringAt,
  stringsAt,
  toKubeObject,
} from '../json.ts';
import type { Resource } from '../registry/resource.ts';
import { conflict, qualified } from '../status.ts';
import { sealed } from './create.ts';
import { timestamp } from './effects.ts';
import { type Engine, mustGet, objectKey, type WriteOptions } from './engine.ts';

export interface DeleteOptions extends Pick<Partial<WriteOptions>, 'user' | 'onWarning' | 'version'> {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: 'Orphan' | 'Background' | 'Foreground';
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly dryRun?: boolean;
}

/** What became of the object: gone, or marked and waiting. */
export interface Deletion {
  readonly gone: boolean;
  readonly object: KubeObject;
}

const foreground = 'foregroundDeletion';
const orphan = 'orphan';

/**
 * Deletes an object, or marks it for deletion where a grace period or a finalizer holds it.
 * @throws ApiStatus NotFound, or Conflict where a precondition fails.
 */
export function deleteObject(
  engine: Engine,
  resource: Resource,
  namespace: string | undefined,
  name: string,
  options: DeleteOptions,
): Deletion {
  const old = mustGet(engine, resource, namespace, name);
  checkPreconditions(resource, old, options);
  askAdmission(engine, resource, old, options);
  askPolicies(engine, resource, { operation: 'DELETE', oldObject: old }, options);
  const draft = draftOf(old);
  const grace = graceOf(resource, draft, options);
  const finalizers = finalizersOf(draft, options);
  const isNamespace = qualified(resource) === 'namespaces';
  const isHeld =
    finalizers.length > 0 || (isNamespace && stringsAt(ensureObject(draft, 'spec'), 'finalizers').length > 0);
  const key = objectKey(namespace, name);
  if (grace === 0 && !isHeld) {
    if (options.dryRun === true) return { gone: true, object: old };
    const object = engine.store.delete(qualified(resource), key, (_previous, revision) =>
      sealed(draft, revision),
    );
    return { gone: true, object: object ?? old };
  }
  if (!mark(engine, draft, old, grace, finalizers, isNamespace)) return { gone: false, object: old };
  if (options.dryRun === true) return { gone: false, object: freezeJson(toKubeObject(draft)) };
  return {
    gone: false,
    object: engine.store.put(qualified(resource), key, (revision) => sealed(draft, revision)),
  };
}

function checkPreconditions(resource: Resource, old: KubeObject, options: DeleteOptions): void {
  const { uid, resourceVersion } = options.preconditions ?? {};
  const { name } = old.metadata;
  // The real server names the kind here, where everywhere else it names the resource.
  const subject = { group: resource.group, resource: resource.kind };
  if (uid !== undefined && uid !== old.metadata.uid) {
    const why = `the UID in the precondition (${uid}) does not match the UID in record (${old.metadata.uid ?? ''}). The object might have been deleted and then recreated`;
    throw conflict(subject, name, why);
  }
  if (resourceVersion !== undefined && resourceVersion !== old.metadata.resourceVersion) {
    const why = `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${old.metadata.resourceVersion ?? ''}). The object might have been modified`;
    throw conflict(subject, name, why);
  }
}

function askAdmission(engine: Engine, resource: Resource, old: KubeObject, options: DeleteOptions): void {
  for (const plugin of [...engine.ownAdmission, ...engine.admission]) {
    plugin({
      operation: 'DELETE',
      resource: qualified(resource),
      namespace: old.metadata.namespace,
      object: old,
      previous: old,
      dryRun: options.dryRun === true,
    });
  }
}

/** Kinds that know no grace are deleted at once, whatever was asked. */
function graceOf(resource: Resource, draft: JsonObject, options: DeleteOptions): number {
  const ownGrace = resource.strategy.gracePeriod?.(draft) ?? 0;
  if (ownGrace === 0) return 0;
  const asked = options.gracePeriodSeconds ?? ownGrace;
  return asked < 0 ? 1 : asked;
}

function finalizersOf(draft: JsonObject, options: DeleteOptions): readonly string[] {
  const present = stringsAt(ensureObject(draft, 'metadata'), 'finalizers');
  const others = present.filter((one) => one !== foreground && one !== orphan);
  if (options.propagationPolicy === 'Foreground') return [...others, foreground];
  if (options.propagationPolicy === 'Orphan') return [...others, orphan];
  if (options.propagationPolicy === 'Background') return others;
  return present;
}

/** Writes the marks of a deletion into the draft. @returns false where they already stand. */
function mark(
  engine: Engine,
  draft: JsonObject,
  old: KubeObject,
  grace: number,
  finalizers: readonly string[],
  isNamespace: boolean,
): boolean {
  const metadata = ensureObject(draft, 'metadata');
  const marked = stringAt(metadata, 'deletionTimestamp') !== undefined;
  const before = numberAt(metadata, 'deletionGracePeriodSeconds') ?? 0;
  // A second deletion may only shorten the grace of the first.
  if (
    marked &&
    grace >= before &&
    !isNamespace &&
    finalizers.length === stringsAt(metadata, 'finalizers').length
  ) {
    return false;
  }
  if (marked && isNamespace) {
    throw conflict(
      { group: '', resource: 'namespaces' },
      old.metadata.name,
      'The system is ensuring all content is removed from this namespace.  Upon completion, this namespace will automatically be purged by the system.',
    );
  }
  const now = engine.effects.now();
  if (!marked || grace < before)
    metadata.deletionTimestamp = timestamp(new Date(now.getTime() + grace * 1000));
  if (!isNamespace) metadata.deletionGracePeriodSeconds = grace;
  const generation = numberAt(metadata, 'generation');
  if (!marked && generation !== undefined) metadata.generation = generation + 1;
  if (finalizers.length > 0) metadata.finalizers = finalizers;
  else delete metadata.finalizers;
  if (isNamespace) ensureObject(draft, 'status').phase = 'Terminating';
  return true;
}
