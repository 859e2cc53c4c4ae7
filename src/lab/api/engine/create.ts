/** Create: names, defaults, admission, validation, and the first write. */
import type { KubeObject } from '../../../istio/kubernetes.ts';
import { askPolicies } from '../admission/policies/admission-policies.ts';
import type { AdmissionPlugin } from '../api.ts';
import { trackUpdate } from '../fields/managed-fields.ts';
import { draftOf, ensureObject, freezeJson, type JsonObject, stringAt, toKubeObject } from '../json.ts';
import { formatApiVersion } from '../registry/registry.ts';
import type { Resource } from '../registry/resource.ts';
import { validateCustom } from '../schema/custom-validation.ts';
import { asGoPrints } from '../schema/go-zeros.ts';
import { applyDefaults } from '../schema/schema-defaults.ts';
import { pruneUnknown } from '../schema/unknown-fields.ts';
import { alreadyExists, badRequest, invalid, qualified } from '../status.ts';
import { type FieldError, required, toCauses } from '../validation/field-error.ts';
import { validateMetadata } from '../validation/metadata.ts';
import { isDns1123Subdomain } from '../validation/names.ts';
import { randomSuffix, timestamp } from './effects.ts';
import { dropNulls, type Engine, namespaceOf, objectKey, type WriteOptions } from './engine.ts';

/** Brings a client's object into the stored shape: unknown fields gone, nulls gone, defaults in. */
export function normalize(resource: Resource, draft: JsonObject): void {
  draft.apiVersion = formatApiVersion(resource.group, resource.storageVersion);
  draft.kind = resource.kind;
  const schema = resource.schema(resource.storageVersion);
  if (schema !== undefined) pruneUnknown(draft, schema);
  if (!resource.custom) {
    dropNulls(draft);
    if (schema !== undefined) asGoPrints(draft, schema);
  }
  if (schema !== undefined && resource.custom) applyDefaults(draft, schema);
  resource.strategy.defaults?.(draft);
}

/**
 * Creates an object.
 * @throws ApiStatus AlreadyExists, Invalid, Forbidden by admission, NotFound where the namespace is missing.
 */
export function createObject(
  engine: Engine,
  resource: Resource,
  input: JsonObject,
  options: WriteOptions,
): KubeObject {
  let draft = draftOf(input);
  const metadata = ensureObject(draft, 'metadata');
  if ((stringAt(metadata, 'resourceVersion') ?? '') !== '') {
    throw badRequest('resourceVersion should not be set on objects to be created');
  }
  nameIt(engine, resource, metadata);
  normalize(resource, draft);
  const name = stringAt(ensureObject(draft, 'metadata'), 'name') ?? '';
  if (name === '') {
    refuseInvalid(resource, '', [required('metadata.name', 'name or generateName is required')]);
  }
  const namespace = namespaceOf(ensureObject(draft, 'metadata'));
  const key = objectKey(namespace, name);
  // Admission sees the object as it will be, with its identity.
  const identity = ensureObject(draft, 'metadata');
  identity.uid = engine.effects.uuid();
  identity.creationTimestamp = timestamp(engine.effects.now());
  for (const field of [
    'deletionTimestamp',
    'deletionGracePeriodSeconds',
    'generation',
    'selfLink',
    'resourceVersion',
  ]) {
    delete identity[field];
  }
  if (resource.hasGeneration) identity.generation = 1;
  // Managers own what they sent; what admission and the strategy add belongs to nobody.
  trackUpdate(resource, undefined, draft, options, timestamp(engine.effects.now()));
  const managed = ensureObject(draft, 'metadata').managedFields;
  draft = admit(engine, resource, draft, undefined, options);
  if (resource.hasStatus && resource.strategy.keepsStatusOnCreate !== true) delete draft.status;
  resource.strategy.prepareForCreate?.(draft, engine.strategyContext);
  normalize(resource, draft);
  options.check?.(draft);
  refuseInvalid(resource, name, validateObject(resource, draft, undefined));
  if (engine.store.get(qualified(resource), key) !== undefined) throw alreadyExists(resource, name);
  if (managed !== undefined) ensureObject(draft, 'metadata').managedFields = managed;
  const object = toKubeObject(draft);
  askPolicies(engine, resource, { operation: 'CREATE', object }, options);
  if (options.dryRun === true) return freezeJson(object);
  return engine.store.put(qualified(resource), key, (revision) => sealed(draft, revision));
}

function nameIt(engine: Engine, resource: Resource, metadata: JsonObject): void {
  const prefix = stringAt(metadata, 'generateName') ?? '';
  if ((stringAt(metadata, 'name') ?? '') !== '' || prefix === '') return;
  for (let attempt = 0; attempt < 8; attempt += 1) {
    metadata.name = `${prefix.slice(0, 58)}${randomSuffix(engine.effects)}`;
    const key = objectKey(namespaceOf(metadata), String(metadata.name));
    if (engine.store.get(qualified(resource), key) === undefined) return;
  }
}

/** The object with its new revision, frozen: what is stored. */
export function sealed(draft: JsonObject, revision: number): KubeObject {
  const metadata = { ...ensureObject(draft, 'metadata'), resourceVersion: String(revision) };
  return freezeJson(toKubeObject({ ...draft, metadata }));
}

/** Asks the admission plug-ins in order; each may change the object or refuse it. */
export function admit(
  engine: Engine,
  resource: Resource,
  draft: JsonObject,
  previous: KubeObject | undefined,
  options: WriteOptions,
): JsonObject {
  const ask = (plugins: readonly AdmissionPlugin[], object: KubeObject): KubeObject =>
    plugins.reduce(
      (admitted, plugin) =>
        plugin({
          operation: previous === undefined ? 'CREATE' : 'UPDATE',
          resource: qualified(resource),
          namespace: admitted.metadata.namespace,
          object: admitted,
          ...(previous === undefined ? {} : { previous }),
          dryRun: options.dryRun === true,
        }),
      object,
    );
  const first = ask(engine.ownAdmission, toKubeObject(draft));
  const second = ask(engine.admission, first);
  // Containers that a webhook added get what the server gives to all containers.
  return draftOf(second === first ? first : ask(engine.ownAdmission, second));
}

/** Every check of one kind of object; `old` is the stored one on update. */
export function validateObject(
  resource: Resource,
  draft: JsonObject,
  old: JsonObject | undefined,
): readonly FieldError[] {
  const schema = resource.custom ? resource.schema(resource.storageVersion) : undefined;
  return [
    ...validateMetadata(draft, resource.namespaced, resource.strategy.nameRule ?? isDns1123Subdomain),
    ...(schema === undefined ? [] : validateCustom(draft, schema, old)),
    ...(resource.strategy.validate?.(draft, old) ?? []),
  ];
}

/** @throws ApiStatus Invalid where there is an error. */
export function refuseInvalid(resource: Resource, name: string, errors: readonly FieldError[]): void {
  if (errors.length > 0) throw invalid(resource.kind, resource.group, name, toCauses(errors));
}
