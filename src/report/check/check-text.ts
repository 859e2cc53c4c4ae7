/** `padlock check` for people: a line for each group, then each finding with its place, its reason and its fix, then the verdict. */
import { formatRef } from '../../istio/kubernetes.ts';
import type { FindingCode } from '../../mesh/findings/codes.ts';
import { findingKinds } from '../../mesh/findings/codes.ts';
import type { Severity } from '../../mesh/findings/finding.ts';
import { formatChange } from '../fix.ts';
import { paint, type Tone } from '../style.ts';
import { indentText, printable, textWidth } from '../text-width.ts';
import {
  byGroup,
  type CheckReport,
  checkedWords,
  countBySeverity,
  countWords,
  type Place,
  type PlacedFinding,
  verdictOf,
} from './check-report.ts';

export interface TextOptions {
  readonly width: number;
  readonly color: boolean;
  /** Every finding whole; otherwise only the first few of a code, and one line for each further one. */
  readonly verbose: boolean;
}

const signs = { error: '×', warning: '‼', info: 'i' } as const satisfies Record<Severity, string>;
const tones = { error: 'bad', warning: 'warn', info: 'note' } as const satisfies Record<Severity, Tone>;
/** So many findings of one code are printed whole: the tenth of a kind teaches nothing new. */
export const wholePerCode = 3;
const affectedShown = 5;

/** Renders the report; ends in a newline. */
export function renderCheckText(report: CheckReport, options: TextOptions): string {
  const blocks = [
    ...(report.failures.length === 0 || report.findings.length > 0 ? [renderSummary(report, options)] : []),
    ...byCode(report.findings).map(([code, findings]) => renderCode(code, findings, options)),
    ...report.failures.map((failure) => {
      const hint = failure.hint === undefined ? '' : `\n  ${failure.hint}`;
      const at = failure.position === undefined ? '' : `${failure.position.file}:${failure.position.line}: `;
      return paint(printable(`× ${at}${failure.message}${hint}`), 'bad', options.color);
    }),
    renderVerdict(report, options),
  ];
  return `${blocks.join('\n\n')}\n`;
}

function renderSummary(report: CheckReport, { color }: TextOptions): string {
  const groups = byGroup(report.findings);
  const width = Math.max(...groups.map(({ title }) => title.length));
  return groups
    .filter(({ group, findings }) => findings.length > 0 || group !== 'ambient')
    .map(({ title, findings }) => {
      const counts = countBySeverity(findings);
      const worst = findings[0]?.finding.severity;
      const sign = worst === undefined ? '√' : signs[worst];
      const tone = worst === undefined ? 'good' : tones[worst];
      return `${paint(sign, tone, color)} ${title.padEnd(width)}  ${worst === undefined ? 'ok' : countWords(counts)}`;
    })
    .join('\n');
}

/** Findings by code, in the order in which the codes first come up: worst first. */
function byCode(
  findings: readonly PlacedFinding[],
): readonly (readonly [FindingCode, readonly PlacedFinding[]])[] {
  const codes = new Map<FindingCode, PlacedFinding[]>();
  for (const placed of findings) {
    const list = codes.get(placed.finding.code);
    if (list === undefined) codes.set(placed.finding.code, [placed]);
    else list.push(placed);
  }
  return [...codes];
}

function renderCode(code: FindingCode, findings: readonly PlacedFinding[], options: TextOptions): string {
  const worst = findings[0]?.finding.severity ?? 'info';
  const title = paint(`${signs[worst]} ${code}`, tones[worst], options.color);
  const heading = `${title} ${paint(findingKinds[code].title, 'strong', options.color)}`;
  const whole = options.verbose ? findings.length : wholePerCode;
  const lines = findings.slice(0, whole).map((placed) => renderFinding(placed, options));
  const short = findings.slice(whole).map((placed) => renderShort(placed, options));
  const more =
    short.length === 0 ? [] : [`  and ${short.length} more (--verbose prints them whole):`, ...short];
  const page = paint(`  more: padlock explain ${code}`, 'dim', options.color);
  return [heading, ...lines, ...more, page].join('\n');
}

