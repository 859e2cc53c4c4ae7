/** Conditions in a status: one of each type, and the transition time moves only when the status does. */
import type { WorkloadCondition } from '../kinds/workloads.ts';

/** RFC 3339 in whole seconds, as the API server prints times. */
export function timestamp(now: Date): string {
  return `${now.toISOString().slice(0, 19)}Z`;
}

export interface NewCondition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
}

/** @returns the list with this condition set; the same list where it says just that already. */
export function withCondition(
  list: readonly WorkloadCondition[],
  next: NewCondition,
  now: Date,
): readonly WorkloadCondition[] {
  const before = list.find((item) => item.type === next.type);
  const same = before?.status === next.status && before.reason === next.reason;
  if (same && before.message === next.message) return list;
  const time = timestamp(now);
  const condition: WorkloadCondition = {
    ...next,
    lastUpdateTime: time,
    lastTransitionTime: before?.status === next.status ? (before.lastTransitionTime ?? time) : time,
  };
  return [...list.filter((item) => item.type !== next.type), condition];
}
