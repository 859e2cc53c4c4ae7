import { expect, test } from 'vitest';
import { summariesOfBad } from '../testing/summaries.ts';

test('what it says about its bad input', () => {
  expect(summariesOfBad('PL019')).toEqual([
    'error Deployment shop/web: Deployment shop/web leads calls to cart.shop.svc.cluster.local:8000 past its sidecar (excludeOutboundPorts is "8000"): they are plaintext.',
    'warning Deployment shop/list: Deployment shop/list leads calls to lax.shop.svc.cluster.local:9000 past its sidecar (excludeOutboundPorts is "9000"): they are plaintext.',
  ]);
});
