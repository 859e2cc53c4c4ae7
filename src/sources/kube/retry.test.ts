import fc from 'fast-check';
import { expect, test } from 'vitest';
import { waitBeforeRetry } from './retry.ts';

const half = (): number => 0.5;
const answer = (status: number, retryAfter?: string) => ({ status, retryAfter });

test.each([
  [1, answer(200), undefined],
  [1, answer(404), undefined],
  [1, answer(409), undefined],
  [1, answer(429), 100],
  [2, answer(500), 200],
  [3, answer(502), 400],
  [4, answer(504), 800],
  [5, answer(503), undefined],
  [1, answer(429, '3'), 3100],
  [1, answer(503, 'Thu, 01 Jan 1970 00:00:02 GMT'), 2100],
  [1, answer(503, 'Thu, 01 Jan 1970 00:00:00 GMT'), 100],
  [1, answer(429, 'soon'), 100],
  [1, answer(429, '31'), undefined],
  [1, { error: Object.assign(new Error('reset'), { code: 'ECONNRESET' }) }, 100],
  [1, { error: new Error('fetch', { cause: Object.assign(new Error(), { code: 'EPIPE' }) }) }, 100],
  [1, { error: Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }) }, undefined],
  [1, { error: Object.assign(new Error('trust'), { code: 'CERT_HAS_EXPIRED' }) }, undefined],
] as const)('after try %i, %j: wait %s ms', (attempt, outcome, expected) => {
  expect(waitBeforeRetry(attempt, outcome, half, 0)).toBe(expected);
});

test('waits are spread over the whole interval, and never shorter than the server asked for', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 4 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      fc.nat(30),
      (n, random, seconds) => {
        const free = waitBeforeRetry(n, answer(429), () => random, 0) ?? -1;
        expect(free).toBeGreaterThanOrEqual(0);
        expect(free).toBeLessThan(200 * 2 ** (n - 1));
        expect(waitBeforeRetry(n, answer(429, String(seconds)), () => random, 0)).toBeGreaterThanOrEqual(
          seconds * 1000,
        );
      },
    ),
  );
});
