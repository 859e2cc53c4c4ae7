/** `padlock verify` as SARIF 2.1.0 (OASIS): a result for each port that is not proven and for each contradiction. */
import type { DisagreementKind, Verdict, VerifyRow } from '../../evidence/verify/row.ts';
import type { ReportedRows } from './reported-rows.ts';

type RuleId = 'not-proven' | 'inconclusive' | DisagreementKind;

const rules = {
  'not-proven': ['error', 'Plaintext or wrong mutual TLS at a port'],
  inconclusive: ['warning', 'A port could not be proven'],
  'declared-not-configured': ['error', 'A proxy has loaded something else than the policy says'],
  'envoy-filter': ['error', 'An EnvoyFilter may undo the policy'],
  'pod-older-than-policy': ['error', 'A pod’s proxy has not taken a change of the policy'],
  'proxy-stale': ['warning', 'A proxy has not acknowledged what istiod sent'],
  'proxy-refused-update': ['error', 'A proxy refused what istiod sent'],
  'proxy-not-connected': ['error', 'A proxy hears of no change'],
  'declared-not-proven': ['error', 'A probe met something else than the policy says'],
  'configured-not-proven': ['error', 'A probe met something else than the proxy’s configuration says'],
  'declared-not-observed': ['error', 'Plaintext was taken where the policy refuses it'],
  'certificate-not-served': ['error', 'A proxy serves another certificate than it shows'],
} as const satisfies Record<RuleId, readonly ['error' | 'warning', string]>;

const ids = Object.keys(rules);

export function renderVerificationSarif({ rows, failure }: ReportedRows): string {
  const log = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'padlock verify',
            rules: Object.entries(rules).map(([id, [level, title]]) => ({
              id,
              shortDescription: { text: `${title}.` },
              defaultConfiguration: { level },
              properties: { tags: ['istio', 'mtls'] },
            })),
          },
        },
        invocations: [
          {
            executionSuccessful: failure === undefined,
            toolExecutionNotifications:
              failure === undefined ? [] : [{ level: 'error', message: { text: failure } }],
          },
        ],
        results: rows.flatMap(results),
      },
    ],
  };
  return `${JSON.stringify(log, undefined, 2)}\n`;
}

const verdictRules = { FAILED: 'not-proven', INCONCLUSIVE: 'inconclusive' } as const satisfies Record<
  Exclude<Verdict, 'PROVEN'>,
  RuleId
>;

function results(row: VerifyRow): readonly object[] {
  const { verdict, reason, next, disagreements } = row.judgement;
  const own =
    verdict === 'PROVEN'
      ? []
      : [result(row, verdictRules[verdict], next === undefined ? `${reason}.` : `${reason}. Next: ${next}.`)];
  return [...own, ...disagreements.map(({ kind, message }) => result(row, kind, `${message}.`))];
}

function result(row: VerifyRow, ruleId: RuleId, sentence: string): object {
  const place = `${row.namespace}/${row.workload}:${row.port}`;
  return {
    ruleId,
    ruleIndex: ids.indexOf(ruleId),
    level: rules[ruleId][0],
    message: { text: `${place}: ${sentence}` },
    locations: [
      {
        logicalLocations: [
          { name: `${row.workload.split('/')[1]}:${row.port}`, kind: 'resource', fullyQualifiedName: place },
        ],
      },
    ],
    partialFingerprints: { 'padlockVerify/v1': `${ruleId} ${place}` },
  };
}
