import { expect, test } from 'vitest';
import { summariesOfBad } from '../testing/summaries.ts';

test('what it says about its bad input', () => {
  expect(summariesOfBad('PL036')).toEqual([
    'error Namespace shop: 1 workload of namespace shop with STRICT sidecars refuses the plaintext that 1 ambient workload sends.',
  ]);
});
