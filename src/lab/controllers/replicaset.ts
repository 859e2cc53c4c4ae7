/** ReplicaSets: as many pods of the template as asked for. */
import type { KubeObject } from '../../istio/kubernetes.ts';
import type { Api } from '../api/api.ts';
import { ApiStatus } from '../api/status.ts';
import { asPod, isPodReady, type PodObject } from '../kinds/pod.ts';
import { asReplicaSet, type ReplicaSetObject, selects } from '../kinds/workloads.ts';
import { timestamp } from './conditions.ts';
import type { Again, Controller } from './controller.ts';
import type { EventRecorder } from './events.ts';
import { controllerOf, ownerReference, ownKeys, splitKey } from './keys.ts';
import { generateName } from './names.ts';
import {
  byDeletionPreference,
  isActive,
  isAvailable,
  nextAvailability,
  podFromTemplate,
  podsOwnedBy,
} from './pods.ts';
import { writeStatus } from './status-writer.ts';

const manager = 'kube-controller-manager';

export interface ReplicaSetEnvironment {
  readonly api: Api;
  readonly now: () => Date;
  readonly events: EventRecorder;
}

export function replicaSetController({ api, now, events }: ReplicaSetEnvironment): Controller {
  return {
    name: 'replicaset-controller',
    watches: ['replicasets.apps', 'pods'],
    keysOf: (change) => {
      const keys = ownKeys('ReplicaSet', change);
      const orphan = change.object.kind === 'Pod' && controllerOf(change.object) === undefined;
      return orphan ? [...keys, ...selectorsOf(api, change.object)] : keys;
    },
    reconcile(key): Again | undefined {
      const { namespace, name } = splitKey(key);
      const found = api.get('replicasets.apps', namespace, name);
      if (found === undefined || found.metadata.deletionTimestamp !== undefined) return undefined;
      const set = asReplicaSet(found);
      adoptOrphans(api, set);
      const failure = scale(api, events, set, podsOwnedBy(api, set).filter(isActive));
      const pods = podsOwnedBy(api, set).filter(isActive);
      const minReady = set.spec.minReadySeconds ?? 0;
      const newest = api.get('replicasets.apps', namespace, name);
      if (newest !== undefined) {
        writeStatus(api, 'replicasets.apps', newest, statusOf(set, pods, failure, now()), manager);
      }
      const wait = nextAvailability(pods, minReady, now());
      if (failure !== undefined) return { afterMilliseconds: 1_000 };
      return wait === undefined ? undefined : { afterMilliseconds: wait };
    },
  };
}

/** Keys of the sets whose selector fits a pod that nobody owns. */
function selectorsOf(api: Api, pod: KubeObject): readonly string[] {
  const namespace = pod.metadata.namespace ?? '';
  return api
    .list('replicasets.apps', { namespace })
    .filter((set) => selects(asReplicaSet(set).spec.selector, pod.metadata.labels))
    .map((set) => `${namespace}/${set.metadata.name}`);
}

function adoptOrphans(api: Api, set: ReplicaSetObject): void {
  const namespace = set.metadata.namespace ?? '';
  for (const pod of api.list('pods', { namespace })) {
    const fits = controllerOf(pod) === undefined && selects(set.spec.selector, pod.metadata.labels);
    if (!fits || !isActive(asPod(pod))) continue;
    const owners = [...(pod.metadata.ownerReferences ?? []), ownerReference(set)];
    api.update('pods', { ...pod, metadata: { ...pod.metadata, ownerReferences: owners } }, manager);
  }
}

/** Creates what is missing or deletes what is too many. @returns why a pod could not be created. */
function scale(
  api: Api,
  events: EventRecorder,
  set: ReplicaSetObject,
  active: readonly PodObject[],
): string | undefined {
  const missing = (set.spec.replicas ?? 1) - active.length;
  if (missing < 0) {
    for (const pod of [...active].sort(byDeletionPreference).slice(0, -missing)) {
      api.delete('pods', pod.metadata.namespace, pod.metadata.name);
      events.record(set, 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`);
    }
    return undefined;
  }
  const prefix = `${set.metadata.name}-`;
  for (let index = 0; index < missing; index += 1) {
    const name = generateName(prefix);
    const pod = podFromTemplate({ owner: set, template: set.spec.template, name, generateName: prefix });
    try {
      api.create('pods', pod, manager);
    } catch (error) {
      if (!(error instanceof ApiStatus)) throw error;
      events.record(set, 'Warning', 'FailedCreate', `Error creating: ${error.message}`);
      return error.message;
    }
    events.record(set, 'Normal', 'SuccessfulCreate', `Created pod: ${name}`);
  }
  return undefined;
}

function statusOf(
  set: ReplicaSetObject,
  pods: readonly PodObject[],
  failure: string | undefined,
  now: Date,
): object {
  const minReady = set.spec.minReadySeconds ?? 0;
  const wanted = Object.entries(set.spec.template.metadata?.labels ?? {});
  const ready = pods.filter(isPodReady).length;
  const available = pods.filter((pod) => isAvailable(pod, minReady, now)).length;
  const labelled = pods.filter((pod) => wanted.every(([key, value]) => pod.metadata.labels?.[key] === value));
  const before = set.status?.conditions?.find((item) => item.type === 'ReplicaFailure');
  const condition = {
    type: 'ReplicaFailure',
    status: 'True',
    reason: 'FailedCreate',
    message: failure ?? '',
    lastTransitionTime: before?.lastTransitionTime ?? timestamp(now),
  };
  return {
    replicas: pods.length,
    ...(labelled.length > 0 ? { fullyLabeledReplicas: labelled.length } : {}),
    ...(ready > 0 ? { readyReplicas: ready } : {}),
    ...(available > 0 ? { availableReplicas: available } : {}),
    observedGeneration: set.metadata.generation ?? 1,
    ...(failure === undefined ? {} : { conditions: [condition] }),
  };
}
