/** `padlock plan -o markdown`, for a pull request or a ticket. */
import { stringify } from 'yaml';
import type { NamespacePlan } from '../../plan/namespace-plan.ts';
import { codeBlock, codeCell, codeSpan, escapeMarkdown } from '../markdown-text.ts';
import {
  answerSentence,
  certaintyWords,
  countText,
  kindTitles,
  placeText,
  rehearsalLines,
  senderName,
  shownBy,
  windowText,
} from './plan-words.ts';

export function renderPlanMarkdown(plan: NamespacePlan): string {
  const blocks = [
    `## Padlock: plan for ${codeSpan(plan.namespace)}`,
    `**${escapeMarkdown(answerSentence(plan))}**`,
    ...traffic(plan),
    ...(plan.observation === undefined ? [] : bullets('Dry run of STRICT', rehearsalLines(plan.observation))),
    ...breakers(plan),
    ...exceptions(plan),
    ...bullets(
      'Nothing came to these ports',
      plan.quiet.map(({ workload, port }) => `${workload.kind}/${workload.name} :${port}`),
    ),
    ...bullets('Not seen', plan.unseen),
    ...bullets('Notes', plan.notes),
  ];
  return `${blocks.join('\n\n')}\n`;
}

function traffic({ observation, senders }: NamespacePlan): readonly string[] {
  if (observation === undefined) return [];
  const sources = observation.sources.map(
    ({ source, window, coverage }) => `- ${escapeMarkdown(`${source}: ${windowText(window)}; ${coverage}`)}`,
  );
  const head = ['### Who sends plaintext', sources.join('\n')];
  if (senders.length === 0) return [...head, 'Nobody was seen.'];
  const rows = senders.map(
    (row) =>
      `| ${escapeMarkdown(senderName(row.sender))} | ${codeCell(placeText(row))} | ${countText(row.sender)} | ${escapeMarkdown(row.sender.because)} |`,
  );
  return [...head, ['| Sender | To | Sent | How known |', '| --- | --- | --- | --- |', ...rows].join('\n')];
}

function breakers({ breakers: list }: NamespacePlan): readonly string[] {
  if (list.length === 0) return [];
  const rows = list.map(
    (breaker) =>
      `| ${certaintyWords[breaker.certainty]} | ${kindTitles[breaker.kind]} | ${escapeMarkdown(breaker.message)} | ${codeCell(shownBy(breaker))} | ${escapeMarkdown(breaker.remedy)} |`,
  );
  return [
    '### What the configuration would break',
    ['| | What | | Shown by | Do |', '| --- | --- | --- | --- | --- |', ...rows].join('\n'),
  ];
}

function exceptions({ exceptions: list }: NamespacePlan): readonly string[] {
  if (list.length === 0) return [];
  return [
    '### The narrowest exceptions',
    ...list.flatMap(({ workload, ports, manifest, notes }) => [
      `${escapeMarkdown(`${workload.kind}/${workload.name}`)}${ports.length === 0 ? ' (only if somebody calls it in plaintext)' : ''}`,
      ...(notes.length === 0 ? [] : [notes.map((note) => `- ${escapeMarkdown(note)}`).join('\n')]),
      codeBlock(stringify(manifest, { lineWidth: 0 }).trimEnd(), 'yaml'),
    ]),
  ];
}

function bullets(title: string, lines: readonly string[]): readonly string[] {
  if (lines.length === 0) return [];
  return [`### ${title}`, lines.map((line) => `- ${escapeMarkdown(line)}`).join('\n')];
}
