/** `padlock diff` for people: changes by kind, worst first, each with what it was, what it is, and why. */
import type { ChangeKind } from '../../mesh/diff.ts';
import type { Reason } from '../../mesh/reason.ts';
import { paint, type Tone } from '../style.ts';
import { indentText, printable } from '../text-width.ts';
import {
  allChanges,
  type Change,
  changeKinds,
  changeSubject,
  changeWords,
  countChanges,
  type DiffReport,
  diffFails,
  newReasons,
} from './diff-report.ts';

export interface DiffTextOptions {
  readonly width: number;
  readonly color: boolean;
}

const headings = {
  BREAKS: ['×', 'what worked is refused', 'bad'],
  WEAKENED: ['‼', 'plaintext is accepted or sent where it was not', 'warn'],
  MENDS: ['√', 'what was refused works', 'good'],
  HARDENED: ['√', 'plaintext is no longer accepted or sent', 'good'],
  ADDED: ['+', 'ports that are new', 'note'],
  REMOVED: ['-', 'ports that are gone', 'note'],
} as const satisfies Record<ChangeKind, readonly [string, string, Tone]>;

/** So many reasons are printed for a change; the first ones name what was changed. */
const reasonsShown = 3;

/** Renders the report; ends in a newline. */
export function renderDiffText(report: DiffReport, options: DiffTextOptions): string {
  const changes = allChanges(report);
  const blocks = [
    printable(`before: ${report.before}\nafter:  ${report.after}`),
    ...changeKinds.flatMap((kind) => {
      const ofKind = changes.filter(({ change }) => change.change === kind);
      return ofKind.length === 0 ? [] : [renderKind(kind, ofKind, options)];
    }),
    verdict(report, options),
  ];
  return `${blocks.join('\n\n')}\n`;
}

function renderKind(kind: ChangeKind, changes: readonly Change[], options: DiffTextOptions): string {
  const [sign, meaning, tone] = headings[kind];
  const heading = `${paint(`${sign} ${kind}`, tone, options.color)} ${meaning}`;
  return [heading, ...changes.map((change) => renderChange(change, options))].join('\n');
}

function renderChange(change: Change, { width }: DiffTextOptions): string {
  const { before, after } = changeWords(change);
  const lines = [
    indentText(changeSubject(change), '  ', width),
    indentText(`${before} -> ${after}`, '    ', width),
    ...newReasons(change)
      .slice(0, reasonsShown)
      .map((reason) => indentText(`because ${reasonText(reason)}`, '    ', width)),
  ];
  return lines.join('\n');
}

function reasonText({ text, origin }: Reason): string {
  return origin?.line === undefined ? text : `${text} (${origin.source}:${origin.line})`;
}

function verdict(report: DiffReport, { color }: DiffTextOptions): string {
  const counts = countChanges(report);
  const words = changeKinds.filter((kind) => counts[kind] > 0).map((kind) => `${counts[kind]} ${kind}`);
  const text = words.length === 0 ? '√ nothing changes' : words.join(', ');
  const fails = diffFails(report);
  return paint(fails ? `× ${text}; fails on ${report.failOn}` : text, fails ? 'bad' : 'good', color);
}
