/** PodDisruptionBudgets: a restart waits until the budget of its pods allows one to be away. */
import { PadlockError } from '../errors.ts';
import type { KubeObject, ObjectRef } from '../istio/kubernetes.ts';
import type { Cluster } from '../sources/cluster.ts';
import { asNumber, asText, dig } from '../sources/json-value.ts';
import { matchesSelector } from './injection-choice.ts';
import type { Owner } from './owners.ts';

export const budgetsType = {
  group: 'policy',
  version: 'v1',
  plural: 'poddisruptionbudgets',
  namespaced: true,
} as const;

/** @returns the namespace's budgets; undefined where they may not be seen */
export async function readBudgets(
  cluster: Cluster,
  namespace: string,
  signal: AbortSignal,
): Promise<readonly KubeObject[] | undefined> {
  try {
    return (await cluster.list(budgetsType, { namespace, signal })).items;
  } catch (error) {
    if (!(error instanceof PadlockError)) throw error;
    if (error.code === 'CLUSTER_FORBIDDEN') return undefined;
    if (error.code === 'CLUSTER_NOT_FOUND') return [];
    throw error;
  }
}

/**
 * The budget that a restart has to wait for: one that selects the owner's pods, where the owner's strategy takes pods away
 * before new ones are ready. Controllers do not ask budgets themselves; only evictions do.
 */
export function budgetFor(owner: Owner, budgets: readonly KubeObject[]): ObjectRef | undefined {
  if (awayAtOnce(owner) === 0) return undefined;
  const budget = budgets.find(({ spec }) => matchesSelector(dig(spec, 'selector'), owner.labels));
  if (budget === undefined) return undefined;
  const { namespace, name } = budget.metadata;
  return { kind: 'PodDisruptionBudget', ...(namespace === undefined ? {} : { namespace }), name };
}

/** How many pods a restart may take away at once (kubernetes.io, Deployment and DaemonSet strategies). */
export function awayAtOnce({ kind, object, strategy }: Owner): number {
  const replicas = asNumber(dig(object, 'spec', 'replicas')) ?? 1;
  if (kind === 'StatefulSet') return 1;
  if (strategy === 'Recreate') return replicas;
  if (kind === 'DaemonSet') {
    return resolved(dig(object, 'spec', 'updateStrategy', 'rollingUpdate', 'maxUnavailable') ?? 1, 100);
  }
  const away = resolved(
    dig(object, 'spec', 'strategy', 'rollingUpdate', 'maxUnavailable') ?? '25%',
    replicas,
  );
  const surge = dig(object, 'spec', 'strategy', 'rollingUpdate', 'maxSurge');
  // Where both come to nothing the controller takes one pod away all the same.
  return away === 0 && (surge === 0 || surge === '0%') ? 1 : away;
}

/** A number, or a percentage of the replicas rounded down. */
function resolved(value: unknown, replicas: number): number {
  const percent = /^(\d+)%$/.exec(asText(value) ?? '')?.[1];
  return percent === undefined ? (asNumber(value) ?? 0) : Math.floor((Number(percent) * replicas) / 100);
}

/** @returns why the budget allows no disruption now, or undefined where it does, or is gone */
export function whyNoDisruption(budget: KubeObject | undefined): string | undefined {
  if (budget === undefined) return undefined;
  const allowed = asNumber(dig(budget, 'status', 'disruptionsAllowed')) ?? 0;
  if (allowed > 0) return undefined;
  const healthy = asNumber(dig(budget, 'status', 'currentHealthy')) ?? 0;
  const desired = asNumber(dig(budget, 'status', 'desiredHealthy')) ?? 0;
  return `PodDisruptionBudget ${budget.metadata.name} allows none of its pods to be away (${healthy} healthy, ${desired} wanted)`;
}
