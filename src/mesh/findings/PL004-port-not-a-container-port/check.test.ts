import { expect, test } from 'vitest';
import { summariesOfBad } from '../testing/summaries.ts';

test('what it says about its bad input', () => {
  expect(summariesOfBad('PL004')).toEqual([
    'error PeerAuthentication shop/cart: shop/cart sets DISABLE for 8000, which is the port of Service shop/cart; the container port behind it is 8080.',
    'warning PeerAuthentication shop/cart: shop/cart sets a mode for port 9999, which no container of 1 selected workload declares and no Service uses.',
  ]);
});
