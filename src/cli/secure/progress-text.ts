/** How a running rollout looks: lines that stay where nothing redraws, one line that moves on a terminal. */
import { formatRef } from '../../istio/kubernetes.ts';
import { paint } from '../../report/style.ts';
import { type Cell, renderTable } from '../../report/table.ts';
import { count, outOf } from '../../rollout/count.ts';
import type { RolloutState } from '../../rollout/machine.ts';
import type { ProofResult, Verdict } from '../../rollout/observer.ts';
import { listed } from '../../rollout/preflight.ts';
import type { Progress } from '../../rollout/progress.ts';
import { hanging, leftText, type TextStyle } from './plan-text.ts';

export const verdictTone = { PROVEN: 'good', FAILED: 'bad', INCONCLUSIVE: 'warn' } as const satisfies Record<
  Verdict,
  string
>;

/**
 * Turns progress into terminal text. On a terminal the waiting line is overwritten by what follows; elsewhere each
 * change of it is a line, so that a log says what it waited for.
 */
export class ProgressText {
  readonly #style: TextStyle & { readonly redraw: boolean };
  /** The moving line is shown and has to be cleared first. */
  #moving = false;
  /** What cannot be seen is explained once, not at every step. */
  readonly #explained = new Set<string>();

  constructor(style: TextStyle & { readonly redraw: boolean }) {
    this.#style = style;
  }

  /** @returns what to write for one event, newlines included; may be empty. */
  render(progress: Progress): string {
    const text = this.#text(progress);
    if (text === '') return '';
    if (progress.event === 'waiting' && this.#style.redraw) {
      const cleared = this.#clear();
      this.#moving = true;
      return `${cleared}${paint(text.slice(0, this.#style.columns - 1), 'dim', this.#style.color)}`;
    }
    return `${this.#clear()}${text}\n`;
  }

