import { expect, test } from 'vitest';
import type { CounterReading } from '../proxy/counters.ts';
import { counterDelta } from './counter-delta.ts';

const reading = (at: number, uptime: number, values: Readonly<Record<string, number>>): CounterReading => ({
  at,
  uptime,
  via: 'pod proxy',
  samples: Object.entries(values).map(([name, value]) => ({ name, labels: { a: 'b' }, value })),
});
const added = (before: CounterReading | undefined, after: CounterReading) => {
  const delta = counterDelta(before, after);
  return [Object.fromEntries(delta.added.map(({ name, value }) => [name, value])), delta.restarted];
};

test('what was added counts, totals do not', () => {
  expect(added(reading(0, 100, { x: 7, y: 3 }), reading(10_000, 110, { x: 9, y: 3, z: 1 }))).toEqual([
    { x: 2, z: 1 },
    false,
  ]);
});

test('a counter that went down was restarted, and with it all others of its proxy', () => {
  expect(added(reading(0, 100, { x: 7, y: 3 }), reading(10_000, 5, { x: 2, y: 8 }))).toEqual([
    { x: 2, y: 8 },
    true,
  ]);
});

test('a proxy younger than the window was restarted though its counters are higher than before', () => {
  expect(added(reading(0, 4, { x: 1 }), reading(60_000, 30, { x: 5 }))).toEqual([{ x: 5 }, true]);
});

test('a proxy that began within the window counts from zero', () => {
  expect(added(undefined, reading(60_000, 30, { x: 5, y: 0 }))).toEqual([{ x: 5 }, false]);
});
