import { expect, test } from 'vitest';
import { summariesOfBad } from '../testing/summaries.ts';

test('what it says about its bad input', () => {
  expect(summariesOfBad('PL015')).toEqual([
    'error DestinationRule shop/cart: DestinationRule shop/cart says MUTUAL and names no certificate: clients send plaintext to cart.shop.svc.cluster.local:8000.',
    'error DestinationRule shop/outside: DestinationRule shop/outside names the secret my-ca, which sidecars do not read without a workloadSelector: clients send plaintext to api.example.com:443.',
  ]);
});
