/** Deletes objects whose owners are all gone (background propagation), found by their ownerReferences. */
import type { KubeObject } from '../../istio/kubernetes.ts';
import type { Api, Change, ResourceName } from '../api/api.ts';
import type { Controller } from './controller.ts';

/** Remembers who owns what, so that a deleted owner names its dependents without a search of everything. */
export function garbageCollector(api: Api, resources: () => readonly ResourceName[]): Controller {
  /** uid -> keys of what it owns; and the uids that exist. */
  const dependents = new Map<string, Set<string>>();
  const alive = new Set<string>();

  const note = (change: Change): readonly string[] => {
    const { object, type, resource } = change;
    const { uid = '', ownerReferences = [] } = object.metadata;
    const key = keyIn(resource, object);
    if (type === 'DELETED') {
      alive.delete(uid);
      for (const owner of ownerReferences) dependents.get(owner.uid)?.delete(key);
      const orphaned = [...(dependents.get(uid) ?? [])];
      dependents.delete(uid);
      return orphaned;
    }
    alive.add(uid);
    for (const owner of ownerReferences) {
      const known = dependents.get(owner.uid) ?? new Set<string>();
      dependents.set(owner.uid, known.add(key));
    }
    // An object that was created for an owner that had just gone.
    const late = type === 'ADDED' && ownerReferences.length > 0;
    return late && ownerReferences.every((owner) => !alive.has(owner.uid)) ? [key] : [];
  };

  return {
    name: 'garbage-collector',
    watches: [...resources()],
    keysOf: note,
    reconcile(key) {
      const [resource = '', namespace = '', name = ''] = key.split('|');
      const object = api.get(resource, namespace === '' ? undefined : namespace, name);
      const owners = object?.metadata.ownerReferences ?? [];
      if (object === undefined || owners.length === 0 || object.metadata.deletionTimestamp !== undefined) {
        return undefined;
      }
      if (owners.some((owner) => alive.has(owner.uid))) return undefined;
      api.delete(resource, object.metadata.namespace, name);
      return undefined;
    },
  };
}

function keyIn(resource: ResourceName, object: KubeObject): string {
  return `${resource}|${object.metadata.namespace ?? ''}|${object.metadata.name}`;
}
