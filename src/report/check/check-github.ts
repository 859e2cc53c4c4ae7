/** `padlock check` as GitHub Actions workflow commands: annotations on the lines of a pull request. */
import { formatRef } from '../../istio/kubernetes.ts';
import { findingKinds } from '../../mesh/findings/codes.ts';
import type { Severity } from '../../mesh/findings/finding.ts';
import { printable } from '../text-width.ts';
import {
  type CheckReport,
  checkedWords,
  countBySeverity,
  countWords,
  type PlacedFinding,
  verdictOf,
} from './check-report.ts';

const commands = { error: 'error', warning: 'warning', info: 'notice' } as const satisfies Record<
  Severity,
  string
>;

/** One line for each finding and failure, then one plain line with the verdict. */
export function renderCheckGithub(report: CheckReport): string {
  const lines = [
    ...report.failures.map(({ message, hint, position }) =>
      command(
        'error',
        {
          ...(position === undefined
            ? {}
            : { file: position.file, line: position.line, col: position.column }),
          title: 'padlock could not check',
        },
        hint === undefined ? message : `${message}\n${hint}`,
      ),
    ),
    ...report.findings.map(annotation),
    verdictLine(report),
  ];
  return `${lines.join('\n')}\n`;
}

function annotation({ finding, place }: PlacedFinding): string {
  const title = `${finding.code} ${findingKinds[finding.code].title}`;
  const where =
    place === undefined
      ? {}
      : {
          file: place.file,
          line: place.line,
          ...(place.column === undefined ? {} : { col: place.column }),
          ...(place.endColumn === undefined ? {} : { endColumn: place.endColumn }),
        };
  const message = `${formatRef(finding.resource)}: ${finding.message}\n${finding.why}\nFix: ${finding.fix.text}`;
  return command(commands[finding.severity], { ...where, title }, message);
}

/** Workflow commands end at the line's end and split at `:` and `,`: GitHub reads these percent codes back. */
function command(
  name: string,
  properties: Readonly<Record<string, string | number>>,
  message: string,
): string {
  const data = (text: string): string =>
    printable(text.replaceAll('\r', '')).replaceAll('%', '%25').replaceAll('\n', '%0A');
  const property = (text: string): string => data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
  const list = Object.entries(properties).map(([key, value]) => `${key}=${property(String(value))}`);
  return `::${name} ${list.join(',')}::${data(message)}`;
}

function verdictLine(report: CheckReport): string {
  const counts = countWords(countBySeverity(report.findings));
  const looked = checkedWords(report.checked);
  const suffix = looked === '' ? '' : ` in ${looked}`;
  switch (verdictOf(report)) {
    case 'could-not-run':
      return 'padlock check: could not run';
    case 'findings':
      return `padlock check: ${counts}${suffix}; fails on ${report.failOn}`;
    case 'clean':
      return `padlock check: ${counts === '' ? 'no findings' : counts}${suffix}`;
  }
}
