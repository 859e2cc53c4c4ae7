/** What the numbers and the schedule of Jobs and CronJobs may be (pkg/apis/batch/validation). */
import { type JsonObject, numberAt, objectAt, stringAt } from '../json.ts';
import { type FieldError, invalidValue, notSupported, required } from '../validation/field-error.ts';

/** Counts that must not be negative, in the order in which they are told. */
export function negativeCounts(
  spec: JsonObject | undefined,
  at: string,
  fields: readonly string[],
): readonly FieldError[] {
  return fields.flatMap((field) => {
    const value = numberAt(spec, field) ?? 0;
    return value < 0 ? [invalidValue(`${at}.${field}`, value, 'must be greater than or equal to 0')] : [];
  });
}

const jobCounts = [
  'parallelism',
  'completions',
  'activeDeadlineSeconds',
  'backoffLimit',
  'ttlSecondsAfterFinished',
] as const;

export function jobErrors(spec: JsonObject | undefined, at: string): readonly FieldError[] {
  return negativeCounts(spec, at, jobCounts);
}

const concurrencyPolicies = ['Allow', 'Forbid', 'Replace'];

export function cronErrors(spec: JsonObject | undefined): readonly FieldError[] {
  const errors: FieldError[] = [...scheduleErrors(stringAt(spec, 'schedule') ?? '')];
  errors.push(...negativeCounts(spec, 'spec', ['startingDeadlineSeconds']));
  const zone = stringAt(spec, 'timeZone');
  if (zone !== undefined && !isTimeZone(zone))
    errors.push(invalidValue('spec.timeZone', zone, `unknown time zone ${zone}`));
  const policy = stringAt(spec, 'concurrencyPolicy') ?? '';
  if (!concurrencyPolicies.includes(policy))
    errors.push(notSupported('spec.concurrencyPolicy', policy, concurrencyPolicies));
  errors.push(...jobErrors(objectAt(objectAt(spec, 'jobTemplate'), 'spec'), 'spec.jobTemplate.spec'));
  errors.push(...negativeCounts(spec, 'spec', ['successfulJobsHistoryLimit', 'failedJobsHistoryLimit']));
  return errors;
}

function scheduleErrors(schedule: string): readonly FieldError[] {
  if (schedule === '') return [required('spec.schedule')];
  if (schedule.includes('TZ')) {
    const why = 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead';
    return [invalidValue('spec.schedule', schedule, why)];
  }
  const fields = schedule.trim().split(/\s+/);
  if (schedule.startsWith('@') || fields.length === 5) return [];
  const why = `expected exactly 5 fields, found ${fields.length}: [${fields.join(' ')}]`;
  return [invalidValue('spec.schedule', schedule, why)];
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
