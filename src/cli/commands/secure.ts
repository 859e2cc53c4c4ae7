/** `padlock secure`: read, plan, ask, carry out, say what stands. */
import { ExitCode, PadlockError } from '../../errors.ts';
import { type Event, initialState, type RolloutState } from '../../rollout/machine.ts';
import { type Prepared, prepare } from '../../rollout/prepare.ts';
import { readRecord, type SavedRollout } from '../../rollout/record.ts';
import type { Cluster } from '../../sources/cluster.ts';
import type { Context } from '../context.ts';
import { dryRunText, objectionsText, planText, type TextStyle } from '../secure/plan-text.ts';
import { endingText, proofTable } from '../secure/progress-text.ts';
import { runRollout } from '../secure/run-rollout.ts';
import type { SecureFlags } from './secure.route.ts';

export default async function secure(this: Context, flags: SecureFlags, namespace: string): Promise<void> {
  if ((flags.workload?.length ?? 0) > 0 && (flags.exclude?.length ?? 0) > 0) {
    throw new PadlockError('USAGE', '--workload and --exclude contradict each other');
  }
  const cluster = await this.connect(flags);
  const saved = await readRecord(cluster, namespace);
  if (flags.abort === true) return takeBack(this, cluster, flags, namespace, saved);
  const unfinished = saved?.state.status === 'running' || saved?.state.status === 'paused';
  if (saved !== undefined && unfinished && flags.dryRun !== true) return takeUp(this, cluster, flags, saved);
  const prepared = await prepare(cluster, {
    namespace,
    until: flags.until,
    workloads: flags.workload ?? [],
    exclude: flags.exclude ?? [],
    ...(flags.revision === undefined ? {} : { revision: flags.revision }),
    forceGitOps: flags.forceGitops === true,
    now: this.clock.now(),
    signal: this.signal,
  });
  await showPlan(this, cluster, flags, prepared);
  if (prepared.objections.length > 0) return refuse(this, flags, prepared);
  if (flags.dryRun === true) return;
  if (!(await agreed(this, flags, 'Go on?'))) return;
  await run(this, cluster, flags, initialState(prepared.plan), { kind: 'start' });
}

async function showPlan(
  context: Context,
  cluster: Cluster,
  flags: SecureFlags,
  prepared: Prepared,
): Promise<void> {
  const { plan, warnings, versions } = prepared;
  if (flags.output === 'json') {
    return writeLine(context, {
      event: 'plan',
      context: cluster.context,
      istio: versions,
      warnings,
      ...plan,
    });
  }
  const style = styleOf(context);
  await context.stdout.write(`${planText(prepared, cluster.context, style)}\n`);
  if (flags.dryRun === true) await context.stdout.write(await dryRunText(plan, style));
}

async function refuse(context: Context, flags: SecureFlags, { objections }: Prepared): Promise<void> {
  if (flags.output === 'json') await writeLine(context, { event: 'refused', objections });
  else {
    const { columns } = context.stderr;
    await context.stderr.write(objectionsText(objections, { color: context.stderr.color, columns }));
    await context.stderr.write('Nothing was changed.\n');
  }
  context.setExitCode(ExitCode.failed);
}

async function takeBack(
  context: Context,
  cluster: Cluster,
  flags: SecureFlags,
  namespace: string,
  saved: SavedRollout | undefined,
): Promise<void> {
  if (saved === undefined) {
    throw new PadlockError('USAGE', `there is no rollout of ${namespace} to take back`, {
      hint: 'the record, ConfigMap padlock-rollout, is missing; nothing was changed',
    });
  }
  if (flags.output === 'text') {
    await context.stdout.write(`Taking back the rollout of ${namespace} of ${saved.savedAt}.\n`);
  }
  if (!(await agreed(context, flags, 'Bring back what stood before?'))) return;
  await run(context, cluster, flags, saved.state, { kind: 'abort', reason: 'asked for with --abort' });
}

async function takeUp(
  context: Context,
  cluster: Cluster,
  flags: SecureFlags,
  { state, savedAt }: SavedRollout,
): Promise<void> {
  if (flags.output === 'text') {
    const why = state.reason === undefined ? '' : ` (${state.reason})`;
    await context.stdout.write(`Taking up the rollout that stopped at ${savedAt}${why}.\n`);
  }
  if (!(await agreed(context, flags, 'Go on?'))) return;
  await run(context, cluster, flags, state, { kind: 'start' });
}

/** Asks a person; where nobody can answer, `--yes` has to have been said. */
async function agreed(context: Context, flags: SecureFlags, question: string): Promise<boolean> {
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

async function run(
  context: Context,
  cluster: Cluster,
  flags: SecureFlags,
  initial: RolloutState,
  event: Event,
): Promise<void> {
  context.finishOnInterrupt();
  const start = { state: initial, event };
  const { state, proof } = await runRollout(context, cluster, start, {
    output: flags.output,
    timeout: flags.timeout,
    acceptInconclusive: flags.acceptInconclusive === true,
    ...(flags.probePods === true ? { probeImage: flags.probeImage } : {}),
  });
  context.setExitCode(exitCodeFor(state, context));
  if (flags.output === 'json') return;
  const style = styleOf(context);
  if (proof !== undefined && state.status === 'done') {
    await context.stdout.write(`\n${proofTable(proof, style)}\n`);
  }
  const repeat = flags.context === undefined ? '' : ` --context ${flags.context}`;
  await context.stdout.write(`\n${endingText(state, { program: context.program, flags: repeat }, style)}`);
}

function exitCodeFor(state: RolloutState, context: Context): ExitCode {
  switch (state.status) {
    case 'done':
      return state.plan.leftOut.some((left) => !left.byChoice) ? ExitCode.inconclusive : ExitCode.ok;
    case 'rolled-back':
      return state.reason?.includes('--abort') === true ? ExitCode.ok : ExitCode.failed;
    case 'stuck':
      return ExitCode.failed;
    default:
      if (context.signal.aborted) return ExitCode.interrupted;
      return state.phase.name === 'prove' ? ExitCode.inconclusive : ExitCode.couldNotRun;
  }
}

function styleOf(context: Context): TextStyle {
  return { color: context.stdout.color, columns: context.stdout.columns };
}

function writeLine(context: Context, value: unknown): Promise<void> {
  return context.stdout.write(`${JSON.stringify(value)}\n`);
}
