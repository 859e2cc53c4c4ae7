/**
 * What a proxy counted between two readings. Counters are totals since the proxy started: one that went down, or a proxy
 * that is younger than the window, was started within it and counts from zero.
 */
import type { Sample } from '../envoy/prometheus.ts';
import type { CounterReading } from '../proxy/counters.ts';

export interface Delta {
  /** What was added, under the same names and labels; what did not move is left out. */
  readonly added: readonly Sample[];
  /** The proxy restarted: what it had counted between the first reading and its end is lost. */
  readonly restarted: boolean;
}

/** @param before undefined for a proxy that began within the window */
export function counterDelta(before: CounterReading | undefined, after: CounterReading): Delta {
  if (before === undefined)
    return { added: after.samples.filter(({ value }) => value > 0), restarted: false };
  const earlier = new Map(before.samples.map((sample) => [sampleKey(sample), sample.value]));
  const fellBack = after.samples.some((sample) => sample.value < (earlier.get(sampleKey(sample)) ?? 0));
  const elapsed = (after.at - before.at) / 1000;
  // The proxy's own seconds are cut, and the two clocks may differ a little.
  const younger = after.uptime !== undefined && after.uptime + 2 < elapsed;
  const restarted = fellBack || younger || wentBack(before.uptime, after.uptime);
  const added = after.samples.flatMap((sample): readonly Sample[] => {
    const was = restarted ? 0 : (earlier.get(sampleKey(sample)) ?? 0);
    return sample.value > was ? [{ ...sample, value: sample.value - was }] : [];
  });
  return { added, restarted };
}

function wentBack(before: number | undefined, after: number | undefined): boolean {
  return before !== undefined && after !== undefined && after < before;
}

export function sampleKey(sample: Sample): string {
  return sample.name + JSON.stringify(Object.entries(sample.labels).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
