import { expect, test } from 'vitest';
import { summariesOfBad } from '../testing/summaries.ts';

test('what it says about its bad input', () => {
  expect(summariesOfBad('PL020')).toEqual([
    'error ConfigMap istio-system/istio: Automatic mutual TLS is off in ConfigMap istio-system/istio (enableAutoMtls: false): clients send plaintext unless a DestinationRule says ISTIO_MUTUAL.',
  ]);
});
