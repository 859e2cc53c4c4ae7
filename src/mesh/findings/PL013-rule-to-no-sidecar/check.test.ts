import { expect, test } from 'vitest';
import { summariesOfBad } from '../testing/summaries.ts';

test('what it says about its bad input', () => {
  expect(summariesOfBad('PL013')).toEqual([
    'error DestinationRule bare/old: DestinationRule bare/old says ISTIO_MUTUAL for old.bare.svc.cluster.local:8000, but old has no sidecar.',
  ]);
});
