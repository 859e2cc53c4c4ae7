import { expect, test } from 'vitest';
import { summariesOfBad } from '../testing/summaries.ts';

test('what it says about its bad input', () => {
  expect(summariesOfBad('PL016')).toEqual([
    'warning DestinationRule shop/cart: DestinationRule shop/cart does not reach 1 client workload of namespace web: web/limits (host *.shop.svc.cluster.local) stands before it for cart.shop.svc.cluster.local.',
    'warning DestinationRule shop/b: The trafficPolicy of DestinationRule shop/b is not used: shop/a is for the same host, two.shop.svc.cluster.local, and comes first.',
  ]);
});
