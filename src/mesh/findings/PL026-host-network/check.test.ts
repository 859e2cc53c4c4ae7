import { expect, test } from 'vitest';
import { summariesOfBad } from '../testing/summaries.ts';

test('what it says about its bad input', () => {
  expect(summariesOfBad('PL026')).toEqual([
    'error Deployment shop/agent: Deployment shop/agent runs on the host network, so it has no sidecar although namespace shop is in the mesh.',
    'warning Deployment other/web: Deployment other/web runs on the host network, so it has no sidecar although namespace other is in the mesh.',
  ]);
});
