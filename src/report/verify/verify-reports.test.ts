/** Reports for machines: valid by their schemas, and they tell of a run that died early with what it had. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import Ajv from 'ajv-draft-04';
import addFormats from 'ajv-formats';
import { expect, test } from 'vitest';
import { notObserved } from '../../evidence/verify/observed-column.ts';
import type { Judgement, VerifyRow } from '../../evidence/verify/row.ts';
import { renderVerificationJunit } from './verify-junit.ts';
import { renderVerificationSarif } from './verify-sarif.ts';

const require = createRequire(import.meta.url);
const schema: object = JSON.parse(
  readFileSync(require.resolve('@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json'), 'utf8'),
);
// One of the schema's own patterns is no Unicode expression, and it uses keywords with some slack.
const ajv = new Ajv.default({ strict: false, allErrors: true, unicodeRegExp: false });
addFormats.default(ajv);
const validate = ajv.compile(schema);

function row(name: string, judgement: Judgement): VerifyRow {
  return {
    namespace: 'shop',
    workload: `Deployment/${name}`,
    workloadId: name,
    port: 80,
    pods: [`${name}-1`],
    declared: {
      mode: 'STRICT',
      scope: 'namespace',
      captured: true,
      mtls: true,
      plaintext: false,
      because: [],
    },
    configured: [],
    sync: [],
    circumstances: { envoyFilters: [], olderPods: [] },
    observed: notObserved,
    certificates: [],
    plaintext: [],
    foreignTls: [],
    mutualTlsMissing: 'no client',
    probesAllowed: true,
    judgement,
  };
}

const rows = [
  row('good', { verdict: 'PROVEN', reason: 'plaintext is refused', disagreements: [] }),
  row('<bad>&"', {
    verdict: 'FAILED',
    reason: 'plaintext was answered by <bad>-1',
    next: 'look at "it"',
    disagreements: [{ kind: 'envoy-filter', message: 'EnvoyFilter shop/open may be why' }],
  }),
  row('dark', { verdict: 'INCONCLUSIVE', reason: 'not allowed', next: 'ask', disagreements: [] }),
];

interface Log {
  readonly runs: readonly {
    readonly invocations: readonly { readonly executionSuccessful: boolean }[];
    readonly results: readonly { readonly ruleId: string; readonly level: string }[];
  }[];
}

function sarif(report: Parameters<typeof renderVerificationSarif>[0]): Log['runs'][number] {
  const log: Log = JSON.parse(renderVerificationSarif(report));
  validate(log);
  expect(validate.errors).toBeNull();
  const [run] = log.runs;
  if (run === undefined) throw new Error('no run');
  return run;
}

test('SARIF: a result for each port that is not proven and for each contradiction', () => {
  const run = sarif({ rows });
  expect(run.results.map(({ ruleId, level }) => `${ruleId} ${level}`)).toEqual([
    'not-proven error',
    'envoy-filter error',
    'inconclusive warning',
  ]);
  expect(run.invocations[0]?.executionSuccessful).toBe(true);
  const died = sarif({ rows: rows.slice(0, 1), failure: 'the API server is gone' });
  expect(died.results).toEqual([]);
  expect(died.invocations[0]?.executionSuccessful).toBe(false);
});

test('JUnit: what died early is an error beside the rows that were done', () => {
  const whole = renderVerificationJunit({ rows });
  expect(whole).toContain('<testsuites name="padlock verify" tests="3" failures="1" errors="1">');
  expect(whole).toContain('message="plaintext was answered by &lt;bad&gt;-1"');
  expect(whole).toContain('envoy-filter: EnvoyFilter shop/open may be why');
  const died = renderVerificationJunit({ rows: rows.slice(0, 2), failure: 'the API server is gone' });
  expect(died).toContain('<testsuites name="padlock verify" tests="3" failures="1" errors="1">');
  expect(died).toContain(
    '<testcase classname="padlock" name="run"><error message="the API server is gone"/>',
  );
  expect(died).toContain('classname="shop.Deployment/good" name="port 80"/>');
});
