/**
 * How far each replica set of a Deployment may move now: pure arithmetic on counts, after the deployment
 * controller's rolling update (kubernetes.io, "Deployments: rolling update", maxSurge and maxUnavailable).
 */
import type { DeploymentObject, IntOrPercent } from '../kinds/workloads.ts';

/** What the plan needs to know of a replica set. */
export interface SetCounts {
  readonly name: string;
  /** What it is asked to have. */
  readonly wanted: number;
  /** What it has, and how much of that is available. */
  readonly existing: number;
  readonly available: number;
}

export interface RollingLimits {
  readonly maxSurge: number;
  readonly maxUnavailable: number;
}

/** Surge rounds up, unavailability down; both zero would never move, then one may be unavailable. */
export function rollingLimits(deployment: DeploymentObject): RollingLimits {
  const replicas = deployment.spec.replicas ?? 1;
  if (deployment.spec.strategy?.type === 'Recreate') return { maxSurge: 0, maxUnavailable: 0 };
  const rolling = deployment.spec.strategy?.rollingUpdate;
  const maxSurge = resolve(rolling?.maxSurge ?? '25%', replicas, Math.ceil);
  const maxUnavailable = resolve(rolling?.maxUnavailable ?? '25%', replicas, Math.floor);
  if (maxSurge === 0 && maxUnavailable === 0) return { maxSurge, maxUnavailable: 1 };
  return { maxSurge, maxUnavailable: Math.min(maxUnavailable, replicas) };
}

/** A number as it is, a percentage of `total` rounded as the field's rule says. */
export function resolve(value: IntOrPercent, total: number, round: (exact: number) => number): number {
  if (typeof value === 'number') return value;
  return round((Number.parseFloat(value) * total) / 100);
}

const sum = (sets: readonly SetCounts[], field: 'wanted' | 'existing' | 'available'): number =>
  sets.reduce((total, set) => total + set[field], 0);

/** How many replicas the current set may be asked for now. */
export function currentTarget(
  replicas: number,
  limits: RollingLimits,
  current: SetCounts,
  old: readonly SetCounts[],
): number {
  if (current.wanted >= replicas) return replicas;
  const room = replicas + limits.maxSurge - sum([current, ...old], 'wanted');
  return current.wanted + Math.max(0, Math.min(room, replicas - current.wanted));
}

/** New replica counts of the old sets: what was never available goes first, then the oldest. */
export function oldTargets(
  replicas: number,
  limits: RollingLimits,
  current: SetCounts,
  old: readonly SetCounts[],
): ReadonlyMap<string, number> {
  const targets = new Map(old.map((set) => [set.name, set.wanted]));
  const minAvailable = replicas - limits.maxUnavailable;
  const currentUnavailable = current.wanted - current.available;
  const all = sum([current, ...old], 'wanted');
  let removable = all - minAvailable - currentUnavailable;
  if (removable <= 0) return targets;

  for (const set of old) {
    const unhealthy = Math.min(removable, Math.max(0, set.wanted - set.available));
    targets.set(set.name, set.wanted - unhealthy);
    removable -= unhealthy;
  }
  let spare = sum([current, ...old], 'available') - minAvailable;
  for (const set of old) {
    const now = targets.get(set.name) ?? 0;
    const cut = Math.max(0, Math.min(now, spare));
    targets.set(set.name, now - cut);
    spare -= cut;
  }
  return targets;
}

/** A change of `replicas` in the middle of a rollout: each set gets its share, the largest what rounding leaves. */
export function proportionalTargets(
  allowed: number,
  sets: readonly SetCounts[],
): ReadonlyMap<string, number> {
  const total = sum(sets, 'wanted');
  const targets = new Map<string, number>();
  const largestFirst = [...sets].sort((a, b) => b.wanted - a.wanted);
  let left = allowed;
  for (const set of largestFirst) {
    const share = total === 0 ? 0 : Math.min(left, Math.round((set.wanted * allowed) / total));
    targets.set(set.name, share);
    left -= share;
  }
  const first = largestFirst[0];
  if (first !== undefined) targets.set(first.name, (targets.get(first.name) ?? 0) + left);
  return targets;
}
