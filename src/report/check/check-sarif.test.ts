import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import Ajv from 'ajv-draft-04';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fileUri, renderCheckSarif } from './check-sarif.ts';
import { cleanReport, failedReport, hostileReport, sampleReport } from './testing/sample-report.ts';

const require = createRequire(import.meta.url);
const schema: object = JSON.parse(
  readFileSync(require.resolve('@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json'), 'utf8'),
);
// One of the schema's own patterns is no Unicode expression, and it uses keywords with some slack.
const ajv = new Ajv.default({ strict: false, allErrors: true, unicodeRegExp: false });
addFormats.default(ajv);
const validate = ajv.compile(schema);

test.each([
  ['with findings', sampleReport],
  ['clean', cleanReport],
  ['failed', failedReport],
])('a report %s is valid SARIF 2.1.0', (_, report) => {
  validate(JSON.parse(renderCheckSarif(report)));
  expect(validate.errors).toBeNull();
});

test('the schema refuses what is not SARIF, so the test above can fail', () => {
  const log = JSON.parse(renderCheckSarif(sampleReport));
  log.runs[0].results[0].level = 'fatal';
  expect(validate(log)).toBe(false);
});

test('a finding has its rule, level, place and a fingerprint without line numbers', () => {
  const [run] = JSON.parse(renderCheckSarif(sampleReport)).runs;
  const [first, second] = run.results;
  expect(run.tool.driver.rules[first.ruleIndex].id).toBe('PL001');
  expect(first.level).toBe('error');
  expect(first.locations[0].physicalLocation).toMatchObject({
    artifactLocation: { uri: 'k8s/shop.yaml' },
    region: { startLine: 16, startColumn: 11, endColumn: 17 },
  });
  expect(Object.values(first.partialFingerprints)).toEqual([
    'PL001/PeerAuthentication/shop/strict/spec.mtls.mode',
  ]);
  expect(second.locations[0].logicalLocations[0].fullyQualifiedName).toBe('Namespace/legacy');
  expect(run.invocations[0]).toMatchObject({ executionSuccessful: true, exitCode: 1 });
});

test('suppressed findings stay, marked', () => {
  const [run] = JSON.parse(renderCheckSarif(sampleReport)).runs;
  expect(run.results.at(-1).suppressions).toEqual([
    { kind: 'inSource', status: 'accepted', justification: 'moves in May' },
  ]);
});

test('a failed run is a notification, and unsuccessful', () => {
  const [run] = JSON.parse(renderCheckSarif(failedReport)).runs;
  expect(run.results).toEqual([]);
  expect(run.invocations[0]).toMatchObject({ executionSuccessful: false, exitCode: 2 });
  expect(run.invocations[0].toolExecutionNotifications[0].message.text).toContain('cannot be read');
});

test('paths become relative URI references, whatever they hold', () => {
  expect(fileUri('./k8s/my file#1.yaml')).toBe('k8s/my%20file%231.yaml');
  expect(fileUri('/srv/a.yaml')).toBe('file:///srv/a.yaml');
  expect(fileUri('-')).toBe('stdin');
});

test('whatever stands in a manifest, the log stays valid', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }), (text) => {
      validate(JSON.parse(renderCheckSarif(hostileReport(text))));
      expect(validate.errors).toBeNull();
    }),
    { numRuns: 50 },
  );
});
