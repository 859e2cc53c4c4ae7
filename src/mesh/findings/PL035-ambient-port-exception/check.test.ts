import { expect, test } from 'vitest';
import { summariesOfBad } from '../testing/summaries.ts';

test('what it says about its bad input', () => {
  expect(summariesOfBad('PL035')).toEqual([
    'error PeerAuthentication amb/db: amb/db opens one port, and in ambient mode that drops STRICT for every port of 1 workload.',
    'warning PeerAuthentication amb/cart: amb/cart sets DISABLE for a port of 1 workload in ambient mode, which has no effect: the port stays STRICT.',
  ]);
});
