import { expect, test } from 'vitest';
import { summariesOfBad } from '../testing/summaries.ts';

test('what it says about its bad input', () => {
  expect(summariesOfBad('PL018')).toEqual([
    'error PeerAuthentication shop/db: Clients of the headless Service shop/db do not see that Deployment shop/db is at DISABLE on port 8080: they send it mutual TLS.',
    'error PeerAuthentication shop/port: Clients of the headless Service shop/port do not see that Deployment shop/port is at DISABLE on port 8080: they send it mutual TLS.',
    'error Service shop/mixed: Clients of the headless Service shop/mixed send plaintext to all its endpoints, because old has no sidecar; Deployment shop/new is STRICT on port 8080 and refuses it.',
  ]);
});
