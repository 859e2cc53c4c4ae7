import { expect, test } from 'vitest';
import { summariesOfBad } from '../testing/summaries.ts';

test('what it says about its bad input', () => {
  expect(summariesOfBad('PL002')).toEqual([
    'warning PeerAuthentication shop/cart: The selector of shop/cart (app=carts) matches no workload in namespace shop.',
    'warning PeerAuthentication shop/db: The selector of shop/db (app=db) matches no workload in namespace shop.',
  ]);
});
