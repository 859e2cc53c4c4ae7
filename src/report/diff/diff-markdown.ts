/** `padlock diff` as Markdown, for a comment on a pull request. */
import type { ChangeKind } from '../../mesh/diff.ts';
import { codeCell, codeSpan, escapeMarkdown } from '../markdown-text.ts';
import {
  allChanges,
  type Change,
  changeKinds,
  changeSubject,
  changeWords,
  countChanges,
  type DiffReport,
  newReasons,
} from './diff-report.ts';

const signs = {
  BREAKS: '❌',
  WEAKENED: '⚠️',
  MENDS: '✅',
  HARDENED: '🔒',
  ADDED: '➕',
  REMOVED: '➖',
} as const satisfies Record<ChangeKind, string>;

/** A comment on GitHub holds 65,536 characters; the counts above the table are always complete. */
const rowsShown = 150;

export function renderDiffMarkdown(report: DiffReport): string {
  const changes = allChanges(report).toSorted(
    (a, b) => changeKinds.indexOf(a.change.change) - changeKinds.indexOf(b.change.change),
  );
  const counts = countChanges(report);
  const words = changeKinds.filter((kind) => counts[kind] > 0).map((kind) => `${counts[kind]} ${kind}`);
  const title = words.length === 0 ? 'mutual TLS stays as it is ✅' : words.join(', ');
  const compared = `${codeSpan(report.before)} → ${codeSpan(report.after)}`;
  const blocks = [`### Padlock: ${title}`, compared];
  if (changes.length > 0) blocks.push(table(changes.slice(0, rowsShown)));
  if (changes.length > rowsShown) {
    blocks.push(
      `${changes.length - rowsShown} more changes are left out here; \`padlock diff\` prints them.`,
    );
  }
  return `${blocks.join('\n\n')}\n`;
}

function table(changes: readonly Change[]): string {
  const rows = changes.map((change) => {
    const { before, after } = changeWords(change);
    const kind = change.change.change;
    const [reason] = newReasons(change);
    const place =
      reason?.origin?.line === undefined
        ? ''
        : ` (${codeCell(`${reason.origin.source}:${reason.origin.line}`)})`;
    const because = reason === undefined ? '' : `${escapeMarkdown(reason.text)}${place}`;
    return `| ${signs[kind]} ${kind} | ${codeCell(changeSubject(change))} | ${escapeMarkdown(before)} | ${escapeMarkdown(after)} | ${because} |`;
  });
  return ['| | Where | Before | After | Because |', '| --- | --- | --- | --- | --- |', ...rows].join('\n');
}
