/** Jobs: pods that run to their end, as often as it takes and no oftener than `backoffLimit` allows. */
import type { Api } from '../api/api.ts';
import { isDeleting, isPodReady, type PodObject } from '../kinds/pod.ts';
import { asJob, type JobObject } from '../kinds/workloads.ts';
import { timestamp } from './conditions.ts';
import type { Again, Controller } from './controller.ts';
import type { EventRecorder } from './events.ts';
import { ownKeys, splitKey } from './keys.ts';
import { generateName } from './names.ts';
import { isActive, podFromTemplate, podsOwnedBy } from './pods.ts';
import { writeStatus } from './status-writer.ts';

const manager = 'kube-controller-manager';
/** The real controller waits 10 s, doubled for each failure; a lab is in more of a hurry. */
const firstBackoffMilliseconds = 1_000;

export interface JobEnvironment {
  readonly api: Api;
  readonly now: () => Date;
  readonly events: EventRecorder;
}

interface Tally {
  readonly active: readonly PodObject[];
  readonly succeeded: number;
  readonly failed: number;
}

export function jobController(environment: JobEnvironment): Controller {
  const { api, now } = environment;
  return {
    name: 'job-controller',
    watches: ['jobs.batch', 'pods'],
    keysOf: (change) => ownKeys('Job', change),
    reconcile(key): Again | undefined {
      const { namespace, name } = splitKey(key);
      const found = api.get('jobs.batch', namespace, name);
      if (found === undefined || found.metadata.deletionTimestamp !== undefined) return undefined;
      const job = asJob(found);
      const ended = job.status?.conditions?.find(
        (item) => item.type === 'Complete' || item.type === 'Failed',
      );
      if (ended !== undefined) return collect(api, job, now());
      const tally = count(podsOwnedBy(api, job));
      const verdict = judge(job, tally, now());
      if (verdict !== undefined) {
        finish(environment, job, tally, verdict);
        return { afterMilliseconds: 0 };
      }
      const wait = job.spec.suspend === true ? undefined : startPods(environment, job, tally, now());
      const after = count(podsOwnedBy(api, job));
      const newest = api.get('jobs.batch', namespace, name);
      if (newest !== undefined) writeStatus(api, 'jobs.batch', newest, statusOf(job, after, now()), manager);
      return earliest(wait, deadlineIn(job, now()));
    },
  };
}

function count(pods: readonly PodObject[]): Tally {
  return {
    active: pods.filter(isActive),
    succeeded: pods.filter((pod) => pod.status?.phase === 'Succeeded').length,
    failed: pods.filter((pod) => pod.status?.phase === 'Failed').length,
  };
}

/** Completions that make the job complete; undefined: one success, as with a work queue. */
function completionsOf(job: JobObject): number {
  return job.spec.completions ?? 1;
}

interface Verdict {
  readonly type: 'Complete' | 'Failed';
  readonly reason: string;
  readonly message: string;
}

function judge(job: JobObject, tally: Tally, now: Date): Verdict | undefined {
  if (tally.succeeded >= completionsOf(job)) {
    return {
      type: 'Complete',
      reason: 'CompletionsReached',
      message: 'Reached expected number of succeeded pods',
    };
  }
  if (tally.failed > (job.spec.backoffLimit ?? 6)) {
    return {
      type: 'Failed',
      reason: 'BackoffLimitExceeded',
      message: 'Job has reached the specified backoff limit',
    };
  }
  const left = deadlineIn(job, now);
  return left !== undefined && left <= 0
    ? {
        type: 'Failed',
        reason: 'DeadlineExceeded',
        message: 'Job was active longer than specified deadline',
      }
    : undefined;
}

function deadlineIn(job: JobObject, now: Date): number | undefined {
  const seconds = job.spec.activeDeadlineSeconds;
  const started = job.status?.startTime;
  if (seconds === undefined || started === undefined) return undefined;
  return Date.parse(started) + seconds * 1000 - now.getTime();
}

