import { expect, test } from 'vitest';
import { titleLook, widthForTitle } from './title.ts';

const long = 'payments-reconciliation-production';

test('a short name keeps its size on the screen; a long one takes two lines where one has no room', () => {
  expect(titleLook('shop', 256, 28)).toEqual({ size: 28, lines: 1 });
  expect(titleLook('shop', 2_000, 500)).toEqual({ size: 66, lines: 1 });
  expect(titleLook(long, 2_000, 28)).toEqual({ size: 28, lines: 1 });
  expect(titleLook(long, 256, 28)).toEqual({ size: 14, lines: 2 });
  expect(titleLook('a'.repeat(40), 256, 28)).toEqual({ size: 14, lines: 2 });
});

test('a frame of the width that the name asks for shows it at a readable size', () => {
  expect(titleLook(long, widthForTitle(long), 28)).toEqual({ size: expect.closeTo(20), lines: 2 });
  expect(widthForTitle('shop')).toBeLessThan(widthForTitle(long));
});
