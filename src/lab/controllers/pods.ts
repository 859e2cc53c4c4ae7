/** What the workload controllers ask of pods: whose they are, whether they count, and how they are made. */
import type { KubeObject } from '../../istio/kubernetes.ts';
import type { Api } from '../api/api.ts';
import { asPod, isDeleting, isPodFinished, isPodReady, type PodObject } from '../kinds/pod.ts';
import type { Labels, PodTemplate } from '../kinds/workloads.ts';
import { isOwnedBy, ownerReference } from './keys.ts';

/** The pods that a controller's object owns, deleted ones that are still running included. */
export function podsOwnedBy(api: Api, owner: KubeObject): readonly PodObject[] {
  const { namespace } = owner.metadata;
  const filter = namespace === undefined ? {} : { namespace };
  return api
    .list('pods', filter)
    .filter((pod) => isOwnedBy(pod, owner))
    .map(asPod);
}

/** Neither finished nor on its way out: a replica. */
export function isActive(pod: PodObject): boolean {
  return !isPodFinished(pod) && !isDeleting(pod);
}

/** When the pod became ready, in milliseconds since the epoch; undefined while it is not. */
function readySince(pod: PodObject): number | undefined {
  const ready = pod.status?.conditions?.find((item) => item.type === 'Ready' && item.status === 'True');
  return ready?.lastTransitionTime === undefined ? undefined : Date.parse(ready.lastTransitionTime);
}

/** Ready for at least `minReadySeconds`. */
export function isAvailable(pod: PodObject, minReadySeconds: number, now: Date): boolean {
  if (!isPodReady(pod)) return false;
  if (minReadySeconds === 0) return true;
  const since = readySince(pod);
  return since !== undefined && now.getTime() - since >= minReadySeconds * 1000;
}

/** Milliseconds until the next ready pod becomes available; undefined where none waits for that. */
export function nextAvailability(
  pods: readonly PodObject[],
  minReadySeconds: number,
  now: Date,
): number | undefined {
  const waits = pods
    .filter((pod) => isPodReady(pod) && !isAvailable(pod, minReadySeconds, now))
    .map((pod) => (readySince(pod) ?? now.getTime()) + minReadySeconds * 1000 - now.getTime());
  return waits.length === 0 ? undefined : Math.max(10, Math.min(...waits));
}

export interface NewPod {
  readonly owner: KubeObject;
  readonly template: PodTemplate;
  readonly name: string;
  readonly generateName?: string;
  readonly labels?: Labels;
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** The pod that a template makes, owned by its controller. */
export function podFromTemplate({ owner, template, name, generateName, labels, spec }: NewPod): KubeObject {
  const { namespace } = owner.metadata;
  const annotations = template.metadata?.annotations;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(generateName === undefined ? {} : { generateName }),
      labels: { ...template.metadata?.labels, ...labels },
      ...(annotations === undefined ? {} : { annotations }),
      ownerReferences: [ownerReference(owner)],
    },
    spec: { ...template.spec, ...spec },
  };
}

/** Sorts the pods that should go first to the front: not scheduled, not ready, youngest (the replica set's ranking). */
export function byDeletionPreference(a: PodObject, b: PodObject): number {
  const rank = (pod: PodObject): number => {
    if (pod.spec.nodeName === undefined) return 0;
    if (pod.status?.phase !== 'Running') return 1;
    return isPodReady(pod) ? 3 : 2;
  };
  const difference = rank(a) - rank(b);
  if (difference !== 0) return difference;
  return (b.metadata.creationTimestamp ?? '').localeCompare(a.metadata.creationTimestamp ?? '');
}
