import { expect, test } from 'vitest';
import { summariesOfBad } from '../testing/summaries.ts';

test('what it says about its bad input', () => {
  expect(summariesOfBad('PL017')).toEqual([
    'error PeerAuthentication shop/cart: Clients send plaintext to Deployment shop/cart, port 8080, which is STRICT: shop/default says DISABLE, and clients look no further.',
    'error PeerAuthentication shop/port: Clients send plaintext to Deployment shop/port, port 8080, which is STRICT: shop/default says DISABLE, and clients look no further.',
  ]);
});
