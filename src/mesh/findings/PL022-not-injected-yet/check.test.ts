import { expect, test } from 'vitest';
import { summariesOfBad } from '../testing/summaries.ts';

test('what it says about its bad input', () => {
  expect(summariesOfBad('PL022')).toEqual([
    'warning Deployment shop/cart: Deployment shop/cart runs 1 pod without a sidecar, although the labels of namespace shop ask for one.',
    'warning Pod shop/lonely: Pod shop/lonely runs 1 pod without a sidecar, although the labels of namespace shop ask for one.',
  ]);
});
