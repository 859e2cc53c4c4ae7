/** Probes of a container on their timers: from single results to ready, live and started. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Probe } from '../kinds/pod.ts';

export interface ProbeResult {
  readonly ok: boolean;
  /** Why not, as the kubelet words it in an event. */
  readonly message: string;
}

export type ProbeKind = 'Readiness' | 'Liveness' | 'Startup';

export interface Prober {
  readonly kind: ProbeKind;
  readonly probe: Probe;
  readonly run: (probe: Probe, signal: AbortSignal) => Promise<ProbeResult>;
  /** The first probe waits for this, for one period at most: a program that is just starting need not fail once. */
  readonly serving: Promise<void> | undefined;
  /** Called when the verdict changes, and for each failure (`verdict` then stays undefined below the threshold). */
  readonly onResult: (verdict: boolean | undefined, result: ProbeResult) => void;
}

/** Probes until the signal is aborted; a startup probe ends with its first success. */
export async function probeUntil(prober: Prober, signal: AbortSignal): Promise<void> {
  const { kind, probe, run, onResult, serving } = prober;
  const period = (probe.periodSeconds ?? 10) * 1000;
  const successThreshold = probe.successThreshold ?? 1;
  const failureThreshold = probe.failureThreshold ?? 3;
  let verdict: boolean | undefined;
  let successes = 0;
  let failures = 0;
  if (!(await pause((probe.initialDelaySeconds ?? 0) * 1000, signal))) return;
  if (serving !== undefined) await Promise.race([serving, pause(period, signal)]);
  while (!signal.aborted) {
    const result = await run(probe, signal);
    if (signal.aborted) return;
    successes = result.ok ? successes + 1 : 0;
    failures = result.ok ? 0 : failures + 1;
    const reached = result.ok ? successes >= successThreshold : failures >= failureThreshold;
    const changed = reached && verdict !== result.ok;
    if (changed) verdict = result.ok;
    if (changed || !result.ok) onResult(changed || reached ? result.ok : undefined, result);
    if (kind === 'Startup' && verdict === true) return;
    if (!(await pause(period, signal))) return;
  }
}

/** False where the signal came first. */
async function pause(milliseconds: number, signal: AbortSignal): Promise<boolean> {
  if (milliseconds === 0) return !signal.aborted;
  try {
    await wait(milliseconds, undefined, { signal });
    return true;
  } catch (error) {
    if (error instanceof Error && error.name === 'AbortError') return false;
    throw error;
  }
}
