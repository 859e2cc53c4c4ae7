/** A pod's status from the states of its containers, as the kubelet words it. Pure. */
import type { Condition, ContainerStatus, PodObject, PodStatus } from '../kinds/pod.ts';

export interface PodFacts {
  readonly pod: PodObject;
  readonly containers: readonly ContainerStatus[];
  readonly initContainers: readonly ContainerStatus[];
  /** Init containers have run, native sidecars are started. */
  readonly initialized: boolean;
  readonly ip: string;
  readonly hostIP: string;
  /** When the kubelet first saw the pod. */
  readonly startTime: string;
  readonly restartPolicy: string;
  /** Set where the kubelet ended the pod by itself: DeadlineExceeded. */
  readonly failure?: { readonly reason: string; readonly message: string };
}

/** @param now RFC 3339 in seconds, for conditions that change with this status */
export function podStatus(facts: PodFacts, now: string): PodStatus {
  const { pod, containers, initContainers, ip, hostIP, startTime, failure } = facts;
  const before = pod.status ?? {};
  const phase = failure === undefined ? phaseOf(facts) : 'Failed';
  return {
    ...before,
    phase,
    ...(failure ?? {}),
    conditions: conditionsOf(facts, phase, before.conditions ?? [], now),
    containerStatuses: containers,
    ...(initContainers.length > 0
      ? { initContainerStatuses: initContainers.map((status) => initStatus(pod, status)) }
      : {}),
    hostIP,
    ...{ hostIPs: [{ ip: hostIP }] },
    podIP: ip,
    podIPs: [{ ip }],
    startTime,
  };
}

/** An init container counts as ready when it has done its work; a native sidecar by its probe. */
function initStatus(pod: PodObject, status: ContainerStatus): ContainerStatus {
  if (isNative(pod, status.name)) return status;
  return { ...status, ready: 'terminated' in status.state && status.state.terminated.exitCode === 0 };
}

function phaseOf({ containers, initialized, initContainers, restartPolicy }: PodFacts): string {
  const ended = (status: ContainerStatus): boolean => 'terminated' in status.state;
  const failed = (status: ContainerStatus): boolean =>
    'terminated' in status.state && status.state.terminated.exitCode !== 0;
  if (!initialized) {
    return restartPolicy === 'Never' && initContainers.some(failed) ? 'Failed' : 'Pending';
  }
  if (restartPolicy !== 'Always' && containers.every(ended)) {
    if (!containers.some(failed)) return 'Succeeded';
    if (restartPolicy === 'Never') return 'Failed';
  }
  const waiting = containers.every(
    (status) => 'waiting' in status.state && status.restartCount === 0 && !('terminated' in status.lastState),
  );
  return waiting ? 'Pending' : 'Running';
}

function conditionsOf(
  facts: PodFacts,
  phase: string,
  before: readonly Condition[],
  now: string,
): readonly Condition[] {
  const { pod, containers, initContainers, initialized } = facts;
  const unready = containers.filter((status) => !status.ready).map((status) => status.name);
  const sidecars = initContainers.filter((status) => isNative(pod, status.name) && !status.ready);
  const waiting = [...sidecars.map((status) => status.name), ...unready];
  const gates = (pod.spec.readinessGates ?? []).filter(
    ({ conditionType }) => !before.some((item) => item.type === conditionType && item.status === 'True'),
  );
  const finished = phase === 'Succeeded' || phase === 'Failed';
  const containersReady = !finished && initialized && waiting.length === 0;
  const why: Pick<Condition, 'reason' | 'message'> = finished
    ? { reason: phase === 'Succeeded' ? 'PodCompleted' : 'PodFailed' }
    : { reason: 'ContainersNotReady', message: `containers with unready status: [${waiting.join(' ')}]` };
  const incomplete = initContainers
    .filter((status) => !('terminated' in status.state))
    .map(({ name }) => name);
  const notInitialized = {
    reason: 'ContainersNotInitialized',
    message: `containers with incomplete status: [${incomplete.join(' ')}]`,
  };
  const gated = {
    reason: 'ReadinessGatesNotReady',
    message: 'corresponding condition of pod readiness gate does not exist.',
  };
  const wanted: readonly Condition[] = [
    condition('PodReadyToStartContainers', true),
    condition('Initialized', initialized, notInitialized),
    condition('Ready', containersReady && gates.length === 0, containersReady ? gated : why),
    condition('ContainersReady', containersReady, why),
  ];
  const own = new Set(wanted.map((item) => item.type));
  const merged = wanted.map((item) => {
    const old = before.find((other) => other.type === item.type);
    const kept = old?.status === item.status ? old.lastTransitionTime : undefined;
    return { ...item, lastProbeTime: null, lastTransitionTime: kept ?? now };
  });
  const others = before.filter((item) => !own.has(item.type) && item.type !== 'PodScheduled');
  const scheduled = before.find((item) => item.type === 'PodScheduled');
  return [...merged, scheduled ?? { ...condition('PodScheduled', true), lastTransitionTime: now }, ...others];
}

function isNative(pod: PodObject, name: string): boolean {
  return (
    pod.spec.initContainers?.some((item) => item.name === name && item.restartPolicy === 'Always') ?? false
  );
}

function condition(type: string, holds: boolean, why: Pick<Condition, 'reason' | 'message'> = {}): Condition {
  return { type, status: holds ? 'True' : 'False', ...(holds ? {} : why) };
}
