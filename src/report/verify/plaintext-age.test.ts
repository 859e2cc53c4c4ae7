/** A look back reaches to before the policy: what came then speaks not against it, and what came after it does. */
import { expect, test } from 'vitest';
import type { Party } from '../../evidence/observed/address-book.ts';
import type { Observation } from '../../evidence/observed/observation.ts';
import type { TrafficRecord } from '../../evidence/observed/record.ts';
import { observedPorts } from '../../evidence/observed/tally.ts';
import { observedColumn, type PlaintextSender } from '../../evidence/verify/observed-column.ts';
import { ageOf, plaintextAge } from '../../evidence/verify/plaintext-age.ts';
import type { VerifyRow } from '../../evidence/verify/row.ts';
import { judge } from '../../evidence/verify/verdict.ts';
import { observedWords, olderPlaintextSentence } from './verify-report.ts';
import { renderVerification } from './verify-text.ts';

const changed = '2026-11-26T22:39:12Z';
const at = (time: string): number => Date.parse(`2026-11-26T${time}Z`);
const sender = (lastSeen: string | undefined, after = '22:40:05'): PlaintextSender => ({
  name: 'batch',
  count: 1,
  after: `2026-11-26T${after}Z`,
  ...(lastSeen === undefined ? {} : { lastSeen: `2026-11-26T${lastSeen}Z` }),
});

test.each([
  ['22:39:11.999', 'before-policy'],
  ['22:39:12', 'while-draining'],
  ['22:40:12', 'while-draining'],
  ['22:40:12.001', 'after-policy'],
] as const)('plaintext that was last taken at %s came %s', (time, age) => {
  expect(ageOf(sender(time), changed)).toBe(age);
});

test('a source without times speaks against the policy once its window begins after it, and never counts as before', () => {
  expect(ageOf(sender(undefined, '22:40:13'), changed)).toBe('after-policy');
  expect(ageOf(sender(undefined, '22:40:05'), changed)).toBe('while-draining');
  expect(ageOf(sender(undefined, '22:30:00'), changed)).toBe('while-draining');
  expect(ageOf(sender('22:30:00'), undefined)).toBe('after-policy');
});

const batch: Party = {
  kind: 'workload',
  name: 'batch',
  namespace: 'legacy',
  because: 'its address',
  meshed: false,
};
const workload = { id: 'w', kind: 'Deployment', name: 'web', namespace: 'shop' };

function logged(time: string, more: Partial<TrafficRecord> = {}): TrafficRecord {
  return {
    source: 'access log',
    workloadId: 'w',
    port: 80,
    security: 'plaintext',
    unit: 'requests',
    count: 1,
    sender: batch,
    at: at(time),
    ...more,
  };
}

/** A row that is PROVEN but for what traffic did. */
function rowOf(records: readonly TrafficRecord[], policyChangedAt = changed): VerifyRow {
  const window = { from: '2026-11-26T22:41:00Z', to: '2026-11-26T22:41:05Z' };
  const reads = [{ source: 'access log' as const, window: { ...window, from: '2026-11-26T22:36:00Z' } }];
  const observation: Observation = {
    context: 'c',
    window,
    sources: [],
    ports: observedPorts(Object.assign(Object.create(null), workload), [80], records, reads),
    unseen: [],
  };
  const probed = { target: 't', caller: 'c', at: 'now' };
  const columns = {
    namespace: 'shop',
    workload: 'Deployment/web',
    workloadId: 'w',
    port: 80,
    pods: ['web-1'],
    declared: {
      mode: 'STRICT' as const,
      scope: 'namespace' as const,
      captured: true,
      mtls: true,
      plaintext: false,
      because: [],
    },
    configured: [],
    sync: [],
    circumstances: { envoyFilters: [], policyChangedAt, olderPods: [] },
    observed: observedColumn(observation, 'w', 80),
    certificates: [],
    plaintext: [{ pod: 'web-1', ...probed, outcome: { kind: 'reset' as const, detail: 'd' } }],
    foreignTls: [],
    mutualTls: {
      ...probed,
      outcome: { kind: 'accepted' as const, client: 'c', server: 's', shownBy: 'xfcc' as const, detail: 'd' },
    },
    probesAllowed: true,
  };
  return { ...columns, judgement: judge(columns) };
}

test('a caller that got through before the policy and was refused after it leaves the proof whole, and the column says when', () => {
  const row = rowOf([
    logged('22:38:00'),
    logged('22:39:10'),
    ...['22:39:20', '22:40:40', '22:41:04'].map((time) => logged(time, { refused: true })),
  ]);
  expect(row.judgement).toMatchObject({ verdict: 'PROVEN', disagreements: [] });
  expect(plaintextAge(row)).toEqual({
    age: 'before-policy',
    last: '2026-11-26T22:39:10.000Z',
    policyChangedAt: changed,
  });
  expect(observedWords(row)).toBe('PLAINTEXT 2 before the policy');
  expect(olderPlaintextSentence(row)).toBe(
    'plaintext was taken before the policy, last 2026-11-26T22:39:10.000Z; the policy was last changed 2026-11-26T22:39:12Z',
  );
});

test('plaintext that was taken once connections from before were drained is FAILED, and said loudly', () => {
  const row = rowOf([logged('22:38:00'), logged('22:41:04')]);
  expect(row.judgement).toMatchObject({
    verdict: 'FAILED',
    disagreements: [{ kind: 'declared-not-observed' }],
  });
  expect(row.judgement.reason).toContain(
    'plaintext from batch of legacy was taken (2, last 2026-11-26T22:41:04.000Z; the policy stands since 2026-11-26T22:39:12Z)',
  );
  expect(observedWords(row)).toBe('PLAINTEXT 2 AFTER the policy');
  expect(olderPlaintextSentence(row)).toBeUndefined();
});

test('the latest of many senders is not lost among those who sent more', () => {
  const many = Array.from({ length: 20 }, (_none, index) =>
    logged('22:38:00', { count: 100, sender: { ...batch, name: `old-${index}` } }),
  );
  expect(rowOf([...many, logged('22:41:04')]).judgement.verdict).toBe('FAILED');
});

test('below the table rows with the same plaintext stand in one sentence', () => {
  const row = rowOf([logged('22:39:10')]);
  const rows = [80, 81, 82, 83, 84].map((port) => ({ ...row, port }));
  const text = renderVerification(
    {
      context: 'c',
      namespaces: ['shop'],
      startedAt: '',
      finishedAt: '',
      verdict: 'PROVEN',
      rows,
      limits: [],
    },
    { color: false, width: 200 },
  );
  expect(text).toContain(
    'web:80, web:81, web:82 and 2 more: plaintext was taken before the policy, last 2026-11-26T22:39:10',
  );
  expect(text.match(/plaintext was taken/g)).toHaveLength(1);
});
