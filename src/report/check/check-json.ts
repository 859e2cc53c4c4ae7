/** `padlock check` for programs: one JSON or YAML document, the same shape in both, documented in docs/commands/check.md. */
import { stringify } from 'yaml';
import { findingKinds, findingPage } from '../../mesh/findings/codes.ts';
import type { Finding } from '../../mesh/findings/finding.ts';
import { formatChange } from '../fix.ts';
import { type CheckReport, countBySeverity, fingerprint, type Place, verdictOf } from './check-report.ts';

export function renderCheckJson(report: CheckReport): string {
  return `${JSON.stringify(checkDocument(report), undefined, 2)}\n`;
}

export function renderCheckYaml(report: CheckReport): string {
  return stringify(checkDocument(report), { lineWidth: 0, aliasDuplicateObjects: false });
}

function checkDocument(report: CheckReport): object {
  return {
    tool: 'padlock',
    version: report.version,
    source: report.source,
    verdict: verdictOf(report),
    failOn: report.failOn,
    counts: { ...countBySeverity(report.findings), suppressed: report.suppressed.length },
    checked: report.checked,
    findings: report.findings.map(({ finding, place }) => findingDocument(finding, place)),
    suppressed: report.suppressed.map(({ finding, suppression }) => ({
      ...findingDocument(finding, undefined),
      suppression,
    })),
    errors: report.failures,
  };
}

function findingDocument(finding: Finding, place: Place | undefined): object {
  return {
    code: finding.code,
    title: findingKinds[finding.code].title,
    severity: finding.severity,
    message: finding.message,
    resource: finding.resource,
    ...(finding.field === undefined ? {} : { field: finding.field }),
    ...(finding.origin === undefined ? {} : { source: finding.origin.source }),
    ...(place === undefined ? {} : { file: place.file, line: place.line }),
    ...(place?.column === undefined ? {} : { column: place.column }),
    why: finding.why,
    fix: {
      text: finding.fix.text,
      changes: finding.fix.changes.map((change) => {
        const { language, text } = formatChange(change);
        return { ...change, [language === 'sh' ? 'command' : 'yaml']: text };
      }),
    },
    related: finding.related,
    affected: finding.affected,
    docs: findingPage(finding.code),
    fingerprint: fingerprint(finding),
  };
}
