import { expect, test } from 'vitest';
import { summariesOfBad } from '../testing/summaries.ts';

test('what it says about its bad input', () => {
  expect(summariesOfBad('PL032')).toEqual([
    'warning ServiceEntry shop/implied: ServiceEntry shop/implied calls cart.mesh external (no location means MESH_EXTERNAL), but cart behind it has a proxy.',
    'warning ServiceEntry shop/by-name: ServiceEntry shop/by-name calls cart.alias external, but cart behind it has a proxy.',
  ]);
});
