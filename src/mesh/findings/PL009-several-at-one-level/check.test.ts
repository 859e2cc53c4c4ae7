import { expect, test } from 'vitest';
import { summariesOfBad } from '../testing/summaries.ts';

test('what it says about its bad input', () => {
  expect(summariesOfBad('PL009')).toEqual([
    'warning PeerAuthentication shop/a: 2 policies are written for namespace shop: shop/a counts, shop/b does not.',
    'info PeerAuthentication istio-system/default: 2 policies are written for the mesh (root namespace istio-system): istio-system/default counts, istio-system/again does not.',
  ]);
});
