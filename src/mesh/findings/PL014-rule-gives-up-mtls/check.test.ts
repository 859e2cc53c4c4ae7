import { expect, test } from 'vitest';
import { summariesOfBad } from '../testing/summaries.ts';

test('what it says about its bad input', () => {
  expect(summariesOfBad('PL014')).toEqual([
    'warning DestinationRule shop/cart: DestinationRule shop/cart says DISABLE: clients send plaintext to cart.shop.svc.cluster.local:8000, which takes mutual TLS as well.',
    'warning DestinationRule shop/tcp: DestinationRule shop/tcp says SIMPLE: clients send TLS of their own (SIMPLE) to tcp.shop.svc.cluster.local:8000, which takes mutual TLS as well.',
  ]);
});
