/** Text inside Markdown as GitHub and GitLab render it: names from files must stay names, whatever characters they hold. */
import { printable } from './text-width.ts';

/** One line of plain text: no markup, no HTML, no mention of a person, no table cell border. */
export function escapeMarkdown(text: string): string {
  return (
    printable(text)
      .replace(/\s+/g, ' ')
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replace(/[\\`*_{}[\]|~]/g, '\\$&')
      .replace(/^([#+-]|\d+[.)])(?=\s)/, '\\$1')
      // A zero-width space keeps "@name" from calling somebody, and "#12" from linking an issue.
      .replace(/@(?=\w)/g, '@\u200b')
      .replace(/#(?=\d)/g, '#\u200b')
  );
}

/** A code span whose fence is longer than any run of backticks inside (CommonMark 6.1). */
export function codeSpan(text: string): string {
  const inner = printable(text).replace(/\s+/g, ' ');
  const fence = '`'.repeat(longestRun(inner) + 1);
  const pad = inner.startsWith('`') || inner.endsWith('`') || inner === '' ? ' ' : '';
  return `${fence}${pad}${inner}${pad}${fence}`;
}

/** A code span in a table's cell, where a `|` ends the cell even inside a span (GitHub's tables extension). */
export function codeCell(text: string): string {
  return codeSpan(text).replaceAll('|', '\\|');
}

/** A fenced block, three backticks or more. */
export function codeBlock(text: string, language: string): string {
  const fence = '`'.repeat(Math.max(3, longestRun(text) + 1));
  return `${fence}${language}\n${printable(text)}\n${fence}`;
}

function longestRun(text: string): number {
  return Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
}
