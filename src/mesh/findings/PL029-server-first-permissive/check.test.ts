import { expect, test } from 'vitest';
import { summariesOfBad } from '../testing/summaries.ts';

test('what it says about its bad input', () => {
  expect(summariesOfBad('PL029')).toEqual([
    'warning Deployment shop/db: Deployment shop/db speaks first on port 3306 (MySQL), and takes both plaintext and mutual TLS there.',
    'warning Deployment shop/mail: Deployment shop/mail speaks first on port 25 (TCP), and takes both plaintext and mutual TLS there.',
  ]);
});
