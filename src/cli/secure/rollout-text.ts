/** What `padlock rollout status` and `history` say. */
import { paint } from '../../report/style.ts';
import { outOf } from '../../rollout/count.ts';
import type { Held } from '../../rollout/lease.ts';
import { type RolloutState, stepNow } from '../../rollout/machine.ts';
import { isUnfinished, type SavedRollout } from '../../rollout/record.ts';
import { hanging, type TextStyle } from './plan-text.ts';

export interface StatusOptions {
  /** `padlock` or `kubectl padlock`. */
  readonly program: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

const tones = {
  running: 'strong',
  paused: 'warn',
  done: 'good',
  'rolled-back': 'warn',
  stuck: 'bad',
} as const satisfies Record<RolloutState['status'], string>;

export function statusText(
  { state, savedAt, book }: SavedRollout,
  held: Held | undefined,
  options: StatusOptions,
  style: TextStyle,
): string {
  const { plan, status, reason, proof, unrestored } = state;
  const { title, position, back } = stepNow(state);
  const died = status === 'running' && held === undefined;
  const lines = [
    `Rollout of ${plan.namespace}: ${paint(status, tones[status], style.color)}${back ? ', going back' : ''}`,
    `Begun ${book.startedAt}, saved ${savedAt}`,
    held === undefined
      ? died
        ? 'No run holds the Lease: the run that began it ended without a word.'
        : 'No run holds the Lease.'
      : `Driven by ${held.holder}, renewed ${secondsAgo(held.renewedAt, options.now)} s ago`,
    ...(reason === undefined ? [] : hanging('Why: ', reason, style)),
    '',
    ...(back && isUnfinished(state)
      ? hanging(`  back ${position.step} of ${position.of}: `, title, style)
      : stepLines(state, style)),
    ...unrestored.flatMap((what) => hanging('  not restored: ', what, style)),
    ...(proof === undefined
      ? []
      : [
          '',
          `Last proof: ${proof.verdict === 'PROVEN' ? '' : `${proof.verdict}, `}${outOf(proof.rows.filter((row) => row.verdict === 'PROVEN').length, proof.rows.length, 'port')} PROVEN`,
        ]),
  ];
  if (isUnfinished(state) && held === undefined) {
    lines.push(
      '',
      `To go on:        ${options.program} rollout resume ${plan.namespace}`,
      `To take it back: ${options.program} rollout abort ${plan.namespace}`,
    );
  }
  return `${lines.join('\n')}\n`;
}

function stepLines({ plan, reached, status, direction }: RolloutState, style: TextStyle): readonly string[] {
  const undone = direction === 'back' || status === 'rolled-back';
  return plan.steps.flatMap(({ title }, index) => {
    const mark = undone ? 'back' : index < reached ? 'done' : index === reached ? 'now ' : '    ';
    const [first = '', ...rest] = hanging(`  ${mark} ${String(index + 1).padStart(2)}. `, title, style);
    // Painted after the line is measured.
    const painted = paint(mark, mark === 'done' ? 'good' : 'dim', style.color);
    return [`  ${painted}${first.slice(2 + mark.length)}`, ...rest];
  });
}

function secondsAgo(time: string, now: number): number {
  return Math.max(0, Math.round((now - Date.parse(time)) / 1000));
}

export function historyText({ state, savedAt, book }: SavedRollout, style: TextStyle): string {
  const because = (reason: string | undefined): string => (reason === undefined ? '' : `: ${reason}`);
  const lines = [
    `Rollout of ${state.plan.namespace}, begun ${book.startedAt}: ${state.status}`,
    ...book.journal.flatMap(({ at, by, what }, index) => {
      // Who drove is said where it changes.
      const same = book.journal[index - 1]?.by === by;
      return hanging(`  ${at}  `, same ? what : `${what} (${by})`, style);
    }),
    ...(book.past.length === 0 ? [] : ['', 'Before it:']),
    ...book.past.flatMap(({ startedAt, endedAt, status, until, reason }) =>
      hanging(`  ${startedAt}  `, `until ${until}: ${status} at ${endedAt}${because(reason)}`, style),
    ),
  ];
  if (book.journal.length === 0) lines.push(`  ${savedAt}  ${state.status}`);
  return `${lines.join('\n')}\n`;
}