function earliest(...waits: readonly (number | undefined)[]): Again | undefined {
  const known = waits.filter((wait): wait is number => wait !== undefined);
  return known.length === 0 ? undefined : { afterMilliseconds: Math.max(0, Math.min(...known)) };
}

/** @returns how long to wait before the next attempt, where a failure asks for that. */
function startPods(
  { api, events }: JobEnvironment,
  job: JobObject,
  tally: Tally,
  now: Date,
): number | undefined {
  const left = completionsOf(job) - tally.succeeded;
  const missing = Math.min(job.spec.parallelism ?? 1, left) - tally.active.length;
  if (missing <= 0) return undefined;
  const wait = backoffLeft(api, job, tally.failed, now);
  if (wait > 0) return wait;
  const prefix = `${job.metadata.name}-`;
  for (let index = 0; index < missing; index += 1) {
    const name = generateName(prefix);
    const pod = podFromTemplate({ owner: job, template: job.spec.template, name, generateName: prefix });
    api.create('pods', pod, manager);
    events.record(job, 'Normal', 'SuccessfulCreate', `Created pod: ${name}`);
  }
  return undefined;
}

function backoffLeft(api: Api, job: JobObject, failed: number, now: Date): number {
  if (failed === 0) return 0;
  const ends = podsOwnedBy(api, job)
    .filter((pod) => pod.status?.phase === 'Failed')
    .flatMap((pod) => pod.status?.containerStatuses ?? [])
    .map((status) => ('terminated' in status.state ? Date.parse(status.state.terminated.finishedAt) : 0));
  const pause = Math.min(firstBackoffMilliseconds * 2 ** (failed - 1), 360_000);
  return Math.max(0, ...ends) + pause - now.getTime();
}

function statusOf(job: JobObject, tally: Tally, now: Date): object {
  const ready = tally.active.filter((pod) => isPodReady(pod)).length;
  return {
    startTime: job.status?.startTime ?? timestamp(now),
    ...(tally.active.length > 0 ? { active: tally.active.length } : {}),
    ...(tally.succeeded > 0 ? { succeeded: tally.succeeded } : {}),
    ...(tally.failed > 0 ? { failed: tally.failed } : {}),
    ready,
    terminating: 0,
    uncountedTerminatedPods: {},
  };
}

function finish({ api, now, events }: JobEnvironment, job: JobObject, tally: Tally, verdict: Verdict): void {
  for (const pod of tally.active) {
    if (!isDeleting(pod)) api.delete('pods', pod.metadata.namespace, pod.metadata.name);
  }
  const time = timestamp(now());
  const conditions = (
    verdict.type === 'Complete' ? ['SuccessCriteriaMet', 'Complete'] : ['FailureTarget', 'Failed']
  ).map((type) => ({
    type,
    status: 'True',
    reason: verdict.reason,
    message: verdict.message,
    lastProbeTime: time,
    lastTransitionTime: time,
  }));
  const { active: _active, ...status } = statusOf(job, { ...tally, active: [] }, now()) as {
    active?: number;
  };
  const completed = verdict.type === 'Complete' ? { completionTime: time } : {};
  api.updateStatus('jobs.batch', { ...job, status: { ...status, ...completed, conditions } }, manager);
  if (verdict.type === 'Complete') events.record(job, 'Normal', 'Completed', 'Job completed');
  else events.record(job, 'Warning', verdict.reason, verdict.message);
}

/** `ttlSecondsAfterFinished`. */
function collect(api: Api, job: JobObject, now: Date): Again | undefined {
  const ttl = job.spec.ttlSecondsAfterFinished;
  const end = job.status?.conditions?.find((item) => item.type === 'Complete' || item.type === 'Failed');
  if (ttl === undefined || end?.lastTransitionTime === undefined) return undefined;
  const left = Date.parse(end.lastTransitionTime) + ttl * 1000 - now.getTime();
  if (left > 0) return { afterMilliseconds: left };
  api.delete('jobs.batch', job.metadata.namespace, job.metadata.name);
  return undefined;
}
