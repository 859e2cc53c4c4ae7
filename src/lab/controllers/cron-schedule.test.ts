import { expect, test } from 'vitest';
import { nextTime, parseSchedule } from './cron-schedule.ts';

test.each([
  ['*/15 * * * *', '2026-11-24T02:10:17Z', '2026-11-24T02:15:00.000Z'],
  ['0 0 * * *', '2026-11-24T02:10:17Z', '2026-11-25T00:00:00.000Z'],
  ['@hourly', '2026-11-24T02:59:59Z', '2026-11-24T03:00:00.000Z'],
  ['30 4 1,15 * *', '2026-11-24T02:10:17Z', '2026-12-01T04:30:00.000Z'],
  ['0 9 * * mon-fri', '2026-11-27T10:00:00Z', '2026-11-30T09:00:00.000Z'],
  ['0 0 13 * 5', '2026-11-24T00:00:00Z', '2026-11-27T00:00:00.000Z'],
  ['0 12 29 2 *', '2026-11-24T00:00:00Z', '2028-02-29T12:00:00.000Z'],
  ['5 * * * 7', '2026-11-24T00:00:00Z', '2026-11-29T00:05:00.000Z'],
])('%s after %s is %s', (schedule, from, expected) => {
  const parsed = parseSchedule(schedule);
  expect(parsed && nextTime(parsed, new Date(from))?.toISOString()).toBe(expected);
});

test('a day that never comes has no next time', () => {
  const parsed = parseSchedule('0 0 30 2 *');
  expect(parsed && nextTime(parsed, new Date('2026-01-01T00:00:00Z'))).toBeUndefined();
});

test.each(['', '* * * *', '60 * * * *', '* 24 * * *', 'a b c d e', '*/0 * * * *', '5-1 * * * *', '@never'])(
  '%j is no schedule',
  (schedule) => expect(parseSchedule(schedule)).toBeUndefined(),
);
