/** `padlock verify` for people: one table, then what is not proven with the reason and the next step, then the limits. */
import type { Verdict, VerifyRow } from '../../evidence/verify/row.ts';
import type { Verification } from '../../evidence/verify/verify.ts';
import { hang } from '../hang.ts';
import { paint, type Tone } from '../style.ts';
import { type Cell, renderTable, type TableOptions } from '../table.ts';
import {
  configuredWords,
  declaredWords,
  observedWords,
  olderPlaintextSentence,
  provenWords,
  shortWorkload,
  workloadNames,
} from './verify-report.ts';

const tones = { PROVEN: 'good', FAILED: 'bad', INCONCLUSIVE: 'warn' } as const satisfies Record<
  Verdict,
  Tone
>;

export function verdictCell(verdict: Verdict): Cell {
  return { text: verdict, tone: tones[verdict] };
}

/** Renders the whole answer, with a last newline. */
export function renderVerification(verification: Verification, options: TableOptions): string {
  const { rows } = verification;
  const several = new Set(rows.map((row) => row.namespace)).size > 1;
  const nameOf = workloadNames(rows);
  const table = renderTable(
    [
      ...(several ? [{ title: 'NAMESPACE' }] : []),
      { title: 'WORKLOAD' },
      { title: 'PORT', align: 'right' as const },
      { title: 'DECLARED' },
      { title: 'CONFIGURED' },
      { title: 'OBSERVED' },
      { title: 'PLAINTEXT/MTLS' },
      { title: 'VERDICT' },
    ],
    rows.map((row) => [
      ...(several ? [row.namespace] : []),
      nameOf(row),
      String(row.port),
      declaredWords(row),
      configuredWords(row.configured),
      observedWords(row),
      provenWords(row),
      verdictCell(row.judgement.verdict),
    ]),
    options,
  );
  const parts = [
    rows.length === 0 ? 'Nothing to verify: no workload port was found.' : table,
    ...rows.flatMap((row) => explain(row, { ...options, several })),
    ...olderPlaintext(rows, options),
    summary(verification, options),
  ];
  return `${parts.map((part) => part.trimEnd()).join('\n')}\n`;
}

function explain(row: VerifyRow, options: TableOptions & { readonly several: boolean }): readonly string[] {
  const { verdict, reason, next, disagreements } = row.judgement;
  const where = options.several ? `${row.namespace}/` : '';
  const name = paint(`${where}${shortWorkload(row.workload)}:${row.port}`, 'strong', options.color);
  const others = disagreements.map(({ message }) => message).filter((sentence) => sentence !== reason);
  const lines = [
    ...(verdict === 'PROVEN' ? [] : [`${name} ${reason}`]),
    ...others.map(
      (sentence) =>
        `${verdict === 'PROVEN' ? `${name} ` : '  '}${paint('contradiction:', 'bad', options.color)} ${sentence}`,
    ),
    ...(verdict === 'PROVEN' || next === undefined ? [] : [`  next: ${next}`]),
  ];
  if (lines.length === 0) return [];
  return ['', ...lines.map((line) => hang(line, options.width))];
}

/** Says of each plaintext in OBSERVED that speaks against nothing why it does not: rows with one sentence together. */
function olderPlaintext(rows: readonly VerifyRow[], options: TableOptions): readonly string[] {
  const nameOf = workloadNames(rows);
  const groups = Map.groupBy(rows, olderPlaintextSentence);
  return [...groups].flatMap(([sentence, group]) => {
    if (sentence === undefined) return [];
    const names = group.slice(0, 3).map((row) => `${nameOf(row)}:${row.port}`);
    const more = group.length > 3 ? ` and ${group.length - 3} more` : '';
    return ['', hang(`${names.join(', ')}${more}: ${sentence}`, options.width)];
  });
}

function summary(verification: Verification, options: TableOptions): string {
  const { rows, verdict, limits } = verification;
  const counts = (['PROVEN', 'FAILED', 'INCONCLUSIVE'] as const)
    .map((one) => ({ one, count: rows.filter((row) => row.judgement.verdict === one).length }))
    .filter(({ count }) => count > 0)
    .map(({ one, count }) => `${count} ${one}`);
  const what = verification.namespaces.join(', ') || 'the mesh';
  const line = `${what}: ${paint(verdict, tones[verdict], options.color)}${counts.length === 0 ? '' : ` (${counts.join(', ')})`}`;
  const notes = limits.map((limit) => paint(hang(`  ${limit}`, options.width), 'dim', options.color));
  return [
    '',
    line,
    ...(notes.length === 0 ? [] : [paint('Not part of the proof:', 'dim', options.color), ...notes]),
  ].join('\n');
}

/** One line for a chat: `shop: FAILED, 3 of 4 ports PROVEN; first: Deployment/cart:8080 plaintext was answered`. */
export function renderVerificationShort(verification: Verification): string {
  const { rows, verdict } = verification;
  const proven = rows.filter((row) => row.judgement.verdict === 'PROVEN').length;
  const first =
    rows.find((row) => row.judgement.verdict === 'FAILED') ??
    rows.find((row) => row.judgement.verdict === 'INCONCLUSIVE');
  const about =
    first === undefined
      ? ''
      : `; first: ${shortWorkload(first.workload)}:${first.port} ${first.judgement.reason}`;
  return `${verification.namespaces.join(', ')}: ${verdict}, ${proven} of ${rows.length} ports PROVEN${about}\n`;
}
