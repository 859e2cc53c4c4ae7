/** What a window is said to have seen, and what it could not see. */
import { expect, test } from 'vitest';
import type { Progress } from '../../rollout/progress.ts';
import { ProgressText } from './progress-text.ts';

type Traffic = Extract<Progress, { event: 'watched' }>['traffic'];

const off = 'access logging is off';

function watched(more: Partial<Traffic>): Progress {
  const traffic: Traffic = {
    seconds: 10,
    requests: 1,
    failed: 0,
    plaintext: [],
    refused: [],
    blind: [],
    unrecorded: [],
    servers: 2,
    open: {},
    unready: [],
    unseen: [],
    ...more,
  };
  return { event: 'watched', watch: 'harm', traffic };
}

const one = { server: 'Deployment/cart', reason: off };
const other = { server: 'Deployment/web', reason: off };
const refused = [{ to: 'Deployment/web', from: '10.0.0.9', count: 3 }];

test.each([
  ['all logs are kept', {}, '0 refused\n'],
  ['no log is kept', { blind: [one, other] }, 'refusals not seen\n'],
  ['some are', { blind: [one] }, '0 refused where that is logged\n'],
  ['some are, and have refusals', { blind: [one], refused }, '3 refused where that is logged\n'],
] as const)('%s', (_name, more, end) => {
  const text = new ProgressText({ color: false, columns: 200, redraw: false });
  expect(text.render(watched(more))).toContain(`saw 1 request in 10 s: 0 failed, 0 in plaintext, ${end}`);
});

test('why refusals are not seen is said once', () => {
  const text = new ProgressText({ color: false, columns: 80, redraw: false });
  const event = watched({ blind: [one, other] });
  expect(
    text
      .render(event)
      .split('\n')
      .map((line) => line.trim()),
  ).toEqual([
    'saw 1 request in 10 s: 0 failed, 0 in plaintext, refusals not seen',
    'not seen: refusals by Deployment/cart, Deployment/web: access logging is',
    'off; counters and probes still tell what fails',
    '',
  ]);
  expect(text.render(event).trim()).toBe(
    'saw 1 request in 10 s: 0 failed, 0 in plaintext, refusals not seen',
  );
});

test('a proof that left ports open is not told as the proof of all', () => {
  const text = new ProgressText({ color: false, columns: 200, redraw: false });
  const row = { workload: 'Deployment/web', port: 8080, verdict: 'PROVEN', detail: '' } as const;
  const unknown = { ...row, port: 9000, verdict: 'INCONCLUSIVE' } as const;
  const told = (rows: readonly (typeof row | typeof unknown)[]): string =>
    text.render({ event: 'proof', mode: 'PERMISSIVE', result: { verdict: 'PROVEN', rows } }).trim();
  expect(told([row])).toBe('PROVEN mutual TLS accepted: 1 of 1 port');
  expect(told([row, unknown])).toBe('mutual TLS accepted: PROVEN on 1 of 2 ports, could not be shown on 1');
});
