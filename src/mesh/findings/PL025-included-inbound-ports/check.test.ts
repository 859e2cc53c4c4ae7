import { expect, test } from 'vitest';
import { summariesOfBad } from '../testing/summaries.ts';

test('what it says about its bad input', () => {
  expect(summariesOfBad('PL025')).toEqual([
    'error Deployment shop/cart: Deployment shop/cart leaves port 8080 out of its sidecar, because includeInboundPorts is "9090".',
    'warning Deployment shop/web: Deployment shop/web leaves port 8080 out of its sidecar, because includeInboundPorts is empty.',
    'info Deployment shop/db: Deployment shop/db sends only ports 8080 through its sidecar: whatever else listens is outside.',
  ]);
});
