import { expect, test } from 'vitest';
import { summariesOfBad } from '../testing/summaries.ts';

test('what it says about its bad input', () => {
  expect(summariesOfBad('PL024')).toEqual([
    'error Deployment shop/cart: Deployment shop/cart takes ports 8080 and 9999 out of its sidecar.',
    'warning Deployment shop/web: Deployment shop/web takes port 9090 out of its sidecar.',
  ]);
});
