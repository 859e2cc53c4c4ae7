/** What `padlock check` has to say, before it is written in any format. The renderers beside this file only print it. */
import type { ErrorCode, TextPosition } from '../../errors.ts';
import { type FindingGroup, findingGroups, findingKinds } from '../../mesh/findings/codes.ts';
import { type Finding, type Severity, severities } from '../../mesh/findings/finding.ts';
import type { SuppressedFinding } from '../../mesh/findings/suppression.ts';
import { thousands } from '../../mesh/findings/wording.ts';

/** Where a finding is in a text, 1-based, columns in UTF-16 units; and the line itself. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column?: number;
  /** The column after the last one. */
  readonly endColumn?: number;
  readonly excerpt?: string;
}

export interface PlacedFinding {
  readonly finding: Finding;
  /** Absent for what was read from a cluster, and for what is missing. */
  readonly place?: Place;
}

/** A reason for which the check could not do what it was asked to do. */
export interface CheckFailure {
  readonly code: ErrorCode | 'BUG';
  readonly message: string;
  readonly hint?: string;
  readonly position?: TextPosition;
}

/** `never` fails on no finding; a check that could not run fails all the same. */
export type FailOn = Severity | 'never';

export interface CheckReport {
  readonly version: string;
  /** The files' names, or `context NAME`. */
  readonly source: string;
  readonly failOn: FailOn;
  /** Worst first. */
  readonly findings: readonly PlacedFinding[];
  readonly suppressed: readonly SuppressedFinding[];
  /** How much was looked at, in words for the verdict: `{ pods: 12, policies: 3 }`. */
  readonly checked: Readonly<Record<string, number>>;
  /** Not empty: the check could not run, or not to its end. */
  readonly failures: readonly CheckFailure[];
}

/** `clean`: nothing at or above `failOn`. */
export type CheckVerdict = 'clean' | 'findings' | 'could-not-run';

/** What the report comes to; the exit code follows from it. */
export function verdictOf(report: CheckReport): CheckVerdict {
  if (report.failures.length > 0) return 'could-not-run';
  return report.findings.some(({ finding }) => fails(finding.severity, report.failOn)) ? 'findings' : 'clean';
}

/** True when a finding of this severity makes the check fail. */
export function fails(severity: Severity, failOn: FailOn): boolean {
  return failOn !== 'never' && severities.indexOf(severity) <= severities.indexOf(failOn);
}

export function countBySeverity(findings: readonly PlacedFinding[]): Readonly<Record<Severity, number>> {
  const count = (severity: Severity): number =>
    findings.filter(({ finding }) => finding.severity === severity).length;
  return { error: count('error'), warning: count('warning'), info: count('info') };
}

export function groupOf(finding: Finding): FindingGroup {
  return findingKinds[finding.code].group;
}

/** The groups in the order of the summary, each with its findings. */
export function byGroup(findings: readonly PlacedFinding[]): readonly {
  readonly title: string;
  readonly group: FindingGroup;
  readonly findings: readonly PlacedFinding[];
}[] {
  return (Object.keys(findingGroups) as FindingGroup[]).map((group) => ({
    group,
    title: findingGroups[group],
    findings: findings.filter(({ finding }) => groupOf(finding) === group),
  }));
}

/** `2 errors, 1 warning`; empty when there is nothing. */
export function countWords(counts: Readonly<Record<Severity, number>>): string {
  const words = {
    error: ['error', 'errors'],
    warning: ['warning', 'warnings'],
    info: ['note', 'notes'],
  } as const;
  return severities
    .filter((severity) => counts[severity] > 0)
    .map((severity) => `${counts[severity]} ${words[severity][counts[severity] === 1 ? 0 : 1]}`)
    .join(', ');
}

/** `12 pods, 3 policies`; what there is none of is left out. */
export function checkedWords(checked: Readonly<Record<string, number>>): string {
  return Object.entries(checked)
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `${thousands(count)} ${count === 1 ? singular(what) : what}`)
    .join(', ');
}

function singular(plural: string): string {
  return plural.endsWith('ies') ? `${plural.slice(0, -3)}y` : plural.replace(/s$/, '');
}

/** A stable name for one finding, so that a tool can tell an old one from a new one: no line numbers in it. */
export function fingerprint(finding: Finding): string {
  const { kind, namespace, name } = finding.resource;
  return [finding.code, kind, namespace ?? '', name, finding.field ?? ''].join('/');
}
