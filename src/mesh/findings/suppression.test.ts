import { expect, test } from 'vitest';
import type { Snapshot } from '../snapshot.ts';
import type { Finding } from './finding.ts';
import { formatIgnoreRule, type IgnoreRule, parseIgnoreRule, suppress } from './suppression.ts';

const today = '2027-01-31';

function policy(annotations: Record<string, string>): Snapshot {
  return {
    source: 'a.yaml',
    unseen: [],
    objects: [
      {
        object: {
          apiVersion: 'security.istio.io/v1',
          kind: 'PeerAuthentication',
          metadata: { name: 'default', namespace: 'shop', annotations },
        },
        origin: { source: 'a.yaml', line: 1 },
      },
    ],
  };
}

const finding: Finding = {
  code: 'PL006',
  severity: 'warning',
  message: 'It is PERMISSIVE.',
  resource: { kind: 'PeerAuthentication', namespace: 'shop', name: 'default' },
  why: 'Plaintext.',
  fix: { text: 'STRICT.', changes: [] },
  related: [],
  affected: [],
};

function rule(text: string): IgnoreRule {
  const parsed = parseIgnoreRule(text);
  if (parsed === undefined) throw new Error(`${text} is no rule`);
  return parsed;
}

test('--ignore takes a code, or a code and a resource', () => {
  for (const text of ['PL005', 'PL005:PeerAuthentication/shop/default', 'PL008:Namespace/shop']) {
    expect(formatIgnoreRule(rule(text))).toBe(text);
  }
  for (const text of [
    '',
    'PL999',
    'pl005',
    'PL005:',
    'PL005:shop',
    'PL005:A/b/c/d',
    'PL005:A/b/',
    'PL005:A/b:c',
  ]) {
    expect(parseIgnoreRule(text)).toBeUndefined();
  }
});

test.each([
  ['PL006', 1],
  ['PL006:PeerAuthentication/shop/default', 1],
  ['PL006:PeerAuthentication/shop/other', 0],
  ['PL007', 0],
])('--ignore %s suppresses %i', (text, count) => {
  const sifted = suppress(policy({}), [finding], [rule(text)], today);
  expect(sifted.suppressed).toHaveLength(count);
  expect(sifted.findings).toHaveLength(1 - count);
});

test('an annotation with a reason suppresses until its last day', () => {
  const annotations = {
    'padlock.dev/ignore': 'PL006, PL007',
    'padlock.dev/ignore-reason': 'moves in May',
    'padlock.dev/ignore-until': today,
  };
  const sifted = suppress(policy(annotations), [finding], [], today);
  expect(sifted.findings).toEqual([]);
  expect(sifted.suppressed).toEqual([
    { finding, suppression: { by: 'annotation', reason: 'moves in May', until: today } },
  ]);
  const late = suppress(policy(annotations), [finding], [], '2027-02-01');
  expect(late.findings.map(({ code }) => code)).toEqual(['PL006', 'PL040']);
  expect(late.findings[1]?.message).toContain('ended on 2027-01-31');
});

test.each([
  [{ 'padlock.dev/ignore': 'PL006' }, 'without padlock.dev/ignore-reason'],
  [{ 'padlock.dev/ignore': 'PL006', 'padlock.dev/ignore-reason': ' ' }, 'without padlock.dev/ignore-reason'],
  [{ 'padlock.dev/ignore': ' ', 'padlock.dev/ignore-reason': 'x' }, 'names no code'],
  [{ 'padlock.dev/ignore': 'PL6', 'padlock.dev/ignore-reason': 'x' }, '"PL6"'],
  [
    {
      'padlock.dev/ignore': 'PL006',
      'padlock.dev/ignore-reason': 'x',
      'padlock.dev/ignore-until': '31.1.2027',
    },
    'not a date',
  ],
  [
    {
      'padlock.dev/ignore': 'PL006',
      'padlock.dev/ignore-reason': 'x',
      'padlock.dev/ignore-until': '2027-02-30',
    },
    'not a date',
  ],
  [{ 'padlock.dev/ignore-reason': 'x' }, 'stands alone'],
])('a suppression at fault suppresses nothing and is a finding: %j', (annotations, message) => {
  const sifted = suppress(policy(annotations), [finding], [], today);
  expect(sifted.suppressed).toEqual([]);
  expect(sifted.findings.map(({ code }) => code)).toEqual(['PL006', 'PL040']);
  expect(sifted.findings[1]?.message).toContain(message);
});

test('an unknown code beside a known one leaves the known one suppressed', () => {
  const annotations = { 'padlock.dev/ignore': 'PL006 PLX', 'padlock.dev/ignore-reason': 'x' };
  const sifted = suppress(policy(annotations), [finding], [], today);
  expect(sifted.suppressed).toHaveLength(1);
  expect(sifted.findings.map(({ code }) => code)).toEqual(['PL040']);
});

test('no annotation hides its own fault, but --ignore PL040 does', () => {
  const annotations = { 'padlock.dev/ignore': 'PL040 PLX', 'padlock.dev/ignore-reason': 'x' };
  expect(suppress(policy(annotations), [], [], today).findings).toHaveLength(1);
  expect(suppress(policy(annotations), [], [rule('PL040')], today).suppressed).toHaveLength(1);
});
