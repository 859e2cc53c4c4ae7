/** CronJobs: a Job at each time of the schedule. */
import type { Api } from '../api/api.ts';
import { asCronJob, asJob, type CronJobObject, type JobObject } from '../kinds/workloads.ts';
import { timestamp } from './conditions.ts';
import type { Again, Controller } from './controller.ts';
import { nextTime, parseSchedule } from './cron-schedule.ts';
import type { EventRecorder } from './events.ts';
import { isOwnedBy, ownerReference, ownKeys, splitKey } from './keys.ts';
import { writeStatus } from './status-writer.ts';

const manager = 'kube-controller-manager';
/** setTimeout takes no more than 2^31 ms; look again at least once a day. */
const longestWait = 86_400_000;

export interface CronJobEnvironment {
  readonly api: Api;
  readonly now: () => Date;
  readonly events: EventRecorder;
}

export function cronJobController(environment: CronJobEnvironment): Controller {
  const { api, now, events } = environment;
  return {
    name: 'cronjob-controller',
    watches: ['cronjobs.batch', 'jobs.batch'],
    keysOf: (change) => ownKeys('CronJob', change),
    reconcile(key): Again | undefined {
      const { namespace, name } = splitKey(key);
      const found = api.get('cronjobs.batch', namespace, name);
      if (found === undefined || found.metadata.deletionTimestamp !== undefined) return undefined;
      const cron = asCronJob(found);
      const schedule = parseSchedule(cron.spec.schedule);
      if (schedule === undefined) {
        events.record(cron, 'Warning', 'UnparseableSchedule', `unparseable schedule: ${cron.spec.schedule}`);
        return undefined;
      }
      const jobs = jobsOf(api, cron);
      const last = cron.status?.lastScheduleTime ?? cron.metadata.creationTimestamp ?? timestamp(now());
      const due = nextTime(schedule, new Date(last));
      const started = due !== undefined && due <= now() && cron.spec.suspend !== true;
      if (started) start(environment, cron, due, jobs);
      trim(api, cron, jobs);
      const lastScheduleTime = started ? timestamp(due) : cron.status?.lastScheduleTime;
      report(api, cron, lastScheduleTime);
      const next = nextTime(schedule, now());
      if (next === undefined || cron.spec.suspend === true) return undefined;
      return { afterMilliseconds: Math.min(longestWait, next.getTime() - now().getTime() + 5) };
    },
  };
}

function jobsOf(api: Api, cron: CronJobObject): readonly JobObject[] {
  return api
    .list('jobs.batch', { namespace: cron.metadata.namespace ?? '' })
    .filter((job) => isOwnedBy(job, cron))
    .map(asJob);
}

function outcome(job: JobObject): 'Complete' | 'Failed' | undefined {
  const types = (job.status?.conditions ?? [])
    .filter((item) => item.status === 'True')
    .map((item) => item.type);
  if (types.includes('Complete')) return 'Complete';
  return types.includes('Failed') ? 'Failed' : undefined;
}

function start(
  { api, events }: CronJobEnvironment,
  cron: CronJobObject,
  due: Date,
  jobs: readonly JobObject[],
): void {
  const running = jobs.filter((job) => outcome(job) === undefined);
  const policy = cron.spec.concurrencyPolicy ?? 'Allow';
  if (policy === 'Forbid' && running.length > 0) return;
  if (policy === 'Replace') {
    for (const job of running) api.delete('jobs.batch', job.metadata.namespace, job.metadata.name);
  }
  // As the real controller: the minute of the schedule makes the name, so that a time is never run twice.
  const name = `${cron.metadata.name}-${Math.floor(due.getTime() / 60_000)}`;
  if (api.get('jobs.batch', cron.metadata.namespace, name) !== undefined) return;
  const { metadata = {}, spec } = cron.spec.jobTemplate;
  api.create(
    'jobs.batch',
    {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: {
        ...metadata,
        name,
        namespace: cron.metadata.namespace ?? '',
        ownerReferences: [ownerReference(cron)],
      },
      spec,
    },
    manager,
  );
  events.record(cron, 'Normal', 'SuccessfulCreate', `Created job ${name}`);
}

/** Deletes the oldest finished jobs beyond the limits. */
function trim(api: Api, cron: CronJobObject, jobs: readonly JobObject[]): void {
  const limits = {
    Complete: cron.spec.successfulJobsHistoryLimit ?? 3,
    Failed: cron.spec.failedJobsHistoryLimit ?? 1,
  };
  for (const kind of ['Complete', 'Failed'] as const) {
    const ended = jobs
      .filter((job) => outcome(job) === kind)
      .sort((a, b) => (b.metadata.creationTimestamp ?? '').localeCompare(a.metadata.creationTimestamp ?? ''));
    for (const job of ended.slice(limits[kind])) {
      api.delete('jobs.batch', job.metadata.namespace, job.metadata.name);
    }
  }
}

function report(api: Api, cron: CronJobObject, lastScheduleTime: string | undefined): void {
  const newest = api.get('cronjobs.batch', cron.metadata.namespace, cron.metadata.name);
  if (newest === undefined) return;
  const active = jobsOf(api, cron)
    .filter((job) => outcome(job) === undefined)
    .map(({ apiVersion, kind, metadata: { name, namespace, uid } }) => ({
      apiVersion,
      kind,
      name,
      namespace,
      uid,
    }));
  const status = {
    ...(active.length > 0 ? { active } : {}),
    ...(lastScheduleTime === undefined ? {} : { lastScheduleTime }),
  };
  writeStatus(api, 'cronjobs.batch', newest, status, manager);
}
