/** `padlock check` as SARIF 2.1.0 (OASIS), which code hosts show beside the changed lines. */
import { formatRef, type ObjectRef } from '../../istio/kubernetes.ts';
import { findingCodes, findingKinds, findingPage } from '../../mesh/findings/codes.ts';
import type { Finding, Severity } from '../../mesh/findings/finding.ts';
import type { SuppressedFinding } from '../../mesh/findings/suppression.ts';
import type { Origin } from '../../mesh/snapshot.ts';
import { formatChange } from '../fix.ts';
import { type CheckFailure, type CheckReport, fingerprint, type Place, verdictOf } from './check-report.ts';

const levels = { error: 'error', warning: 'warning', info: 'note' } as const satisfies Record<
  Severity,
  string
>;

/** Renders one run. What stopped the check stands in `invocations`, so that an empty result list is never a pass. */
export function renderCheckSarif(report: CheckReport): string {
  const log = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'padlock', semanticVersion: report.version, rules: findingCodes.map(rule) } },
        columnKind: 'utf16CodeUnits',
        invocations: [invocation(report)],
        results: [
          ...report.findings.map(({ finding, place }) => result(finding, place)),
          ...report.suppressed.map(suppressedResult),
        ],
        properties: { source: report.source, checked: report.checked },
      },
    ],
  };
  return `${JSON.stringify(log, undefined, 2)}\n`;
}

function rule(code: (typeof findingCodes)[number]): object {
  const { name, title, severity, group } = findingKinds[code];
  const pascal = name.replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());
  return {
    id: code,
    name: pascal,
    shortDescription: { text: `${title}.` },
    help: { text: `${title}. See ${findingPage(code)}.` },
    defaultConfiguration: { level: levels[severity] },
    properties: { tags: ['istio', 'mtls', group] },
  };
}

function invocation(report: CheckReport): object {
  return {
    executionSuccessful: report.failures.length === 0,
    exitCode: { clean: 0, findings: 1, 'could-not-run': 2 }[verdictOf(report)],
    toolExecutionNotifications: report.failures.map(notification),
  };
}

function notification(failure: CheckFailure): object {
  const { code, message, hint, position } = failure;
  return {
    level: 'error',
    descriptor: { id: code },
    message: { text: hint === undefined ? message : `${message} (${hint})` },
    ...(position === undefined ? {} : { locations: [{ physicalLocation: physical(position) }] }),
  };
}

function result(finding: Finding, place: Place | undefined): object {
  const fix = [finding.fix.text, ...finding.fix.changes.map((change) => formatChange(change).text)].join(
    '\n',
  );
  return {
    ruleId: finding.code,
    ruleIndex: findingCodes.indexOf(finding.code),
    level: levels[finding.severity],
    message: { text: `${finding.message} ${finding.why}` },
    locations: [location(finding.resource, finding.field, place)],
    ...(finding.related.length === 0
      ? {}
      : {
          relatedLocations: finding.related.map(({ resource, origin, role }) => ({
            message: { text: `${formatRef(resource)}: ${role}` },
            ...location(resource, undefined, placeOf(origin)),
          })),
        }),
    partialFingerprints: { 'padlockFinding/v1': fingerprint(finding) },
    properties: { fix, affected: finding.affected.map(formatRef) },
  };
}

/** A result that a person suppressed stays in the log, marked (SARIF 3.27.23). */
function suppressedResult({ finding, suppression }: SuppressedFinding): object {
  const place = placeOf(finding.origin);
  const mark =
    suppression.by === 'annotation'
      ? { kind: 'inSource', status: 'accepted', justification: suppression.reason }
      : { kind: 'external', status: 'accepted', justification: `--ignore ${suppression.rule}` };
  return { ...result(finding, place), suppressions: [mark] };
}

function placeOf(origin: Origin | undefined): Place | undefined {
  return origin?.line === undefined ? undefined : { file: origin.source, line: origin.line };
}

function location(resource: ObjectRef, field: string | undefined, place: Place | undefined): object {
  const { kind, namespace, name } = resource;
  const path = [kind, namespace, name].filter((part) => part !== undefined).join('/');
  return {
    ...(place === undefined ? {} : { physicalLocation: physical(place) }),
    logicalLocations: [
      { name, kind: 'resource', fullyQualifiedName: field === undefined ? path : `${path}#${field}` },
    ],
  };
}

function physical(place: Place): object {
  const { file, line, column, endColumn, excerpt } = place;
  return {
    artifactLocation: { uri: fileUri(file) },
    region: {
      startLine: line,
      ...(column === undefined ? {} : { startColumn: column }),
      ...(endColumn === undefined ? {} : { endColumn }),
      ...(excerpt === undefined ? {} : { snippet: { text: excerpt } }),
    },
  };
}

/** A relative reference stays relative to the repository; characters that a URI cannot hold are percent-encoded. */
export function fileUri(file: string): string {
  if (file === '-') return 'stdin';
  const path = file.replaceAll('\\', '/').toWellFormed().split('/').map(encodeURIComponent).join('/');
  if (path.startsWith('/')) return `file://${path}`;
  return path.replace(/^(\.\/)+/, '');
}
