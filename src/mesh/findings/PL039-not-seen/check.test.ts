import { expect, test } from 'vitest';
import { summariesOfBad } from '../testing/summaries.ts';

test('what it says about its bad input', () => {
  expect(summariesOfBad('PL039')).toEqual([
    'warning peerauthentications.security.istio.io *: peerauthentications.security.istio.io of the cluster could not be read: the API server answered 403 Forbidden.',
    'warning pods shop/*: pods of namespace shop could not be read: the API server answered 403 Forbidden.',
  ]);
});
