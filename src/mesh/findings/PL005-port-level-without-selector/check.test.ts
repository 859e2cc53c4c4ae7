import { expect, test } from 'vitest';
import { summariesOfBad } from '../testing/summaries.ts';

test('what it says about its bad input', () => {
  expect(summariesOfBad('PL005')).toEqual([
    'error PeerAuthentication shop/default: shop/default sets a mode for port 8080 without selecting workloads, so these modes have no effect.',
    'error PeerAuthentication istio-system/default: istio-system/default sets a mode for port 8080 without selecting workloads, so these modes have no effect.',
  ]);
});
