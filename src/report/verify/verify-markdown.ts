/** `padlock verify` as Markdown: for a pull request or a wiki. */
import type { Verification } from '../../evidence/verify/verify.ts';
import { escapeMarkdown } from '../markdown-text.ts';
import {
  configuredWords,
  declaredWords,
  mutualTlsWords,
  observedWords,
  plaintextWords,
} from './verify-report.ts';

export function renderVerificationMarkdown(verification: Verification): string {
  const { rows, verdict, limits, namespaces } = verification;
  const head = [
    'Workload',
    'Port',
    'Declared',
    'Configured',
    'Observed',
    'Plaintext',
    'Mutual TLS',
    'Verdict',
    'Reason',
  ];
  const lines = rows.map((row) => [
    escapeMarkdown(`${row.namespace}/${row.workload}`),
    String(row.port),
    declaredWords(row),
    configuredWords(row.configured),
    escapeMarkdown(observedWords(row)),
    plaintextWords(row),
    mutualTlsWords(row),
    `**${row.judgement.verdict}**`,
    row.judgement.verdict === 'PROVEN' ? '' : escapeMarkdown(row.judgement.reason),
  ]);
  const table = [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`);
  const findings = rows.flatMap((row) =>
    row.judgement.disagreements.map(
      ({ message }) => `- ${escapeMarkdown(`${row.namespace}/${row.workload}:${row.port}: ${message}`)}`,
    ),
  );
  const contradictions = findings.length === 0 ? '' : `Contradictions:\n\n${findings.join('\n')}\n\n`;
  const notes = limits.map((limit) => `- ${escapeMarkdown(limit)}`);
  return `## ${escapeMarkdown(namespaces.join(', '))}: ${verdict}\n\n${table.join('\n')}\n\n${contradictions}Not part of the proof:\n\n${notes.join('\n')}\n`;
}
