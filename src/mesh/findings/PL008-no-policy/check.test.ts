import { expect, test } from 'vitest';
import { summariesOfBad } from '../testing/summaries.ts';

test('what it says about its bad input', () => {
  expect(summariesOfBad('PL008')).toEqual([
    'warning Namespace legacy: No policy sets a mode for 1 workload of namespace legacy, so it accepts plaintext (PERMISSIVE by default); the policies that are there say UNSET or nothing.',
    'warning Namespace shop: No policy sets a mode for 1 workload of namespace shop, so it accepts plaintext (PERMISSIVE by default).',
  ]);
});
