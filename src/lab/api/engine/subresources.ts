/** Writes that go past an object's main door: finalizing a namespace, binding a pod to a node. */
import type { KubeObject } from '../../../istio/kubernetes.ts';
import { trackUpdate } from '../fields/managed-fields.ts';
import {
  draftOf,
  ensureObject,
  freezeJson,
  type JsonObject,
  objectAt,
  objectsAt,
  stringAt,
  stringsAt,
  toKubeObject,
} from '../json.ts';
import type { Resource } from '../registry/resource.ts';
import { badRequest, conflict, qualified } from '../status.ts';
import { sealed } from './create.ts';
import { timestamp } from './effects.ts';
import { type Engine, mustGet, objectKey, type WriteOptions } from './engine.ts';
import { addTopologyLabels } from './topology-labels.ts';

/** Sets a namespace's `spec.finalizers`; one that is being deleted goes with its last. */
export function finalizeNamespace(
  engine: Engine,
  resource: Resource,
  body: JsonObject,
  options: WriteOptions,
): KubeObject {
  const name = stringAt(objectAt(body, 'metadata'), 'name') ?? '';
  const old = mustGet(engine, resource, undefined, name);
  const draft = draftOf(old);
  const finalizers = stringsAt(objectAt(body, 'spec'), 'finalizers');
  const spec = ensureObject(draft, 'spec');
  if (finalizers.length === 0) delete spec.finalizers;
  else spec.finalizers = finalizers;
  trackUpdate(resource, old, draft, { ...options, subresource: 'finalize' }, timestamp(engine.effects.now()));
  if (options.dryRun === true) return freezeJson(toKubeObject(draft));
  const isGoing =
    old.metadata.deletionTimestamp !== undefined &&
    finalizers.length === 0 &&
    (old.metadata.finalizers ?? []).length === 0;
  if (!isGoing) return engine.store.put(qualified(resource), name, (revision) => sealed(draft, revision));
  return (
    engine.store.delete(qualified(resource), name, (_previous, revision) => sealed(draft, revision)) ?? old
  );
}

/** Gives a pod its node, as the scheduler does. */
export function bindPod(
  engine: Engine,
  resource: Resource,
  namespace: string,
  name: string,
  binding: JsonObject,
  options: WriteOptions,
): KubeObject {
  const node = stringAt(objectAt(binding, 'target'), 'name') ?? '';
  if (node === '') throw badRequest('binding.target.name: Required value');
  const old = mustGet(engine, resource, namespace, name);
  const draft = draftOf(old);
  const spec = ensureObject(draft, 'spec');
  const present = stringAt(spec, 'nodeName') ?? '';
  if (present !== '') {
    throw conflict(
      { group: '', resource: 'pods/binding' },
      name,
      `pod ${name} is already assigned to node "${present}"`,
    );
  }
  if (old.metadata.deletionTimestamp !== undefined) {
    throw conflict(
      { group: '', resource: 'pods/binding' },
      name,
      `pod ${name} is being deleted, cannot be assigned to a host`,
    );
  }
  spec.nodeName = node;
  addTopologyLabels(engine, draft, node);
  const now = timestamp(engine.effects.now());
  const status = ensureObject(draft, 'status');
  status.conditions = [
    ...objectsAt(status, 'conditions').filter((condition) => condition.type !== 'PodScheduled'),
    { type: 'PodScheduled', status: 'True', lastProbeTime: null, lastTransitionTime: now },
  ];
  trackUpdate(resource, old, draft, { ...options, subresource: 'binding' }, now);
  if (options.dryRun === true) return freezeJson(toKubeObject(draft));
  return engine.store.put(qualified(resource), objectKey(namespace, name), (revision) =>
    sealed(draft, revision),
  );
}
