/** `padlock rollout`: reads the record and the Lease, asks runs to pause, takes rollouts up and back. */
import { PadlockError } from '../../errors.ts';
import { type Held, leaseHeld } from '../../rollout/lease.ts';
import { stepNow } from '../../rollout/machine.ts';
import { isUnfinished, readRecord, type SavedRollout } from '../../rollout/record.ts';
import { askToPause } from '../../rollout/request.ts';
import type { Cluster } from '../../sources/cluster.ts';
import type { Context } from '../context.ts';
import { agreed, styleOf, takeBack, takeUp, writeLine } from '../secure/drive-command.ts';
import { leaseHolder } from '../secure/holder.ts';
import { historyText, statusText } from '../secure/rollout-text.ts';
import type { PauseFlags, RolloutDriveFlags, RolloutFlags } from './rollout.route.ts';

/** How often a run that was asked to pause is looked at. */
const lookEveryMs = 500;

export async function status(this: Context, flags: RolloutFlags, namespace: string): Promise<void> {
  const cluster = await this.connect(flags);
  const saved = await recordOf(cluster, namespace);
  const held = await leaseHeld(cluster, namespace, this.clock.now());
  if (flags.output === 'json') return writeLine(this, statusJson(saved, held));
  const now = this.clock.now();
  await this.stdout.write(statusText(saved, held, { program: this.program, now }, styleOf(this)));
}

function statusJson({ state, savedAt, book }: SavedRollout, held: Held | undefined): unknown {
  const { plan, ...rest } = state;
  const { position } = stepNow(state);
  return {
    namespace: plan.namespace,
    ...rest,
    step: position.step,
    steps: plan.steps.map(({ title, stage }) => ({ title, stage })),
    until: plan.until,
    maxErrors: plan.maxErrors,
    workloads: plan.workloads,
    leftOut: plan.leftOut,
    startedAt: book.startedAt,
    savedAt,
    ...(held === undefined ? {} : { heldBy: held.holder, renewedAt: held.renewedAt }),
  };
}

export async function history(this: Context, flags: RolloutFlags, namespace: string): Promise<void> {
  const saved = await recordOf(await this.connect(flags), namespace);
  if (flags.output === 'json') return writeLine(this, saved.book);
  await this.stdout.write(historyText(saved, styleOf(this)));
}

export async function pause(this: Context, flags: PauseFlags, namespace: string): Promise<void> {
  const cluster = await this.connect(flags);
  const saved = await recordOf(cluster, namespace);
  const held = await leaseHeld(cluster, namespace, this.clock.now());
  if (held !== undefined) {
    if (flags.output === 'text') await this.stdout.write(`Asking ${held.holder} to pause.\n`);
    await pauseAndWait(this, cluster, namespace, flags.timeout);
  } else if (saved.state.status !== 'running') {
    if (flags.output === 'text') await this.stdout.write('Nothing runs: there is nothing to pause.\n');
  }
  await status.call(this, flags, namespace);
}

/**
 * Leaves the wish and waits until the run has let go of the Lease.
 * @throws PadlockError `ROLLOUT_FAILED` where it does not in time
 */
async function pauseAndWait(
  context: Context,
  cluster: Cluster,
  namespace: string,
  timeout: number,
): Promise<void> {
  const { clock, signal } = context;
  await askToPause(cluster, namespace, leaseHolder(context));
  const deadline = clock.now() + timeout;
  for (;;) {
    const held = await leaseHeld(cluster, namespace, clock.now());
    if (held === undefined) return;
    if (clock.now() >= deadline) {
      throw new PadlockError(
        'ROLLOUT_FAILED',
        `${held.holder} has not paused the rollout of ${namespace} yet`,
        {
          hint: 'the wish stays: it pauses as soon as the request under way is over',
        },
      );
    }
    await clock.sleep(lookEveryMs, signal);
  }
}

export async function resume(this: Context, flags: RolloutDriveFlags, namespace: string): Promise<void> {
  const cluster = await this.connect(flags);
  const saved = await recordOf(cluster, namespace);
  if (!isUnfinished(saved.state)) {
    throw new PadlockError(
      'USAGE',
      `the rollout of ${namespace} is ${saved.state.status}: nothing to resume`,
      {
        hint: `"${this.program} secure ${namespace}" begins a new one`,
      },
    );
  }
  await takeUp(this, cluster, flags, saved);
}

export async function abort(this: Context, flags: RolloutDriveFlags, namespace: string): Promise<void> {
  const cluster = await this.connect(flags);
  const saved = await recordOf(cluster, namespace);
  const held = await leaseHeld(cluster, namespace, this.clock.now());
  if (held === undefined) return takeBack(this, cluster, flags, saved);
  if (!(await agreed(this, flags, `Pause the run of ${held.holder}, and bring back what stood before?`)))
    return;
  await pauseAndWait(this, cluster, namespace, pauseLimitMs);
  await takeBack(this, cluster, { ...flags, yes: true }, await recordOf(cluster, namespace));
}

/** A run finishes the request under way, which takes 30 s at most. */
const pauseLimitMs = 120_000;

async function recordOf(cluster: Cluster, namespace: string): Promise<SavedRollout> {
  const saved = await readRecord(cluster, namespace);
  if (saved !== undefined) return saved;
  throw new PadlockError('ROLLOUT_NOT_FOUND', `there is no record of a rollout of ${namespace}`, {
    hint: 'the record is ConfigMap padlock-rollout in the namespace; "padlock secure" begins a rollout',
  });
}
