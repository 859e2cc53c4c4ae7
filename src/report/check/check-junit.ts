/** `padlock check` as JUnit XML: a suite for each group, a test case for each code that is clean and for each finding. */
import { formatRef } from '../../istio/kubernetes.ts';
import { type FindingCode, findingCodes, findingKinds } from '../../mesh/findings/codes.ts';
import type { Finding } from '../../mesh/findings/finding.ts';
import type { SuppressedFinding } from '../../mesh/findings/suppression.ts';
import { formatChange } from '../fix.ts';
import { escapeAttribute, escapeXml } from '../xml.ts';
import {
  byGroup,
  type CheckFailure,
  type CheckReport,
  fails,
  groupOf,
  type Place,
  type PlacedFinding,
} from './check-report.ts';

/** One `<testcase>`, and what it adds to its suite's counts. */
interface Case {
  readonly xml: string;
  readonly state: 'passed' | 'failed' | 'skipped' | 'error';
}

/** Renders the whole file. A check that could not run has an `<error>`, so no reader takes it for a pass. */
export function renderCheckJunit(report: CheckReport): string {
  const suites =
    report.failures.length > 0 && report.findings.length === 0
      ? []
      : byGroup(report.findings).map(({ group, title, findings }) => {
          const suppressed = report.suppressed.filter(({ finding }) => groupOf(finding) === group);
          const codes = findingCodes.filter((code) => findingKinds[code].group === group);
          return { title, cases: groupCases(codes, findings, suppressed, report) };
        });
  const errors = report.failures.map(failureCase);
  const all = [...(errors.length === 0 ? [] : [{ title: 'run', cases: errors }]), ...suites];
  const total = counts(all.flatMap(({ cases }) => cases));
  const lines = all.map(
    ({ title, cases }) =>
      `  <testsuite name="${escapeAttribute(`padlock check: ${title}`)}" ${counts(cases)}>\n${cases
        .map(({ xml }) => xml)
        .join('\n')}\n  </testsuite>`,
  );
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="padlock check" ${total}>\n${lines.join('\n')}\n</testsuites>\n`;
}

function counts(cases: readonly Case[]): string {
  const count = (state: Case['state']): number => cases.filter((item) => item.state === state).length;
  return `tests="${cases.length}" failures="${count('failed')}" errors="${count('error')}" skipped="${count('skipped')}"`;
}

function groupCases(
  codes: readonly FindingCode[],
  findings: readonly PlacedFinding[],
  suppressed: readonly SuppressedFinding[],
  report: CheckReport,
): readonly Case[] {
  const found = new Set([...findings, ...suppressed].map(({ finding }) => finding.code));
  return [
    ...codes
      .filter((code) => !found.has(code))
      .map(
        (code): Case => ({ xml: testcase(code, findingKinds[code].title, undefined, ''), state: 'passed' }),
      ),
    ...findings.map(({ finding, place }) => findingCase(finding, place, report)),
    ...suppressed.map(suppressedCase),
  ];
}

/** Below `--fail-on` a finding is told, and the case passes. */
function findingCase(finding: Finding, place: Place | undefined, report: CheckReport): Case {
  const name = `${finding.code} ${formatRef(finding.resource)}`;
  const body = escapeXml(details(finding, place));
  if (!fails(finding.severity, report.failOn)) {
    return {
      xml: testcase(finding.code, name, place, `\n      <system-out>${body}</system-out>\n    `),
      state: 'passed',
    };
  }
  const failure = `\n      <failure type="${finding.severity}" message="${escapeAttribute(finding.message)}">${body}</failure>\n    `;
  return { xml: testcase(finding.code, name, place, failure), state: 'failed' };
}

function suppressedCase({ finding, suppression }: SuppressedFinding): Case {
  const why = suppression.by === 'annotation' ? suppression.reason : `--ignore ${suppression.rule}`;
  const body = `\n      <skipped message="${escapeAttribute(`suppressed: ${why}`)}"/>\n    `;
  return {
    xml: testcase(finding.code, `${finding.code} ${formatRef(finding.resource)}`, undefined, body),
    state: 'skipped',
  };
}

function failureCase({ code, message, hint }: CheckFailure): Case {
  const text = hint === undefined ? message : `${message}\n${hint}`;
  const body = `\n      <error type="${code}" message="${escapeAttribute(message)}">${escapeXml(text)}</error>\n    `;
  return {
    xml: `    <testcase classname="padlock.run" name="padlock check could run">${body}</testcase>`,
    state: 'error',
  };
}

function testcase(code: FindingCode, name: string, place: Place | undefined, body: string): string {
  const classname = `padlock.${findingKinds[code].group}.${code}`;
  const at = place === undefined ? '' : ` file="${escapeAttribute(place.file)}" line="${place.line}"`;
  const open = `    <testcase classname="${classname}" name="${escapeAttribute(name)}"${at}`;
  return body === '' ? `${open}/>` : `${open}>${body}</testcase>`;
}

function details(finding: Finding, place: Place | undefined): string {
  return [
    ...(place === undefined ? [] : [`${place.file}:${place.line}`]),
    finding.message,
    `why: ${finding.why}`,
    `fix: ${finding.fix.text}`,
    ...finding.fix.changes.map((change) => formatChange(change).text),
    `more: padlock explain ${finding.code}`,
  ].join('\n');
}
