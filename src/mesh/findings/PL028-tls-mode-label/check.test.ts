import { expect, test } from 'vitest';
import { summariesOfBad } from '../testing/summaries.ts';

test('what it says about its bad input', () => {
  expect(summariesOfBad('PL028')).toEqual([
    'error Deployment bare/x: Deployment bare/x has no sidecar, but its label security.istio.io/tlsMode is "istio": clients send it mutual TLS that it cannot read.',
    'error Deployment shop/cart: Deployment shop/cart has a sidecar, but its label security.istio.io/tlsMode is "disabled": clients send it plaintext.',
    'error Pod shop/web: Pod shop/web has a sidecar, but no label security.istio.io/tlsMode: clients send it plaintext.',
  ]);
});
