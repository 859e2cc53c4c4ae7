import { expect, test } from 'vitest';
import { summariesOfBad } from '../testing/summaries.ts';

test('what it says about its bad input', () => {
  expect(summariesOfBad('PL006')).toEqual([
    'warning PeerAuthentication istio-system/default: istio-system/default makes the mesh (1 workload without a policy of its own) accept plaintext (PERMISSIVE).',
    'warning PeerAuthentication shop/default: shop/default makes namespace shop (1 workload) accept plaintext (PERMISSIVE).',
    'warning PeerAuthentication shop/db: shop/db makes port 8080 of 1 workload accept plaintext (PERMISSIVE).',
    'warning PeerAuthentication shop/web: shop/web makes 1 workload accept plaintext (PERMISSIVE).',
  ]);
});
