/** Drives a rollout and shows it: what `padlock secure` and the demo have in common. */
import { newBook } from '../../rollout/book.ts';
import { drive } from '../../rollout/drive.ts';
import type { Event, RolloutState } from '../../rollout/machine.ts';
import { meshObserver } from '../../rollout/mesh-observer.ts';
import type { ProofResult } from '../../rollout/observer.ts';
import { patientCluster } from '../../rollout/patient-cluster.ts';
import type { Progress } from '../../rollout/progress.ts';
import { isUnfinished, type SavedRollout } from '../../rollout/record.ts';
import type { Cluster } from '../../sources/cluster.ts';
import type { Context } from '../context.ts';
import { leaseHolder } from './holder.ts';
import { ProgressText } from './progress-text.ts';

export interface RunOptions {
  readonly output: 'text' | 'json';
  /** Longest time for one workload to roll out, in milliseconds. */
  readonly timeout: number;
  readonly acceptInconclusive: boolean;
  /** Make probe pods of this image; absent: probe from containers that have curl. */
  readonly probeImage?: string;
  /** Put before each line. */
  readonly indent?: string;
}

export interface Start {
  readonly state: RolloutState;
  readonly event: Event;
  /** The record as it was read; absent: there was none. */
  readonly saved?: SavedRollout | undefined;
}

export interface RunResult {
  readonly state: RolloutState;
  /** The last proof; absent where none was reached. */
  readonly proof: ProofResult | undefined;
}

/** All proxies have this long to load one change; on a busy real mesh it takes seconds. */
const loadLimitMs = 120_000;
/** Istio's drain time is 45 s; a mesh that sets its own may have a longer one. */
const drainLimitMs = 180_000;

/** @throws PadlockError what `drive` throws */
export async function runRollout(
  context: Context,
  cluster: Cluster,
  start: Start,
  options: RunOptions,
): Promise<RunResult> {
  const { clock, stdout, signal } = context;
  const { indent = '' } = options;
  const text = new ProgressText({
    color: stdout.color,
    columns: stdout.columns - indent.length,
    redraw: stdout.isTTY,
  });
  let proof: ProofResult | undefined;
  // Lines are kept in order by chaining them; the rollout does not wait for the terminal.
  let written: Promise<void> = Promise.resolve();
  const tell = (progress: Progress): void => {
    if (progress.event === 'proof') proof = progress.result;
    const line =
      options.output === 'json'
        ? `${JSON.stringify({ at: new Date(clock.now()).toISOString(), ...progress })}\n`
        : text.render(progress).replace(/^(?=.)/gm, indent);
    written = written.then(() => stdout.write(line));
  };
  const { saved } = start;
  const goesOn = saved !== undefined && (start.event.kind === 'abort' || isUnfinished(saved.state));
  const book = goesOn ? saved.book : newBook(new Date(clock.now()).toISOString(), saved);
  const reads = patientCluster(cluster, { clock, signal, tell });
  const state = await drive(start.state, start.event, {
    book,
    cluster: reads,
    observer: meshObserver(
      reads,
      { ...clock, nonce: () => context.nonce() },
      options.probeImage === undefined ? {} : { probeImage: options.probeImage },
    ),
    clock,
    signal,
    tell,
    limits: { rollout: options.timeout, load: loadLimitMs, drain: drainLimitMs },
    acceptInconclusive: options.acceptInconclusive,
    holder: leaseHolder(context),
  });
  await written;
  return { state, proof };
}
