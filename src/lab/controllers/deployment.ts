/** Deployments: a replica set for each template, and the way from one to the next. */
import type { Api, Change } from '../api/api.ts';
import { asDeployment, type DeploymentObject, type ReplicaSetObject } from '../kinds/workloads.ts';
import type { Again, Controller } from './controller.ts';
import {
  currentTarget,
  oldTargets,
  proportionalTargets,
  type RollingLimits,
  rollingLimits,
  type SetCounts,
} from './deployment-plan.ts';
import {
  cleanHistory,
  desiredAnnotation,
  ensureCurrent,
  revisionOf,
  revisionsOf,
  scaleSet,
  showRevision,
} from './deployment-revisions.ts';
import { deploymentState } from './deployment-status.ts';
import type { EventRecorder } from './events.ts';
import { controllerOf, ownKeys, splitKey } from './keys.ts';
import { podsOwnedBy } from './pods.ts';
import { writeStatus } from './status-writer.ts';

const manager = 'kube-controller-manager';

export interface DeploymentEnvironment {
  readonly api: Api;
  readonly now: () => Date;
  readonly events: EventRecorder;
}

export function deploymentController(environment: DeploymentEnvironment): Controller {
  const { api, now } = environment;
  return {
    name: 'deployment-controller',
    watches: ['deployments.apps', 'replicasets.apps', 'pods'],
    keysOf: (change) =>
      change.object.kind === 'Pod' ? endedPod(api, change) : ownKeys('Deployment', change),
    reconcile(key): Again | undefined {
      const { namespace, name } = splitKey(key);
      const found = api.get('deployments.apps', namespace, name);
      if (found === undefined || found.metadata.deletionTimestamp !== undefined) return undefined;
      const deployment = asDeployment(found);
      const limits = rollingLimits(deployment);
      const created = advance(environment, deployment, limits);
      const after = revisionsOf(api, deployment);
      const newest = api.get('deployments.apps', namespace, name);
      if (newest === undefined) return undefined;
      const state = deploymentState(asDeployment(newest), after.current, after.old, limits, created, now());
      writeStatus(api, 'deployments.apps', newest, state.status, manager);
      if (state.complete) cleanHistory(api, deployment, after.old);
      return state.deadlineIn === undefined ? undefined : { afterMilliseconds: state.deadlineIn + 1_000 };
    },
  };
}

/** A pod that has gone: what a Recreate rollout waits for, and no replica set's status says. */
function endedPod(api: Api, { type, object }: Change): readonly string[] {
  const owner = type === 'DELETED' ? controllerOf(object) : undefined;
  const set =
    owner === undefined ? undefined : api.get('replicasets.apps', object.metadata.namespace, owner.name);
  const deployment = set === undefined ? undefined : controllerOf(set);
  return deployment === undefined ? [] : [`${object.metadata.namespace ?? ''}/${deployment.name}`];
}

/** One step of the rollout. @returns whether the current set was made now. */
function advance(
  environment: DeploymentEnvironment,
  deployment: DeploymentObject,
  limits: RollingLimits,
): boolean {
  const { api } = environment;
  const revisions = revisionsOf(api, deployment);
  if (deployment.spec.paused === true && revisions.current === undefined) return false;
  const replicas = deployment.spec.replicas ?? 1;
  const scaled = scaleInMidRollout(environment, deployment, revisions.current, revisions.old, limits);
  if (scaled) return false;
  const recreate = deployment.spec.strategy?.type === 'Recreate';
  if (recreate && !oldPodsGone(environment, deployment, revisions.old)) return false;

  const old = revisions.old.map(countsOf);
  const fresh: SetCounts = { name: '', wanted: 0, existing: 0, available: 0 };
  const initial = currentTarget(replicas, limits, fresh, old);
  const max = replicas + limits.maxSurge;
  const { set, created } = ensureCurrent(api, deployment, revisions, initial, max);
  const newest = api.get('deployments.apps', deployment.metadata.namespace, deployment.metadata.name);
  if (newest !== undefined) showRevision(api, asDeployment(newest), revisionOf(set));
  if (created) {
    reportScale(environment, deployment, set, 0, initial);
    return true;
  }
  const current = countsOf(set);
  move(environment, deployment, set, currentTarget(replicas, limits, current, old));
  if (recreate) return false;
  const targets = oldTargets(replicas, limits, current, old);
  for (const one of revisions.old) move(environment, deployment, one, targets.get(one.metadata.name) ?? 0);
  return false;
}

function countsOf(set: ReplicaSetObject): SetCounts {
  return {
    name: set.metadata.name,
    wanted: set.spec.replicas ?? 1,
    existing: set.status?.replicas ?? 0,
    available: set.status?.availableReplicas ?? 0,
  };
}

/** `kubectl scale` while several sets have pods: each gets its share. @returns whether anything was scaled. */
function scaleInMidRollout(
  environment: DeploymentEnvironment,
  deployment: DeploymentObject,
  current: ReplicaSetObject | undefined,
  old: readonly ReplicaSetObject[],
  limits: RollingLimits,
): boolean {
  if (current === undefined) return false;
  const replicas = deployment.spec.replicas ?? 1;
  const active = [current, ...old].filter((set) => (set.spec.replicas ?? 0) > 0);
  const changed = active.some(
    (set) => Number(set.metadata.annotations?.[desiredAnnotation] ?? replicas) !== replicas,
  );
  if (!changed || active.length < 2) return false;
  const targets = proportionalTargets(replicas === 0 ? 0 : replicas + limits.maxSurge, active.map(countsOf));
  for (const set of active) {
    const before = set.spec.replicas ?? 0;
    const target = targets.get(set.metadata.name) ?? before;
    const annotations = { ...set.metadata.annotations, [desiredAnnotation]: String(replicas) };
    const metadata = { ...set.metadata, annotations };
    environment.api.update(
      'replicasets.apps',
      { ...set, metadata, spec: { ...set.spec, replicas: target } },
      manager,
    );
    if (before !== target) reportScale(environment, deployment, set, before, target);
  }
  return true;
}

/** Recreate: the old sets go to zero, and nothing else happens until their pods have ended. */
function oldPodsGone(
  environment: DeploymentEnvironment,
  deployment: DeploymentObject,
  old: readonly ReplicaSetObject[],
): boolean {
  for (const set of old) move(environment, deployment, set, 0);
  return old.every((set) => podsOwnedBy(environment.api, set).length === 0);
}

function move(
  environment: DeploymentEnvironment,
  deployment: DeploymentObject,
  set: ReplicaSetObject,
  replicas: number,
): void {
  const before = set.spec.replicas ?? 1;
  if (before === replicas) return;
  scaleSet(environment.api, set, replicas);
  reportScale(environment, deployment, set, before, replicas);
}

function reportScale(
  { events }: DeploymentEnvironment,
  deployment: DeploymentObject,
  set: ReplicaSetObject,
  from: number,
  to: number,
): void {
  const direction = to > from ? 'up' : 'down';
  const message = `Scaled ${direction} replica set ${set.metadata.name} from ${from} to ${to}`;
  events.record(deployment, 'Normal', 'ScalingReplicaSet', message);
}
