/** Whether a workload runs its newest template everywhere: what `kubectl rollout status` waits for, and sidecars beside. */
import type { KubeObject } from '../istio/kubernetes.ts';
import { asNumber, asObjects, asText, asTextMap, asTexts, dig } from '../sources/json-value.ts';
import { areOrIs, count, outOf } from './count.ts';

export type RolledOut =
  | { readonly kind: 'yes' }
  /** `1 of 3 pods are updated`. */
  | { readonly kind: 'not-yet'; readonly detail: string }
  /** Waiting is no use. */
  | { readonly kind: 'never'; readonly reason: string };

/**
 * @param pods the pods that the workload's selector selects
 * @param sidecar also wait until each of its pods has a sidecar
 */
export function rolledOut(workload: KubeObject, pods: readonly KubeObject[], sidecar: boolean): RolledOut {
  const { generation } = workload.metadata;
  const observed = asNumber(dig(workload, 'status', 'observedGeneration')) ?? 0;
  if (generation !== undefined && observed < generation) {
    return { kind: 'not-yet', detail: 'its controller has not seen the change yet' };
  }
  const failed = failedCondition(workload);
  if (failed !== undefined) return { kind: 'never', reason: withPodTrouble(failed, pods) };
  const { wanted, updated, ready, total } = counts(workload);
  if (updated < wanted) return notYet(`${outOf(updated, wanted, 'pod')} ${areOrIs(wanted)} updated`, pods);
  if (total > wanted)
    return notYet(`${count(total - wanted, 'old pod')} ${areOrIs(total - wanted)} still ending`, pods);
  if (ready < wanted) return notYet(`${outOf(ready, wanted, 'updated pod')} ${areOrIs(wanted)} ready`, pods);
  const current = pods.filter((pod) => pod.metadata.deletionTimestamp === undefined);
  if (current.length < pods.length) return notYet('old pods are still ending', pods);
  const bare = current.filter((pod) => !hasSidecar(pod));
  if (sidecar && bare.length > 0) {
    const names = bare.map((pod) => pod.metadata.name).join(', ');
    return { kind: 'never', reason: `its new pods got no sidecar: ${names}` };
  }
  return { kind: 'yes' };
}

interface Counts {
  readonly wanted: number;
  readonly updated: number;
  readonly ready: number;
  readonly total: number;
}

/** The fields that kubectl's own `rollout status` reads, by kind. */
function counts(workload: KubeObject): Counts {
  const status = (field: string): number => asNumber(dig(workload, 'status', field)) ?? 0;
  if (workload.kind === 'DaemonSet') {
    const wanted = status('desiredNumberScheduled');
    return {
      wanted,
      updated: status('updatedNumberScheduled'),
      ready: status('numberAvailable'),
      total: wanted,
    };
  }
  const wanted = asNumber(dig(workload, 'spec', 'replicas')) ?? 1;
  if (workload.kind === 'StatefulSet') {
    // A StatefulSet whose pods all run the newest revision reports them as current, and updated where the status has it.
    const done = dig(workload, 'status', 'currentRevision') === dig(workload, 'status', 'updateRevision');
    return {
      wanted,
      updated: done ? wanted : status('updatedReplicas'),
      ready: status('readyReplicas'),
      total: status('replicas'),
    };
  }
  return {
    wanted,
    updated: status('updatedReplicas'),
    ready: status('availableReplicas'),
    total: status('replicas'),
  };
}

function failedCondition(workload: KubeObject): string | undefined {
  const progressing = asObjects(dig(workload, 'status', 'conditions')).find(
    (condition) => condition.type === 'Progressing',
  );
  return progressing?.reason === 'ProgressDeadlineExceeded'
    ? (asText(progressing.message) ?? 'its progress deadline is exceeded')
    : undefined;
}

function notYet(detail: string, pods: readonly KubeObject[]): RolledOut {
  return { kind: 'not-yet', detail: withPodTrouble(detail, pods) };
}

/** Adds the first container that cannot start: `ImagePullBackOff` explains more than "not ready". */
function withPodTrouble(sentence: string, pods: readonly KubeObject[]): string {
  for (const pod of pods) {
    for (const status of asObjects(dig(pod, 'status', 'containerStatuses'))) {
      const reason = asText(dig(status, 'state', 'waiting', 'reason'));
      if (reason === undefined || reason === 'ContainerCreating' || reason === 'PodInitializing') continue;
      return `${sentence} (${pod.metadata.name}: ${asText(status.name) ?? 'a container'} is in ${reason})`;
    }
  }
  return sentence;
}

/** An `istio-proxy` among the containers, or among the init containers as a native sidecar. */
function hasSidecar(pod: KubeObject): boolean {
  return ['containers', 'initContainers'].some((field) =>
    asObjects(dig(pod, 'spec', field)).some((container) => container.name === 'istio-proxy'),
  );
}

/** @returns `app=httpbin,tier in (a,b)`, the label selector of a workload's pods. */
export function podSelector(workload: KubeObject): string {
  const selector = dig(workload, 'spec', 'selector');
  const exact = Object.entries(asTextMap(dig(selector, 'matchLabels'))).map(
    ([key, value]) => `${key}=${value}`,
  );
  const expressions = asObjects(dig(selector, 'matchExpressions')).map((expression) => {
    const key = asText(expression.key) ?? '';
    const values = asTexts(expression.values).join(',');
    switch (expression.operator) {
      case 'In':
        return `${key} in (${values})`;
      case 'NotIn':
        return `${key} notin (${values})`;
      case 'DoesNotExist':
        return `!${key}`;
      default:
        return key;
    }
  });
  return [...exact, ...expressions].join(',');
}
