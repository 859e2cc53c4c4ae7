/** PodDisruptionBudgets' status: how many of their pods may be evicted now. */
import type { KubeObject } from '../../istio/kubernetes.ts';
import type { Api, Change } from '../api/api.ts';
import { asPod, isPodReady, type PodObject } from '../kinds/pod.ts';
import { asReplicaSet, type IntOrPercent, type LabelSelector, selects } from '../kinds/workloads.ts';
import { withCondition } from './conditions.ts';
import type { Controller } from './controller.ts';
import { resolve } from './deployment-plan.ts';
import { controllerOf, keyOf, splitKey } from './keys.ts';
import { isActive } from './pods.ts';
import { writeStatus } from './status-writer.ts';

const manager = 'kube-controller-manager';
const resource = 'poddisruptionbudgets.policy';

interface BudgetObject extends KubeObject {
  readonly spec: {
    readonly selector?: LabelSelector;
    readonly minAvailable?: IntOrPercent;
    readonly maxUnavailable?: IntOrPercent;
  };
  readonly status?: { readonly conditions?: readonly never[] };
}

function asBudget(object: KubeObject): BudgetObject {
  return object as BudgetObject;
}

export function disruptionController(api: Api, now: () => Date): Controller {
  return {
    name: 'disruption-controller',
    watches: [resource, 'pods'],
    keysOf: (change) => budgetKeys(api, change),
    reconcile(key) {
      const { namespace, name } = splitKey(key);
      const found = api.get(resource, namespace, name);
      if (found === undefined) return undefined;
      const budget = asBudget(found);
      const pods = podsOf(api, budget, namespace);
      const expected = expectedPods(api, pods);
      const healthy = pods.filter(isPodReady).length;
      const desired = desiredHealthy(budget, expected);
      const allowed = Math.max(0, healthy - desired);
      const conditions = withCondition(
        budget.status?.conditions ?? [],
        {
          type: 'DisruptionAllowed',
          status: allowed > 0 ? 'True' : 'False',
          reason: allowed > 0 ? 'SufficientPods' : 'InsufficientPods',
          message: '',
        },
        now(),
      );
      const status = {
        observedGeneration: budget.metadata.generation ?? 1,
        disruptionsAllowed: allowed,
        currentHealthy: healthy,
        desiredHealthy: desired,
        expectedPods: expected,
        conditions,
      };
      writeStatus(api, resource, budget, status, manager);
      return undefined;
    },
  };
}

function budgetKeys(api: Api, change: Change): readonly string[] {
  if (change.object.kind !== 'Pod') return [keyOf(change.object)];
  return api.list(resource, { namespace: change.object.metadata.namespace ?? '' }).map(keyOf);
}

function podsOf(api: Api, budget: BudgetObject, namespace: string): readonly PodObject[] {
  const { selector } = budget.spec;
  if (selector === undefined) return [];
  return api
    .list('pods', { namespace })
    .map(asPod)
    .filter((pod) => isActive(pod) && selects(selector, pod.metadata.labels));
}

/** What the pods' owners ask for, so that a pod that is being replaced counts as missing. */
function expectedPods(api: Api, pods: readonly PodObject[]): number {
  let loose = 0;
  const sets = new Map<string, number>();
  for (const pod of pods) {
    const owner = controllerOf(pod);
    const set =
      owner?.kind === 'ReplicaSet'
        ? api.get('replicasets.apps', pod.metadata.namespace, owner.name)
        : undefined;
    if (set === undefined) loose += 1;
    else sets.set(set.metadata.name, asReplicaSet(set).spec.replicas ?? 1);
  }
  return loose + [...sets.values()].reduce((sum, replicas) => sum + replicas, 0);
}

function desiredHealthy(budget: BudgetObject, expected: number): number {
  const { minAvailable, maxUnavailable } = budget.spec;
  if (maxUnavailable !== undefined)
    return Math.max(0, expected - resolve(maxUnavailable, expected, Math.ceil));
  return resolve(minAvailable ?? 1, expected, Math.ceil);
}
