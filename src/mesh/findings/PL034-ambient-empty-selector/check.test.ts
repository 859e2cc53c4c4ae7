import { expect, test } from 'vitest';
import { summariesOfBad } from '../testing/summaries.ts';

test('what it says about its bad input', () => {
  expect(summariesOfBad('PL034')).toEqual([
    'error PeerAuthentication istio-system/default: istio-system/default has an empty selector, which reaches none of 1 workload in ambient mode.',
    'warning PeerAuthentication amb/default: amb/default has an empty selector, which counts differently for 1 workload in ambient mode.',
  ]);
});
