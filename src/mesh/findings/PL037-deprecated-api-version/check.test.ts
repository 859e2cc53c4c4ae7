import { expect, test } from 'vitest';
import { summariesOfBad } from '../testing/summaries.ts';

test('what it says about its bad input', () => {
  expect(summariesOfBad('PL037')).toEqual([
    'error Policy shop/default: Policy shop/default is of authentication.istio.io/v1alpha1, which no Istio has read since 1.6.',
    'error MeshPolicy default: MeshPolicy default is of authentication.istio.io/v1alpha1, which no Istio has read since 1.6.',
    'info PeerAuthentication shop/default: PeerAuthentication shop/default is written for security.istio.io/v1beta1, which security.istio.io/v1 has replaced.',
    'info DestinationRule shop/x: DestinationRule shop/x is written for networking.istio.io/v1alpha3, which networking.istio.io/v1 has replaced.',
  ]);
});
