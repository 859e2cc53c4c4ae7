/** Who owns a pod, as a person names it: the Deployment behind the ReplicaSet, the CronJob behind the Job. */
import type { Fields } from '../istio/fields.ts';
import { isFields, keyText } from '../istio/fields.ts';
import type { SnapshotObject } from './snapshot.ts';

export interface Owner {
  readonly kind: string;
  readonly name: string;
}

/** Owners of the objects in between, by `NAMESPACE/KIND/NAME`: ReplicaSets and Jobs that were read. */
export type OwnerIndex = ReadonlyMap<string, Owner>;

export function indexOwners(templates: readonly SnapshotObject[]): OwnerIndex {
  const owners = new Map<string, Owner>();
  for (const { object } of templates) {
    if (object.kind !== 'ReplicaSet' && object.kind !== 'Job') continue;
    const meta: unknown = object.metadata;
    if (!isFields(meta)) continue;
    const owner = controllerOf(meta);
    if (owner !== undefined)
      owners.set(`${keyText(meta.namespace)}/${object.kind}/${keyText(meta.name)}`, owner);
  }
  return owners;
}

/** The owner reference that is marked as controller, else the only one. */
export function controllerOf(meta: Fields): Owner | undefined {
  const list: readonly unknown[] = Array.isArray(meta.ownerReferences) ? meta.ownerReferences : [];
  const references = list.filter(isFields);
  const chosen = references.find((reference) => reference.controller === true) ?? references[0];
  if (typeof chosen?.kind !== 'string' || typeof chosen.name !== 'string') return undefined;
  return { kind: chosen.kind, name: chosen.name };
}

/**
 * A pod's owner. Where the object in between was not read, its name tells: a ReplicaSet of a Deployment ends in the pod's
 * `pod-template-hash`, a Job of a CronJob in its time. Undefined for a pod on its own (or made by its node).
 */
export function ownerOf(
  namespace: string,
  meta: Fields,
  labels: Fields,
  index: OwnerIndex,
): Owner | undefined {
  const direct = controllerOf(meta);
  if (direct === undefined || direct.kind === 'Node') return undefined;
  const above = index.get(`${namespace}/${direct.kind}/${direct.name}`);
  if (above !== undefined) return above;
  if (direct.kind === 'ReplicaSet') {
    for (const [label, kind] of [
      ['pod-template-hash', 'Deployment'],
      ['rollouts-pod-template-hash', 'Rollout'],
    ] as const) {
      const hash = labels[label];
      if (typeof hash === 'string' && hash !== '' && direct.name.endsWith(`-${hash}`)) {
        return { kind, name: direct.name.slice(0, -hash.length - 1) };
      }
    }
  }
  if (direct.kind === 'Job') {
    const cron = /^(.+)-\d{8,10}$/.exec(direct.name)?.[1];
    if (cron !== undefined) return { kind: 'CronJob', name: cron };
  }
  if (direct.kind === 'ReplicationController') {
    const config = labels.deploymentconfig;
    if (typeof config === 'string' && direct.name.startsWith(`${config}-`)) {
      return { kind: 'DeploymentConfig', name: config };
    }
  }
  return direct;
}
