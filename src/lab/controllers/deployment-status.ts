/** What a Deployment says of itself: counts, and the conditions that `kubectl rollout status` reads. */
import type { DeploymentObject, ReplicaSetObject, WorkloadCondition } from '../kinds/workloads.ts';
import { timestamp, withCondition } from './conditions.ts';
import type { RollingLimits } from './deployment-plan.ts';

interface Counts {
  readonly replicas: number;
  readonly updated: number;
  readonly ready: number;
  readonly available: number;
}

function count(current: ReplicaSetObject | undefined, old: readonly ReplicaSetObject[]): Counts {
  const all = current === undefined ? old : [current, ...old];
  const sum = (of: (set: ReplicaSetObject) => number | undefined): number =>
    all.reduce((total, set) => total + (of(set) ?? 0), 0);
  return {
    replicas: sum((set) => set.status?.replicas),
    updated: current?.status?.replicas ?? 0,
    ready: sum((set) => set.status?.readyReplicas),
    available: sum((set) => set.status?.availableReplicas),
  };
}

export interface DeploymentState {
  readonly status: object;
  readonly complete: boolean;
  /** Milliseconds until the rollout counts as stuck; undefined when it is complete or has no deadline. */
  readonly deadlineIn: number | undefined;
}

/**
 * @param current undefined while a paused Deployment has a template that no set was made for
 * @param created whether this reconciliation made the current set
 */
export function deploymentState(
  deployment: DeploymentObject,
  current: ReplicaSetObject | undefined,
  old: readonly ReplicaSetObject[],
  limits: RollingLimits,
  created: boolean,
  now: Date,
): DeploymentState {
  const counts = count(current, old);
  const wanted = deployment.spec.replicas ?? 1;
  const complete = counts.updated === wanted && counts.replicas === wanted && counts.available === wanted;
  const deadline = deadlineOf(deployment, now);
  const before = available(deployment.status?.conditions ?? [], counts, wanted - limits.maxUnavailable, now);
  const conditions = progress(
    before,
    { deployment, current, counts, complete, created, expired: deadline !== undefined && deadline <= 0 },
    now,
  );
  const unavailable = Math.max(0, wanted - counts.available);
  const collisionCount = deployment.status?.collisionCount;
  const status = {
    observedGeneration: deployment.metadata.generation ?? 1,
    ...(counts.replicas > 0 ? { replicas: counts.replicas } : {}),
    ...(counts.updated > 0 ? { updatedReplicas: counts.updated } : {}),
    ...(counts.ready > 0 ? { readyReplicas: counts.ready } : {}),
    ...(counts.available > 0 ? { availableReplicas: counts.available } : {}),
    ...(unavailable > 0 ? { unavailableReplicas: unavailable } : {}),
    ...(collisionCount === undefined ? {} : { collisionCount }),
    conditions,
  };
  return {
    status,
    complete,
    deadlineIn: complete || deadline === undefined ? undefined : Math.max(deadline, 0),
  };
}

/** Time left since the rollout last moved. */
function deadlineOf(deployment: DeploymentObject, now: Date): number | undefined {
  const seconds = deployment.spec.progressDeadlineSeconds;
  const progressing = deployment.status?.conditions?.find((item) => item.type === 'Progressing');
  if (seconds === undefined || progressing?.lastUpdateTime === undefined) return undefined;
  return Date.parse(progressing.lastUpdateTime) + seconds * 1000 - now.getTime();
}

function available(
  conditions: readonly WorkloadCondition[],
  counts: Counts,
  minimum: number,
  now: Date,
): readonly WorkloadCondition[] {
  const enough = counts.available >= minimum;
  return withCondition(
    conditions,
    {
      type: 'Available',
      status: enough ? 'True' : 'False',
      reason: enough ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
      message: `Deployment ${enough ? 'has' : 'does not have'} minimum availability.`,
    },
    now,
  );
}

interface Progress {
  readonly deployment: DeploymentObject;
  readonly current: ReplicaSetObject | undefined;
  readonly counts: Counts;
  readonly complete: boolean;
  readonly created: boolean;
  readonly expired: boolean;
}

function progress(
  conditions: readonly WorkloadCondition[],
  { deployment, current, counts, complete, created, expired }: Progress,
  now: Date,
): readonly WorkloadCondition[] {
  if (current === undefined) return conditions;
  const set = `ReplicaSet "${current.metadata.name}"`;
  const before = conditions.find((item) => item.type === 'Progressing');
  const say = (status: 'True' | 'False', reason: string, message: string): readonly WorkloadCondition[] =>
    withCondition(conditions, { type: 'Progressing', status, reason, message }, now);
  if (created)
    return say('True', 'NewReplicaSetCreated', `Created new replica set "${current.metadata.name}"`);
  if (complete) return say('True', 'NewReplicaSetAvailable', `${set} has successfully progressed.`);
  const moved = counts.updated > (deployment.status?.updatedReplicas ?? 0);
  if (moved || before === undefined)
    return touch(say('True', 'ReplicaSetUpdated', `${set} is progressing.`), now);
  if (expired) return say('False', 'ProgressDeadlineExceeded', `${set} has timed out progressing.`);
  if (
    before.reason === 'NewReplicaSetAvailable' &&
    deployment.status?.observedGeneration !== deployment.metadata.generation
  ) {
    return touch(say('True', 'ReplicaSetUpdated', `${set} is progressing.`), now);
  }
  return conditions;
}

/** Progress was made: the deadline counts from now. */
function touch(conditions: readonly WorkloadCondition[], now: Date): readonly WorkloadCondition[] {
  const time = timestamp(now);
  return conditions.map((item) => (item.type === 'Progressing' ? { ...item, lastUpdateTime: time } : item));
}
