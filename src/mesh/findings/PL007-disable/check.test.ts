import { expect, test } from 'vitest';
import { summariesOfBad } from '../testing/summaries.ts';

test('what it says about its bad input', () => {
  expect(summariesOfBad('PL007')).toEqual([
    'warning PeerAuthentication istio-system/default: istio-system/default turns mutual TLS off (DISABLE) for the mesh (1 workload without a policy of its own).',
    'warning PeerAuthentication shop/default: shop/default turns mutual TLS off (DISABLE) for namespace shop (1 workload).',
    'warning PeerAuthentication shop/db: shop/db turns mutual TLS off (DISABLE) for port 8080 of 1 workload.',
    'warning PeerAuthentication shop/web: shop/web turns mutual TLS off (DISABLE) for 1 workload.',
  ]);
});
