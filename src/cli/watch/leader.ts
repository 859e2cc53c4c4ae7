/** Of several watches one watches: the one that holds the Lease. */
import { PadlockError } from '../../errors.ts';
import {
  acquireLease,
  type LeaseHolder,
  releaseLease,
  renewEveryMs,
  renewLease,
} from '../../rollout/lease.ts';
import type { Clock } from '../context.ts';

/**
 * Waits for the Lease, then runs the work while it is held. Somebody else's claim ends the work.
 * @param onWait called once where somebody else holds it
 */
export async function whileLeading(
  holder: LeaseHolder,
  clock: Clock,
  signal: AbortSignal,
  onWait: (why: string) => Promise<void>,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  let told = false;
  while (
    !(await tryLead(holder, async (why) => {
      if (!told) await onWait(why);
      told = true;
    }))
  ) {
    await clock.sleep(renewEveryMs, signal);
  }
  const ended = new AbortController();
  const both = AbortSignal.any([signal, ended.signal]);
  const renewal = keep(holder, clock, both).catch((error: unknown) => {
    if (!both.aborted) ended.abort(error);
  });
  try {
    await work(both);
    // Ended because the Lease was lost, not because somebody asked.
    if (ended.signal.aborted) throw ended.signal.reason;
  } finally {
    ended.abort(new Error('the watch has ended'));
    await renewal;
    await releaseLease(holder);
  }
}

async function tryLead(holder: LeaseHolder, onWait: (why: string) => Promise<void>): Promise<boolean> {
  try {
    await acquireLease(holder);
    return true;
  } catch (error) {
    if (!(error instanceof PadlockError) || error.code !== 'PREFLIGHT_REFUSED') throw error;
    await onWait(`another watch holds Lease ${holder.namespace}/${holder.leaseName}`);
    return false;
  }
}

/** A renewal may fail twice; then somebody else may have it. */
async function keep(holder: LeaseHolder, clock: Clock, signal: AbortSignal): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    await clock.sleep(renewEveryMs, signal);
    try {
      if (!(await renewLease(holder))) {
        throw new PadlockError('CLUSTER_CONFLICT', 'another watch has taken the Lease');
      }
      failures = 0;
    } catch (error) {
      failures += 1;
      if (failures > 2 || (error instanceof PadlockError && error.code === 'CLUSTER_CONFLICT')) throw error;
    }
  }
}
