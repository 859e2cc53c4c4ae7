/** `padlock check` as Markdown, for a comment on a pull request or a job's summary. */
import { formatRef } from '../../istio/kubernetes.ts';
import { findingKinds } from '../../mesh/findings/codes.ts';
import type { Finding, Severity } from '../../mesh/findings/finding.ts';
import { formatChange } from '../fix.ts';
import { codeBlock, codeCell, codeSpan, escapeMarkdown } from '../markdown-text.ts';
import {
  type CheckReport,
  checkedWords,
  countBySeverity,
  countWords,
  type Place,
  type PlacedFinding,
  verdictOf,
} from './check-report.ts';

const words = { error: '❌ error', warning: '⚠️ warning', info: 'ℹ️ note' } as const satisfies Record<
  Severity,
  string
>;
/** A comment on GitHub holds 65,536 characters: the table names every finding, the details only so many. */
const detailed = 20;

export function renderCheckMarkdown(report: CheckReport): string {
  const blocks = [
    `### Padlock: ${headline(report)}`,
    ...report.failures.map(
      ({ message, hint }) => `❌ ${escapeMarkdown(hint === undefined ? message : `${message}: ${hint}`)}`,
    ),
    ...(report.findings.length === 0 ? [] : [table(report.findings)]),
    ...report.findings.slice(0, detailed).map(details),
    ...(report.findings.length > detailed
      ? [
          `The fixes of ${report.findings.length - detailed} more findings are left out here; \`padlock check\` prints them.`,
        ]
      : []),
    ...(report.suppressed.length === 0 ? [] : [suppressed(report)]),
  ];
  return `${blocks.join('\n\n')}\n`;
}

function headline(report: CheckReport): string {
  const counts = countWords(countBySeverity(report.findings));
  const looked = checkedWords(report.checked);
  switch (verdictOf(report)) {
    case 'could-not-run':
      return 'could not check';
    case 'findings':
      return `${counts} (fails on ${report.failOn})`;
    case 'clean':
      return `${counts === '' ? 'nothing found' : counts}${looked === '' ? '' : ` in ${looked}`} ✅`;
  }
}

function table(findings: readonly PlacedFinding[]): string {
  const rows = findings.map(
    ({ finding, place }) =>
      `| ${words[finding.severity]} | ${finding.code} | ${codeCell(formatRef(finding.resource))} | ${
        place === undefined ? '' : codeCell(`${place.file}:${place.line}`)
      } | ${escapeMarkdown(finding.message)} |`,
  );
  return ['| | Code | Resource | Place | Finding |', '| --- | --- | --- | --- | --- |', ...rows].join('\n');
}

function details({ finding, place }: PlacedFinding): string {
  const lines = [
    `<details><summary>${finding.code} ${summaryText(finding)}</summary>`,
    '',
    escapeMarkdown(finding.message),
    ...excerpt(place),
    '',
    `**Why it matters**: ${escapeMarkdown(finding.why)}`,
    '',
    `**Fix**: ${escapeMarkdown(finding.fix.text)}`,
  ];
  for (const change of finding.fix.changes) {
    const { text, language } = formatChange(change);
    lines.push('', codeBlock(text, language));
  }
  if (finding.affected.length > 0) {
    lines.push(
      '',
      `**Affects**: ${finding.affected
        .slice(0, 10)
        .map((ref) => codeSpan(formatRef(ref)))
        .join(', ')}`,
    );
    if (finding.affected.length > 10) lines.push(`and ${finding.affected.length - 10} more`);
  }
  return [...lines, '', '</details>'].join('\n');
}

/** `<summary>` holds HTML: only HTML's own marks need escaping there, and inside `<code>` nobody is mentioned. */
function summaryText(finding: Finding): string {
  const html = (text: string): string =>
    text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return `${findingKinds[finding.code].title}: <code>${html(formatRef(finding.resource).replace(/\s+/g, ' '))}</code>`;
}

function excerpt(place: Place | undefined): readonly string[] {
  if (place?.excerpt === undefined || place.excerpt.trim() === '') return [];
  return ['', codeBlock(place.excerpt, 'yaml')];
}

function suppressed(report: CheckReport): string {
  const rows = report.suppressed.map(({ finding, suppression }) => {
    const why =
      suppression.by === 'flag'
        ? codeSpan(`--ignore ${suppression.rule}`)
        : `${escapeMarkdown(suppression.reason)}${suppression.until === undefined ? '' : ` (until ${suppression.until})`}`;
    return `- ${finding.code} ${codeSpan(formatRef(finding.resource))}: ${why}`;
  });
  return [
    `<details><summary>${report.suppressed.length} suppressed</summary>`,
    '',
    ...rows,
    '',
    '</details>',
  ].join('\n');
}
