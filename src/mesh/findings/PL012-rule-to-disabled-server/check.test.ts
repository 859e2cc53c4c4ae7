import { expect, test } from 'vitest';
import { summariesOfBad } from '../testing/summaries.ts';

test('what it says about its bad input', () => {
  expect(summariesOfBad('PL012')).toEqual([
    'error DestinationRule shop/cart: DestinationRule shop/cart says ISTIO_MUTUAL: clients send mutual TLS to cart.shop.svc.cluster.local:8000, where it is turned off.',
    'error DestinationRule shop/port: DestinationRule shop/port says ISTIO_MUTUAL for port 8000: clients send mutual TLS to port.shop.svc.cluster.local:8000, where it is turned off.',
  ]);
});
