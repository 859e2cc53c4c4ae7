import { expect, test } from 'vitest';
import { summariesOfBad } from '../testing/summaries.ts';

test('what it says about its bad input', () => {
  expect(summariesOfBad('PL021')).toEqual([
    'error Deployment shop/db: Deployment shop/db has no sidecar, so the STRICT of shop/default does not protect it.',
    'error Pod shop/lonely: Pod shop/lonely has no sidecar, so the STRICT of shop/default does not protect it.',
    'info Namespace bare: Namespace bare is outside the mesh: STRICT for the mesh does not protect its 1 workload.',
  ]);
});
