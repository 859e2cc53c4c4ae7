/** Keys of objects in work queues, `NAMESPACE/NAME`, and the way from an owned object to its owner. */
import type { KubeObject, OwnerReference } from '../../istio/kubernetes.ts';
import type { Change } from '../api/api.ts';

export interface NamespacedName {
  readonly namespace: string;
  readonly name: string;
}

export function keyOf(object: KubeObject): string {
  return `${object.metadata.namespace ?? ''}/${object.metadata.name}`;
}

export function splitKey(key: string): NamespacedName {
  const slash = key.indexOf('/');
  return { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** The one owner that made the object, if it has one. */
export function controllerOf(object: KubeObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((owner) => owner.controller === true);
}

/** For a change of the kind itself: its key. For a change of what it owns: the owner's key, now and before. */
export function ownKeys(kind: string, change: Change): readonly string[] {
  if (change.object.kind === kind) return [keyOf(change.object)];
  const keys = new Set<string>();
  for (const object of [change.object, change.previous]) {
    const owner = object === undefined ? undefined : controllerOf(object);
    if (owner?.kind === kind) keys.add(`${object?.metadata.namespace ?? ''}/${owner.name}`);
  }
  return [...keys];
}

/** The owner reference that a controller puts on what it makes. */
export function ownerReference(owner: KubeObject): OwnerReference {
  return {
    apiVersion: owner.apiVersion,
    kind: owner.kind,
    name: owner.metadata.name,
    uid: owner.metadata.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  };
}

export function isOwnedBy(object: KubeObject, owner: KubeObject): boolean {
  return controllerOf(object)?.uid === owner.metadata.uid;
}
