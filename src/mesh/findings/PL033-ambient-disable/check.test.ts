import { expect, test } from 'vitest';
import { summariesOfBad } from '../testing/summaries.ts';

test('what it says about its bad input', () => {
  expect(summariesOfBad('PL033')).toEqual([
    'info PeerAuthentication amb/default: amb/default says DISABLE for 1 workload in ambient mode, where it means PERMISSIVE.',
    'info PeerAuthentication amb/db: amb/db says DISABLE for 1 workload in ambient mode, where it means PERMISSIVE.',
  ]);
});