function renderShort({ finding, place }: PlacedFinding, { width }: TextOptions): string {
  const where = place === undefined ? '' : `${place.file}:${place.line} `;
  return indentText(`${where}${formatRef(finding.resource)}`, '    ', width);
}

function renderFinding({ finding, place }: PlacedFinding, options: TextOptions): string {
  const { width, color } = options;
  const severity = paint(finding.severity, tones[finding.severity], color);
  const where = place === undefined ? '' : ` ${printable(`${place.file}:${place.line}`)}`;
  const lines = [
    `  ${severity}${where} ${printable(formatRef(finding.resource))}`,
    indentText(finding.message, '    ', width),
    ...(place === undefined ? [] : renderExcerpt(place, options)),
    ...labelled('why', finding.why, width),
    ...labelled('fix', finding.fix.text, width),
  ];
  for (const change of finding.fix.changes) {
    // Not wrapped: it is there to be copied.
    const text = printable(formatChange(change).text);
    lines.push(...text.split('\n').map((line) => `         ${line}`));
  }
  for (const { resource, role, origin } of finding.related) {
    const at = origin?.line === undefined ? '' : ` (${origin.source}:${origin.line})`;
    lines.push(...labelled('see', `${formatRef(resource)}${at}: ${role}`, width));
  }
  if (finding.affected.length > 0) lines.push(...labelled('for', affectedWords(finding.affected), width));
  return lines.join('\n');
}

function affectedWords(affected: PlacedFinding['finding']['affected']): string {
  const shown = affected.slice(0, affectedShown).map(formatRef).join(', ');
  const more = affected.length - affectedShown;
  return more > 0 ? `${shown} and ${more} more` : shown;
}

function labelled(label: string, text: string, width: number): readonly string[] {
  const lines = indentText(text, '         ', width).split('\n');
  return lines.map((line, index) => (index === 0 ? `    ${label}: ${line.trimStart()}` : line));
}

/** The line with a caret below the field; a line wider than the terminal is shown around the field. */
function renderExcerpt(place: Place, { width, color }: TextOptions): readonly string[] {
  if (place.excerpt === undefined || place.excerpt.trim() === '') return [];
  const number = String(place.line);
  const room = Math.max(20, width - number.length - 7);
  const column = place.column ?? place.excerpt.search(/\S/) + 1;
  const start = place.excerpt.length > room ? Math.max(0, column - 1 - Math.floor(room / 2)) : 0;
  const text = printable(place.excerpt.slice(start, start + room).replaceAll('\t', ' '));
  const before = printable(place.excerpt.slice(start, column - 1).replaceAll('\t', ' '));
  const length = Math.max(1, Math.min((place.endColumn ?? column + 1) - column, room));
  const blank = ' '.repeat(number.length);
  return [
    `    ${paint(`${number} |`, 'dim', color)} ${text}`.trimEnd(),
    `    ${paint(`${blank} |`, 'dim', color)} ${' '.repeat(textWidth(before))}${paint('^'.repeat(length), 'warn', color)}`,
  ];
}

function renderVerdict(report: CheckReport, { color, width }: TextOptions): string {
  const verdict = verdictOf(report);
  const counts = countWords(countBySeverity(report.findings));
  const ignored = report.suppressed.length === 0 ? '' : `, ${report.suppressed.length} suppressed`;
  const looked = checkedWords(report.checked);
  const detail = `${counts === '' ? 'no findings' : counts}${ignored}${looked === '' ? '' : ` in ${looked}`}`;
  const sentence =
    verdict === 'could-not-run'
      ? '× could not check: nothing here is a pass'
      : verdict === 'findings'
        ? `× ${detail}; fails on ${report.failOn}`
        : `√ ${detail}`;
  const tone = verdict === 'clean' ? 'good' : 'bad';
  return indentText(sentence, '', width)
    .split('\n')
    .map((line) => paint(line, tone, color))
    .join('\n');
}
