import { expect, test } from 'vitest';
import { scalarOf } from './dialect.ts';

/** What sigs.k8s.io/yaml 1.6 makes of `a: TEXT`, tried with the Go module itself. */
const answers: Readonly<Record<string, string | number | boolean | null>> = {
  yes: true,
  y: true,
  Y: true,
  on: true,
  off: false,
  n: false,
  No: false,
  True: true,
  TRUE: true,
  tRUE: 'tRUE',
  '~': null,
  Null: null,
  '': null,
  '0777': 511,
  '08': 8,
  '0o14': 12,
  '0o8': '0o8',
  '0O17': 15,
  '0x1F': 31,
  '0X1f': 31,
  '0x': '0x',
  '0b11': 3,
  '0B1': 1,
  '-0b11': -3,
  '0b1_1': 3,
  '+12': 12,
  '-0x10': -16,
  '1_000': 1000,
  '1__0': 10,
  '1_': 1,
  _1: '_1',
  '0_1': 1,
  '1e3': 1000,
  '1e+3': 1000,
  '1E+3': 1000,
  '1e400': '1e400',
  '1.5': 1.5,
  '1.': 1,
  '+.5': 0.5,
  '-.5': -0.5,
  '.5e+3': 500,
  '.': '.',
  '..': '..',
  '+': '+',
  '1,000': '1,000',
  '1:30': '1:30',
  '190:20:30': '190:20:30',
  '2026-01-01': '2026-01-01',
  '2026-01-01T00:00:00Z': '2026-01-01T00:00:00Z',
  '00': 0,
  '-0': 0,
  '-01': -1,
  '=': '=',
  '<<': '<<',
  '123456789012345678901234567890': 1.2345678901234568e29,
};

test.each(Object.entries(answers))('%j is what Kubernetes reads', (text, value) => {
  expect(scalarOf(text)).toBe(value);
});

test('numbers that JSON cannot hold stay text; Kubernetes refuses them', () => {
  for (const text of ['.inf', '-.Inf', '.nan']) expect(scalarOf(text)).toBe(text);
});
