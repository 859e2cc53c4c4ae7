import { expect, test } from 'vitest';
import { summariesOfBad } from '../testing/summaries.ts';

test('what it says about its bad input', () => {
  expect(summariesOfBad('PL031')).toEqual([
    'error AuthorizationPolicy shop/deny: AuthorizationPolicy shop/deny needs an identity: it denies by principals on 1 workload that also accepts plaintext: a plaintext request has no identity and passes.',
    'error AuthorizationPolicy shop/allow-not: AuthorizationPolicy shop/allow-not needs an identity: it allows by notNamespaces on 1 workload that also accepts plaintext: a plaintext request has no identity and is let in.',
    'warning AuthorizationPolicy shop/allow: AuthorizationPolicy shop/allow needs an identity: it allows by namespaces on 1 workload that also accepts plaintext: plaintext requests never match it and get 403.',
  ]);
});