  #clear(): string {
    const clear = this.#moving ? '\r\u001b[2K' : '';
    this.#moving = false;
    return clear;
  }

  /** What was seen, and what could not be. */
  #watched(traffic: Watched): string {
    const open = Object.entries(traffic.open).map(
      ([server, number]) =>
        `open to ${server} in plaintext: ${count(number, 'TCP connection')}, closed by its proxy some time after STRICT (45 s by default)`,
    );
    const blind = blindTexts(traffic).filter((text) => !this.#explained.has(text));
    for (const text of blind) this.#explained.add(text);
    const unseen = [...blind, ...traffic.unseen].map((what) => `not seen: ${what}`);
    return [sawText(traffic), ...open, ...unseen]
      .flatMap((line) => hanging('      ', line, this.#style))
      .join('\n');
  }

  #text(progress: Progress): string {
    const { color } = this.#style;
    switch (progress.event) {
      case 'step': {
        const { step, of } = progress.position;
        const prefix = `${progress.back ? 'back ' : ''}[${step}/${of}] `;
        return hanging(prefix, progress.title, this.#style)
          .map((line) => paint(line, progress.back ? 'warn' : 'strong', color))
          .join('\n');
      }
      case 'write':
        return paint(`      ${progress.write} ${formatRef(progress.resource)}`, 'dim', color);
      case 'waiting':
        // A line that is redrawn has to stay one line.
        return this.#style.redraw
          ? `      ${progress.detail}`
          : hanging('      ', progress.detail, this.#style).join('\n');
      case 'retry':
        return `      ${paint('again', 'warn', color)} in ${progress.inMs / 1000} s: ${progress.reason}`;
      case 'watched':
        return this.#watched(progress.traffic);
      case 'proof':
        return proofLine(progress.result, progress.mode, color);
      case 'failed':
        return hanging('      ', progress.reason, this.#style)
          .map((line) => paint(line, 'bad', color))
          .join('\n');
      case 'end':
        return '';
    }
  }
}

type Watched = Extract<Progress, { event: 'watched' }>['traffic'];

/** `saw 1,204 requests in 10 s: 0 failed, 0 in plaintext, 0 refused`. */
function sawText(traffic: Watched): string {
  const seconds = Math.round(traffic.seconds * 10) / 10;
  return `saw ${count(traffic.requests, 'request')} in ${seconds} s: ${traffic.failed} failed, ${sum(traffic.plaintext)} in plaintext, ${refusedText(traffic)}`;
}

/** Zero is no finding where nobody could have seen one. */
function refusedText({ refused, blind, servers }: Watched): string {
  const number = sum(refused);
  if (blind.length === 0) return `${number} refused`;
  if (number === 0 && blind.length === servers) return 'refusals not seen';
  return `${number} refused where that is logged`;
}

function sum(senders: readonly { readonly count: number }[]): number {
  return senders.reduce((total, sender) => total + sender.count, 0);
}

/** `refusals by Deployment/cart, Deployment/web: access logging is off`, by reason. */
function blindTexts({ blind }: Watched): readonly string[] {
  return [...Map.groupBy(blind, ({ reason }) => reason)].map(
    ([reason, of]) =>
      `refusals by ${listed(
        of.map(({ server }) => server),
        5,
      )}: ${reason}; counters and probes still tell what fails`,
  );
}

function proofLine(result: ProofResult, mode: string, color: boolean): string {
  const what = mode === 'STRICT' ? 'mutual TLS accepted, plaintext refused' : 'mutual TLS accepted';
  const { good, all, open } = proven(result);
  if (result.verdict === 'PROVEN' && open > 0) {
    return `      ${what}: ${paint('PROVEN', 'warn', color)} on ${outOf(good, all, 'port')}, could not be shown on ${open}`;
  }
  return `      ${paint(result.verdict, verdictTone[result.verdict], color)} ${what}: ${outOf(good, all, 'port')}`;
}

/** A rollout goes on past ports that nobody can probe, so its verdict alone does not tell that every port was proven. */
function proven({ rows }: ProofResult): {
  readonly good: number;
  readonly all: number;
  readonly open: number;
} {
  const good = rows.filter((row) => row.verdict === 'PROVEN').length;
  return { good, all: rows.length, open: rows.length - good };
}

/** `is STRICT, and that is proven.`, or on how many ports it is. */
function strictText({ proof }: RolloutState): string {
  const { good, all, open } = proof === undefined ? { good: 0, all: 0, open: 0 } : proven(proof);
  return open === 0
    ? 'is STRICT, and that is proven.'
    : `is STRICT: proven on ${outOf(good, all, 'port')}; on ${open} no client could show mutual TLS.`;
}

/** The verdict table. */
export function proofTable(result: ProofResult, style: TextStyle): string {
  const rows = result.rows.map((row): readonly Cell[] => [
    row.workload,
    String(row.port),
    { text: row.verdict, tone: verdictTone[row.verdict] },
    row.detail,
  ]);
  const columns = [
    { title: 'WORKLOAD' },
    { title: 'PORT', align: 'right' as const },
    { title: 'VERDICT' },
    { title: 'SEEN' },
  ];
  return renderTable(columns, rows, { width: style.columns, color: style.color });
}

export interface EndingOptions {
  /** `padlock` or `kubectl padlock`. */
  readonly program: string;
  /** Flags that another command must repeat: ` --context kind-dev`. */
  readonly flags: string;
}

/** What stands now, and what to do next. */
export function endingText(state: RolloutState, options: EndingOptions, style: TextStyle): string {
  const { namespace, leftOut } = state.plan;
  const again = `${options.program} rollout resume ${namespace}${options.flags}`;
  const back = `${options.program} rollout abort ${namespace}${options.flags}`;
  const outside = leftOut.filter((left) => !left.byChoice);
  const mode = { inject: 'injected', permissive: 'PERMISSIVE', observe: 'PERMISSIVE', strict: 'STRICT' }[
    state.plan.until
  ];
  switch (state.status) {
    case 'done':
      return lines([
        `${paint('Done.', 'good', style.color)} ${subject(state)} ${mode === 'STRICT' ? strictText(state) : `is ${mode}.`}`,
        ...outside.map((left) => `Still outside the mesh, open to plaintext: ${leftText(left)}`),
        `To take it all back: ${back}`,
      ]);
    case 'rolled-back':
      return lines([
        `${paint('Taken back.', 'warn', style.color)} Namespace ${namespace} is as it was before.`,
        ...(state.reason === undefined ? [] : [`Why: ${state.reason}`]),
      ]);
    case 'stuck':
      return lines([
        `${paint('Not everything could be taken back.', 'bad', style.color)} Look at:`,
        ...state.unrestored.map((what) => `  ${what}`),
        `Try again with: ${back}`,
      ]);
    case 'paused':
    case 'running':
      return lines([
        `${paint('Paused', 'warn', style.color)}${state.reason === undefined ? '' : `: ${state.reason}`}.`,
        ...whatStands(state),
        ...(state.phase.name === 'prove' && state.direction === 'forward'
          ? [
              `To prove from pods of its own: ${again} --probe-pods`,
              `To go on unproven: ${again} --accept-inconclusive`,
            ]
          : []),
        `To go on:        ${again}`,
        `To take it back: ${back}`,
      ]);
  }
}

function subject(state: RolloutState): string {
  const { namespace, workloads } = state.plan;
  return workloads.length === 0 ? `Namespace ${namespace}` : `${workloads.join(', ')} in ${namespace}`;
}

/** Nothing half-applied is left unsaid: what is done, and the step that was under way. */
function whatStands(state: RolloutState): readonly string[] {
  if (state.direction === 'back')
    return ['It was on its way back to what stood before; that is not finished.'];
  const done = state.plan.steps.slice(0, state.reached).map((step) => `  done: ${step.title}`);
  const current = state.plan.steps[state.reached];
  return ['What stands:', ...done, ...(current === undefined ? [] : [`  begun: ${current.title}`])];
}

function lines(texts: readonly string[]): string {
  return `${texts.join('\n')}\n`;
}
