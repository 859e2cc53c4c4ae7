import { expect, test } from 'vitest';
import { summariesOfBad } from '../testing/summaries.ts';

test('what it says about its bad input', () => {
  expect(summariesOfBad('PL010')).toEqual([
    'warning PeerAuthentication shop/default: PeerAuthentication shop/default is for revision canary only, and 1 of 1 workload in its reach is served by default.',
    'warning PeerAuthentication istio-system/default: PeerAuthentication istio-system/default is for revision canary only, and 1 of 2 workloads in its reach is served by default.',
  ]);
});
