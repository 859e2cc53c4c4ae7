/**
 * Deletes objects whose owners are all gone, found by their ownerReferences (background propagation), and carries
 * out the two other policies that a deletion may ask for by finalizer: dependents first, or dependents kept.
 */
import type { KubeObject } from '../../istio/kubernetes.ts';
import type { Api, Change, ResourceName } from '../api/api.ts';
import type { Controller } from './controller.ts';

const manager = 'kube-controller-manager';
const foreground = 'foregroundDeletion';
const orphan = 'orphan';

/** Remembers who owns what, so that a deleted owner names its dependents without a search of everything. */
export function garbageCollector(api: Api, resources: () => readonly ResourceName[]): Controller {
  const graph = createGraph();
  return {
    name: 'garbage-collector',
    watches: [...resources()],
    keysOf: graph.note,
    reconcile(key) {
      const object = find(api, key);
      if (object === undefined) return undefined;
      if (object.metadata.deletionTimestamp !== undefined) {
        propagate(api, resourceOf(key), object, graph.dependentsOf(object));
        return undefined;
      }
      const owners = object.metadata.ownerReferences ?? [];
      if (owners.length === 0 || owners.some((owner) => graph.isAlive(owner.uid))) return undefined;
      api.delete(resourceOf(key), object.metadata.namespace, object.metadata.name);
      return undefined;
    },
  };
}

function createGraph() {
  /** uid -> keys of what it owns; and the key of each uid that exists. */
  const dependents = new Map<string, Set<string>>();
  const alive = new Map<string, string>();
  const gone = (object: KubeObject, key: string): readonly string[] => {
    const { uid = '', ownerReferences = [] } = object.metadata;
    alive.delete(uid);
    const waiting: string[] = [];
    for (const owner of ownerReferences) {
      dependents.get(owner.uid)?.delete(key);
      // An owner that is deleted in the foreground waits for this.
      const ownerKey = alive.get(owner.uid);
      if (ownerKey !== undefined) waiting.push(ownerKey);
    }
    const orphaned = [...(dependents.get(uid) ?? [])];
    dependents.delete(uid);
    return [...orphaned, ...waiting];
  };
  return {
    isAlive: (uid: string): boolean => alive.has(uid),
    dependentsOf: (object: KubeObject): readonly string[] => [
      ...(dependents.get(object.metadata.uid ?? '') ?? []),
    ],
    /** @returns the keys that the change makes worth a look. */
    note({ object, type, resource }: Change): readonly string[] {
      const key = `${resource}|${object.metadata.namespace ?? ''}|${object.metadata.name}`;
      if (type === 'DELETED') return gone(object, key);
      const { uid = '', ownerReferences = [], deletionTimestamp } = object.metadata;
      alive.set(uid, key);
      for (const owner of ownerReferences) {
        const known = dependents.get(owner.uid) ?? new Set<string>();
        dependents.set(owner.uid, known.add(key));
      }
      if (deletionTimestamp !== undefined && policyOf(object) !== undefined) return [key];
      // An object that was created for an owner that had just gone.
      const late = type === 'ADDED' && ownerReferences.length > 0;
      return late && ownerReferences.every((owner) => !alive.has(owner.uid)) ? [key] : [];
    },
  };
}

function resourceOf(key: string): ResourceName {
  return key.slice(0, key.indexOf('|'));
}

function find(api: Api, key: string): KubeObject | undefined {
  const [resource = '', namespace = '', name = ''] = key.split('|');
  return api.get(resource, namespace === '' ? undefined : namespace, name);
}

function policyOf(object: KubeObject): string | undefined {
  return object.metadata.finalizers?.find((one) => one === foreground || one === orphan);
}

/** Foreground: the dependents go, then the finalizer. Orphan: the dependents forget their owner, then the finalizer goes. */
function propagate(api: Api, resource: ResourceName, owner: KubeObject, dependents: readonly string[]): void {
  const policy = policyOf(owner);
  if (policy === undefined) return;
  for (const key of dependents) {
    const dependent = find(api, key);
    if (dependent === undefined) continue;
    if (policy === orphan) {
      const ownerReferences = (dependent.metadata.ownerReferences ?? []).filter(
        ({ uid }) => uid !== owner.metadata.uid,
      );
      api.update(
        resourceOf(key),
        { ...dependent, metadata: { ...dependent.metadata, ownerReferences } },
        manager,
      );
    } else if (dependent.metadata.deletionTimestamp === undefined) {
      api.delete(resourceOf(key), dependent.metadata.namespace, dependent.metadata.name);
    }
  }
  const blocked = policy === foreground && dependents.some((key) => find(api, key) !== undefined);
  if (blocked) return;
  const finalizers = (owner.metadata.finalizers ?? []).filter((one) => one !== policy);
  api.update(resource, { ...owner, metadata: { ...owner.metadata, finalizers } }, manager);
}
