import { expect, test } from 'vitest';
import { wrongImports } from './rooms.ts';

test('no import goes against the rooms', () => {
  expect(wrongImports('src')).toEqual([]);
});
