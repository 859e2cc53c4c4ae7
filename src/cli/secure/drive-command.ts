/** What `secure` and the `rollout` commands have in common: asking, driving, and saying what stands. */
import { ExitCode, PadlockError } from '../../errors.ts';
import { harmWindow } from '../../rollout/canary-steps.ts';
import type { Event, RolloutState } from '../../rollout/machine.ts';
import type { Plan, Step } from '../../rollout/plan.ts';
import type { SavedRollout } from '../../rollout/record.ts';
import type { Cluster } from '../../sources/cluster.ts';
import type { ClusterFlags } from '../common-flags.ts';
import type { Context } from '../context.ts';
import type { DriveFlags } from './drive-flags.ts';
import type { TextStyle } from './plan-text.ts';
import { endingText, proofTable } from './progress-text.ts';
import { runRollout, type Start } from './run-rollout.ts';

export type DrivingFlags = DriveFlags & ClusterFlags;

/** Why a rollout went back: a person asked for it, which is no failure. */
const askedToAbort = 'asked for by abort';

/** Takes a paused or dead rollout up again. Time and limits that are given now replace those of its beginning. */
export async function takeUp(
  context: Context,
  cluster: Cluster,
  flags: DrivingFlags,
  saved: SavedRollout,
): Promise<void> {
  const { state, savedAt } = saved;
  if (flags.output === 'text') {
    const why = state.reason === undefined ? '' : ` (${state.reason})`;
    await context.stdout.write(`Taking up the rollout that stopped at ${savedAt}${why}.\n`);
  }
  if (!(await agreed(context, flags, 'Go on?'))) return;
  const plan = withSettings(state.plan, flags);
  await run(context, cluster, flags, { state: { ...state, plan }, event: { kind: 'start' }, saved });
}

/** Brings back what stood before the rollout. */
export async function takeBack(
  context: Context,
  cluster: Cluster,
  flags: DrivingFlags,
  saved: SavedRollout,
): Promise<void> {
  if (flags.output === 'text') {
    await context.stdout.write(
      `Taking back the rollout of ${saved.state.plan.namespace} of ${saved.savedAt}.\n`,
    );
  }
  if (!(await agreed(context, flags, 'Bring back what stood before?'))) return;
  const event: Event = { kind: 'abort', reason: askedToAbort };
  await run(context, cluster, flags, { state: saved.state, event, saved });
}

function withSettings(plan: Plan, { observe, maxErrors }: DrivingFlags): Plan {
  const observed = (step: Step): Step => {
    if (observe === undefined || step.watch === undefined) return step;
    const { kind } = step.watch;
    return { ...step, watch: { kind, forMs: kind === 'plaintext' ? observe : harmWindow(observe) } };
  };
  return {
    ...plan,
    steps: plan.steps.map(observed),
    ...(maxErrors === undefined ? {} : { maxErrors }),
  };
}

/** Asks a person; where nobody can answer, `--yes` has to have been said. */
export async function agreed(
  context: Context,
  flags: Pick<DrivingFlags, 'yes' | 'output'>,
  question: string,
): Promise<boolean> {
  if (flags.yes === true) return true;
  if (!context.stdin.isTTY || flags.output === 'json') {
    throw new PadlockError('USAGE', 'this changes the cluster, and nobody is there to agree', {
      hint: 'say --yes, or look first with --dry-run; nothing was changed',
    });
  }
  await context.stdout.write(`${question} [y/N] `);
  const answer = await context.stdin.readLine();
  if (/^y(es)?$/i.test(answer?.trim() ?? '')) return true;
  await context.stdout.write('Nothing was changed.\n');
  return false;
}

/** Drives to the end, sets the exit code and says what stands. */
export async function run(
  context: Context,
  cluster: Cluster,
  flags: DrivingFlags,
  begin: Start,
): Promise<RolloutState> {
  context.finishOnInterrupt();
  const { state, proof } = await runRollout(context, cluster, begin, {
    output: flags.output,
    timeout: flags.timeout,
    acceptInconclusive: flags.acceptInconclusive === true,
    ...(flags.probePods === true ? { probeImage: flags.probeImage } : {}),
  });
  context.setExitCode(exitCodeFor(state, context));
  if (flags.output === 'json') return state;
  const style = styleOf(context);
  if (proof !== undefined && state.status === 'done') {
    await context.stdout.write(`\n${proofTable(proof, style)}\n`);
  }
  const repeat = flags.context === undefined ? '' : ` --context ${flags.context}`;
  await context.stdout.write(`\n${endingText(state, { program: context.program, flags: repeat }, style)}`);
  return state;
}

function exitCodeFor(state: RolloutState, context: Context): ExitCode {
  switch (state.status) {
    case 'done':
      return state.plan.leftOut.some((left) => !left.byChoice) ? ExitCode.inconclusive : ExitCode.ok;
    case 'rolled-back':
      return state.reason === askedToAbort ? ExitCode.ok : ExitCode.failed;
    case 'stuck':
      return ExitCode.failed;
    default:
      if (context.signal.aborted) return ExitCode.interrupted;
      return state.phase.name === 'prove' || state.phase.name === 'watch'
        ? ExitCode.inconclusive
        : ExitCode.couldNotRun;
  }
}

export function styleOf(context: Context): TextStyle {
  return { color: context.stdout.color, columns: context.stdout.columns };
}

export function writeLine(context: Context, value: unknown): Promise<void> {
  return context.stdout.write(`${JSON.stringify(value)}\n`);
}
