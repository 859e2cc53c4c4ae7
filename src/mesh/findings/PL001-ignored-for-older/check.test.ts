import { expect, test } from 'vitest';
import { summariesOfBad } from '../testing/summaries.ts';

test('what it says about its bad input', () => {
  expect(summariesOfBad('PL001')).toEqual([
    'error PeerAuthentication istio-system/mesh-strict: istio-system/mesh-strict is ignored for the mesh: istio-system/default is older, and only the oldest policy of a level is used.',
    'error PeerAuthentication shop/strict: shop/strict is ignored for namespace shop: shop/default is older, and only the oldest policy of a level is used.',
    'error PeerAuthentication shop/cart-ports: shop/cart-ports is ignored for 1 workload: shop/cart is older, and only the oldest policy of a level is used.',
    'warning PeerAuthentication shop/aaa-same-second: shop/aaa-same-second is ignored for namespace shop: shop/default is older, and only the oldest policy of a level is used.',
  ]);
});
