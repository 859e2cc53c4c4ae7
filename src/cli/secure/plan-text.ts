/** What `padlock secure` says before it begins: the plan, what is left out, what speaks against it. */
import { formatRef } from '../../istio/kubernetes.ts';
import { paint } from '../../report/style.ts';
import type { LeftOut, Plan, Step } from '../../rollout/plan.ts';
import type { Objection, Prepared } from '../../rollout/prepare.ts';
import type { DryWrite } from '../../rollout/server-dry-run.ts';
import { describeWrite, type Write } from '../../rollout/write.ts';
import { wrap } from '../help.ts';

export interface TextStyle {
  readonly color: boolean;
  readonly columns: number;
}

/** The plan as a numbered list. */
export function planText(prepared: Prepared, context: string, style: TextStyle): string {
  const { plan, warnings, versions, advice } = prepared;
  const istio = versions.length === 0 ? 'Istio' : `Istio ${versions.join(', ')}`;
  const subject =
    plan.workloads.length === 0
      ? `namespace ${plan.namespace}`
      : `${plan.workloads.join(', ')} in ${plan.namespace}`;
  const lines = [
    `${paint(`Plan for ${subject}`, 'strong', style.color)} (context ${context}, ${istio})`,
    '',
    ...plan.steps.flatMap((step, index) => numbered(index + 1, sentence(step), style)),
  ];
  if (plan.steps.length === 0) lines.push('  nothing to do');
  if (plan.leftOut.length > 0)
    lines.push('', ...plan.leftOut.flatMap((left) => bullet('left out', leftText(left), style)));
  if (warnings.length > 0) lines.push('', ...warnings.flatMap((warning) => bullet('note', warning, style)));
  if (advice !== undefined) {
    lines.push('', ...bullet('note', advice.sentence, style));
    if (advice.lines.length > 0) lines.push('', ...advice.lines.map((line) => `  ${line}`));
  }
  return `${lines.join('\n')}\n`;
}

function sentence(step: Step): string {
  if (step.proof === undefined || step.writes.length === 0) return step.title;
  return step.proof.mode === 'STRICT'
    ? `${step.title}, and prove that plaintext is refused`
    : `${step.title}, and prove mutual TLS`;
}

export function leftText({ workload, reason }: LeftOut): string {
  return `${formatRef(workload)}: ${reason}`;
}

function numbered(number: number, text: string, style: TextStyle): readonly string[] {
  return hanging(`  ${String(number).padStart(2)}. `, text, style);
}

function bullet(label: string, text: string, style: TextStyle): readonly string[] {
  const [first = '', ...rest] = hanging(`${label}: `, text, style);
  return [first.replace(`${label}:`, paint(`${label}:`, 'warn', style.color)), ...rest];
}

/** Wraps a text behind a prefix, later lines indented by its length. */
export function hanging(prefix: string, text: string, style: Pick<TextStyle, 'columns'>): readonly string[] {
  const lines = wrap(text, Math.max(30, style.columns - prefix.length)).split('\n');
  return lines.map((line, index) => `${index === 0 ? prefix : ' '.repeat(prefix.length)}${line}`);
}

/** Each objection with its hint. */
export function objectionsText(objections: readonly Objection[], style: TextStyle): string {
  const lines = objections.flatMap(({ sentence: what, hint }) => [
    `${paint('refused:', 'bad', style.color)} ${what}`,
    `${paint('   hint:', 'note', style.color)} ${hint}`,
  ]);
  return `${lines.join('\n')}\n`;
}

/** Every write of every step, as manifests that `kubectl apply --server-side` takes. */
export async function dryRunText(plan: Plan, style: TextStyle): Promise<string> {
  const { stringify } = await import('yaml');
  const documents = plan.steps.flatMap((step, index) =>
    step.writes.map((write) => {
      const head = `# step ${index + 1}: ${step.title}\n# ${describeWrite(write)}\n`;
      return `${paint('---', 'dim', style.color)}\n${head}${manifestText(write, stringify)}`;
    }),
  );
  return documents.join('');
}

/** What the API server says to each write. */
export function serverDryRunText(writes: readonly DryWrite[], style: TextStyle): string {
  const lines = writes.flatMap(({ step, resource, result, details }) => [
    ...hanging(
      `step ${step}: `,
      `${resource} ${paint(result, result === 'refused' ? 'bad' : 'good', style.color)}`,
      style,
    ),
    ...details.flatMap((detail) => hanging('        ', detail, style)),
  ]);
  return `${['The API server’s answers; it kept nothing:', ...lines].join('\n')}\n`;
}

function manifestText(write: Write, stringify: (value: unknown) => string): string {
  const text = stringify(write.manifest);
  // A manifest that is to be deleted must not be applied by whoever pipes this into kubectl.
  return write.kind === 'apply' ? text : text.replace(/^/gm, '# ').replace(/# $/, '');
}
