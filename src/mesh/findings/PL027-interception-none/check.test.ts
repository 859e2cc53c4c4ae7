import { expect, test } from 'vitest';
import { summariesOfBad } from '../testing/summaries.ts';

test('what it says about its bad input', () => {
  expect(summariesOfBad('PL027')).toEqual([
    'error Deployment shop/cart: Deployment shop/cart has a sidecar that intercepts nothing (interceptionMode NONE).',
  ]);
});
