import { expect, test } from 'vitest';
import { summariesOfBad } from '../testing/summaries.ts';

test('what it says about its bad input', () => {
  expect(summariesOfBad('PL003')).toEqual([
    'error PeerAuthentication istio-system/cart: istio-system/cart selects app=cart in the root namespace istio-system, where a selector has no effect: 1 workload with these labels keeps its mode.',
    'error PeerAuthentication istio-system/nobody: istio-system/nobody selects app=nobody in the root namespace istio-system, where a selector has no effect: it applies to nothing.',
  ]);
});
