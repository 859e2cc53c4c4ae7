/** Cron schedules: five fields in UTC, or one of the `@` names. Pure. */

const names: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

export interface Schedule {
  readonly minutes: ReadonlySet<number>;
  readonly hours: ReadonlySet<number>;
  readonly daysOfMonth: ReadonlySet<number>;
  readonly months: ReadonlySet<number>;
  readonly daysOfWeek: ReadonlySet<number>;
  /** Both day fields are restricted: then either is enough. */
  readonly eitherDay: boolean;
}

/** @returns undefined where the text is no schedule. */
export function parseSchedule(text: string): Schedule | undefined {
  const fields = (names[text.trim()] ?? text).trim().toLowerCase().split(/\s+/);
  if (fields.length !== 5) return undefined;
  const [minute = '', hour = '', day = '', month = '', weekday = ''] = fields;
  const minutes = parseField(minute, 0, 59);
  const hours = parseField(hour, 0, 23);
  const daysOfMonth = parseField(day, 1, 31);
  const monthSet = parseField(wordsToNumbers(month, months, 1), 1, 12);
  const weekdays = parseField(wordsToNumbers(weekday, days, 0), 0, 7);
  if (
    minutes === undefined ||
    hours === undefined ||
    daysOfMonth === undefined ||
    monthSet === undefined ||
    weekdays === undefined
  ) {
    return undefined;
  }
  return {
    minutes,
    hours,
    daysOfMonth,
    months: monthSet,
    daysOfWeek: new Set([...weekdays].map((number) => number % 7)),
    eitherDay: !/^[*?]/.test(day) && !/^[*?]/.test(weekday),
  };
}

function wordsToNumbers(field: string, words: readonly string[], first: number): string {
  return field.replace(/[a-z]+/g, (word) => {
    const index = words.indexOf(word);
    return index === -1 ? word : String(index + first);
  });
}

/** `*`, `5`, `1-5`, `*` with `/15`, and lists of these. */
function parseField(field: string, min: number, max: number): ReadonlySet<number> | undefined {
  const values = new Set<number>();
  for (const part of field.split(',')) {
    const match = /^(?:[*?]|(\d+)(?:-(\d+))?)(?:\/(\d+))?$/.exec(part);
    if (match === null) return undefined;
    const [, from, to, step] = match;
    const start = from === undefined ? min : Number(from);
    const single = from !== undefined && to === undefined && step === undefined;
    const end = to !== undefined ? Number(to) : single ? start : max;
    const stride = Number(step ?? 1);
    if (start < min || end > max || start > end || stride < 1) return undefined;
    for (let value = start; value <= end; value += stride) values.add(value);
  }
  return values;
}

/** The first moment after `from` that the schedule names; undefined where there is none within five years (30 February). */
export function nextTime(schedule: Schedule, from: Date): Date | undefined {
  const at = new Date(Math.floor(from.getTime() / 60_000) * 60_000 + 60_000);
  const end = from.getTime() + 5 * 366 * 86_400_000;
  while (at.getTime() <= end) {
    if (!schedule.months.has(at.getUTCMonth() + 1)) at.setTime(startOfMonth(at, 1));
    else if (!fitsDay(schedule, at)) at.setTime(startOfDay(at, 1));
    else if (!schedule.hours.has(at.getUTCHours())) at.setUTCHours(at.getUTCHours() + 1, 0);
    else if (!schedule.minutes.has(at.getUTCMinutes())) at.setUTCMinutes(at.getUTCMinutes() + 1);
    else return at;
  }
  return undefined;
}

function startOfMonth(at: Date, later: number): number {
  return Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + later, 1);
}

function startOfDay(at: Date, later: number): number {
  return Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate() + later);
}

function fitsDay(schedule: Schedule, at: Date): boolean {
  const inMonth = schedule.daysOfMonth.has(at.getUTCDate());
  const inWeek = schedule.daysOfWeek.has(at.getUTCDay());
  return schedule.eitherDay ? inMonth || inWeek : inMonth && inWeek;
}
