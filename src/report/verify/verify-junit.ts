/** `padlock verify` as JUnit XML: a suite for each namespace, a case for each workload port. INCONCLUSIVE is an error, so that no reader takes it for a pass. */
import type { VerifyRow } from '../../evidence/verify/row.ts';
import { escapeAttribute, escapeXml } from '../xml.ts';
import type { ReportedRows } from './reported-rows.ts';

export function renderVerificationJunit({ rows, failure }: ReportedRows): string {
  const suites = [...new Set(rows.map((row) => row.namespace))].map((namespace) =>
    suite(
      namespace,
      rows.filter((row) => row.namespace === namespace),
    ),
  );
  const early =
    failure === undefined
      ? []
      : [
          `  <testsuite name="padlock verify" tests="1" failures="0" errors="1">\n    <testcase classname="padlock" name="run"><error message="${escapeAttribute(failure)}"/></testcase>\n  </testsuite>`,
        ];
  const body = [...early, ...suites].join('\n');
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="padlock verify" ${counts(rows, early.length)}>\n${body}\n</testsuites>\n`;
}

function counts(rows: readonly VerifyRow[], moreErrors: number): string {
  const count = (verdict: string): number => rows.filter((row) => row.judgement.verdict === verdict).length;
  return `tests="${rows.length + moreErrors}" failures="${count('FAILED')}" errors="${count('INCONCLUSIVE') + moreErrors}"`;
}

function suite(namespace: string, rows: readonly VerifyRow[]): string {
  const cases = rows.map(testcase).join('\n');
  return `  <testsuite name="${escapeAttribute(namespace)}" ${counts(rows, 0)}>\n${cases}\n  </testsuite>`;
}

function testcase(row: VerifyRow): string {
  const { verdict, reason, next, disagreements } = row.judgement;
  const name = `classname="${escapeAttribute(`${row.namespace}.${row.workload}`)}" name="port ${row.port}"`;
  if (verdict === 'PROVEN') return `    <testcase ${name}/>`;
  const element = verdict === 'FAILED' ? 'failure' : 'error';
  const text = [
    ...disagreements.map(({ kind, message }) => `${kind}: ${message}`),
    ...(next === undefined ? [] : [`next: ${next}`]),
  ].join('\n');
  return `    <testcase ${name}><${element} message="${escapeAttribute(reason)}">${escapeXml(text)}</${element}></testcase>`;
}
