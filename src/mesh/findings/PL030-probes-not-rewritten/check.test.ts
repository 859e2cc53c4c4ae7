import { expect, test } from 'vitest';
import { summariesOfBad } from '../testing/summaries.ts';

test('what it says about its bad input', () => {
  expect(summariesOfBad('PL030')).toEqual([
    'error Deployment shop/cart: Deployment shop/cart turns the rewriting of probes off, and STRICT holds for what they probe: livenessProbe of container cart (port 8080).',
    'warning Deployment shop/web: Deployment shop/web turns the rewriting of probes off, and STRICT holds for what they probe: livenessProbe of container web (port 8080).',
  ]);
});
