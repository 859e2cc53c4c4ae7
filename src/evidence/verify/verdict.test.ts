/** Nothing is rounded up: whatever the columns hold, PROVEN means that both probes said so and nothing speaks against it. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Configured } from '../envoy/inbound.ts';
import type { MutualTlsOutcome, PlaintextOutcome } from '../probe/outcome.ts';
import { notObserved, type ObservedColumn } from './observed-column.ts';
import type { ConfiguredPod, VerifyRow } from './row.ts';
import { worstVerdict } from './row.ts';
import { judge } from './verdict.ts';

type Columns = Parameters<typeof judge>[0];

const detail = 'd';
const plaintextOutcome: fc.Arbitrary<PlaintextOutcome> = fc.constantFrom(
  { kind: 'answered', by: 'application', detail },
  { kind: 'answered', by: 'proxy', detail },
  { kind: 'reset', detail },
  { kind: 'closed', detail },
  { kind: 'nothing-listens', detail },
  { kind: 'dropped', detail },
  { kind: 'timeout', detail },
  { kind: 'unreachable', detail },
  { kind: 'not-allowed', right: 'r', detail },
  { kind: 'not-run', detail },
);
const mutualTlsOutcome: fc.Arbitrary<MutualTlsOutcome> = fc.constantFrom(
  { kind: 'accepted', client: 'c', server: 's', shownBy: 'xfcc', detail },
  { kind: 'accepted', client: 'c', server: 's', shownBy: 'access-log', detail },
  { kind: 'wrong-identity', detail },
  { kind: 'plaintext', detail },
  { kind: 'tls-failed', detail },
  { kind: 'unavailable', detail },
  { kind: 'unrecorded', detail },
  { kind: 'not-allowed', right: 'r', detail },
  { kind: 'not-run', detail },
);
const loaded = (
  acceptsPlaintext: boolean,
  acceptsMtls: boolean,
  acceptsAnonymousTls: boolean,
  isKnown: boolean,
): Configured => ({
  port: 80,
  mode: acceptsPlaintext ? 'PERMISSIVE' : isKnown ? 'STRICT' : 'UNKNOWN',
  acceptsMtls,
  acceptsPlaintext,
  acceptsAnonymousTls,
  requiresClientCertificate: !acceptsAnonymousTls,
  passesForeignTls: false,
  acceptedNames: [],
  chains: [],
  drainingAcceptsPlaintext: false,
  notes: [],
});
const probed = <Outcome>(outcome: Outcome) => ({ target: 't', caller: 'c', at: 'now', outcome });

/** True now and then: most rows must be free of it for a proof to be among them. */
const rarely = fc.integer({ min: 0, max: 3 }).map((number) => number === 0);
const seen = (verdict: 'plaintext' | 'only-mtls' | 'quiet'): ObservedColumn => ({
  looked: true,
  verdict,
  mtls: verdict === 'only-mtls' ? 5 : 0,
  plaintext: verdict === 'plaintext' ? 5 : 0,
  refused: 0,
  from: '2026-01-01T00:00:00Z',
  to: '2026-01-01T00:05:00Z',
  sources: ['proxy counters'],
  senders: verdict === 'plaintext' ? [{ name: 'batch', count: 5, after: '2026-01-01T00:00:00Z' }] : [],
  unseen: [],
});

const columns: fc.Arbitrary<Columns> = fc
  .record({
    pods: fc
      .integer({ min: 0, max: 3 })
      .map((count) => Array.from({ length: count }, (_none, index) => `p${index}`)),
    mode: fc.constantFrom('STRICT', 'STRICT', 'PERMISSIVE', 'DISABLE'),
    captured: rarely.map((not) => !not),
    probesAllowed: rarely.map((not) => !not),
    outcomes: fc.array(
      fc.oneof({ weight: 3, arbitrary: fc.constant({ kind: 'reset', detail } as const) }, plaintextOutcome),
      { minLength: 3, maxLength: 3 },
    ),
    tried: fc.integer({ min: 0, max: 3 }),
    read: fc.array(
      fc.option(
        fc.tuple(
          fc.boolean(),
          fc.boolean(),
          fc.boolean(),
          rarely.map((not) => !not),
        ),
      ),
      {
        minLength: 3,
        maxLength: 3,
      },
    ),
    mutual: fc.option(mutualTlsOutcome, { nil: undefined }),
    bad: rarely,
    foreign: rarely,
    stale: rarely,
    observed: fc.constantFrom<ObservedColumn[]>(
      notObserved,
      seen('only-mtls'),
      seen('quiet'),
      seen('plaintext'),
    ),
  })
  .map(
    ({
      pods,
      mode,
      captured,
      outcomes,
      tried,
      read,
      mutual,
      bad,
      foreign,
      stale,
      observed,
      ...rest
    }): Columns => {
      const configured = pods.map((pod, index): ConfiguredPod => {
        const chains = read[index];
        return chains === null || chains === undefined
          ? { pod, unread: 'x', notAllowed: true }
          : { pod, configured: loaded(...chains) };
      });
      return {
        namespace: 'n',
        workload: 'Deployment/w',
        workloadId: 'id',
        port: 80,
        pods,
        declared: {
          mode,
          scope: 'namespace',
          captured,
          mtls: captured && mode !== 'DISABLE',
          plaintext: !captured || mode !== 'STRICT',
          because: [],
        },
        configured,
        certificates: bad
          ? [{ pod: 'p0', problem: 'expired', severity: 'error', message: 'ended', seen: 'dump' }]
          : [],
        plaintext: pods
          .slice(0, tried)
          .map((pod, index) => ({ pod, ...probed(outcomes[index] ?? { kind: 'not-run', detail }) })),
        foreignTls: foreign
          ? [{ pod: 'p0', ...probed({ kind: 'answered', shown: 'none', detail } as const) }]
          : [],
        sync: stale ? [{ pod: 'p0', connected: true, stale: ['listener'] }] : [],
        circumstances: { envoyFilters: [], olderPods: [] },
        observed,
        ...(mutual === undefined ? { mutualTlsMissing: 'none' } : { mutualTls: probed(mutual) }),
        ...rest,
      };
    },
  );

test('PROVEN only where every pod refused plaintext, mutual TLS was accepted, and no column contradicts', () => {
  let proven = 0;
  fc.assert(
    fc.property(columns, (row) => {
      const { verdict, next, disagreements } = judge(row);
      if (verdict !== 'PROVEN') {
        expect(next).toBeTruthy();
        return;
      }
      proven++;
      expect(row.pods.length).toBeGreaterThan(0);
      expect(row.declared).toMatchObject({ captured: true, mode: 'STRICT' });
      expect(row.plaintext.map((probe) => probe.pod)).toEqual(row.pods);
      expect(
        row.plaintext.every(({ outcome }) => outcome.kind === 'reset' || outcome.kind === 'closed'),
      ).toBe(true);
      expect(row.mutualTls?.outcome.kind).toBe('accepted');
      expect(row.configured.every((pod) => !('configured' in pod) || !pod.configured.acceptsPlaintext)).toBe(
        true,
      );
      expect(row.configured.every((pod) => !('configured' in pod) || pod.configured.mode !== 'UNKNOWN')).toBe(
        true,
      );
      expect(row.certificates).toEqual([]);
      expect(row.foreignTls).toEqual([]);
      expect(row.probesAllowed).toBe(true);
      expect(row.sync.every(({ stale }) => stale.length === 0)).toBe(true);
      expect(row.observed).not.toMatchObject({ verdict: 'plaintext' });
      expect(disagreements).toEqual([]);
    }),
    { numRuns: 20_000 },
  );
  // The property above says nothing if no row is ever proven.
  expect(proven).toBeGreaterThan(0);
});

test('an answer to plaintext is FAILED whatever the other columns say', () => {
  fc.assert(
    fc.property(columns, (row) => {
      const answered: VerifyRow['plaintext'] = row.pods.map((pod) => ({
        pod,
        ...probed({ kind: 'answered', by: 'application', detail } as const),
      }));
      fc.pre(row.pods.length > 0);
      expect(judge({ ...row, plaintext: answered }).verdict).toBe('FAILED');
    }),
  );
});

test('the worst of the rows is the whole’s, and no rows prove nothing', () => {
  expect(worstVerdict([])).toBe('INCONCLUSIVE');
  expect(worstVerdict(['PROVEN', 'INCONCLUSIVE'])).toBe('INCONCLUSIVE');
  expect(worstVerdict(['PROVEN', 'INCONCLUSIVE', 'FAILED'])).toBe('FAILED');
  expect(worstVerdict(['PROVEN', 'PROVEN'])).toBe('PROVEN');
});
