/** What a rollout tells while it runs: data for `-o json`, for the terminal's renderer and for tests. */
import type { ObjectRef } from '../istio/kubernetes.ts';
import type { Position, Status } from './machine.ts';
import type { ProofResult } from './observer.ts';
import type { Watch } from './plan.ts';
import type { Traffic } from './traffic.ts';
import type { Write } from './write.ts';

export type Progress =
  | { readonly event: 'step'; readonly title: string; readonly back: boolean; readonly position: Position }
  | { readonly event: 'write'; readonly write: Write['kind']; readonly resource: ObjectRef }
  /** Told when the detail changes, not at each look. */
  | { readonly event: 'waiting'; readonly detail: string }
  | { readonly event: 'retry'; readonly reason: string; readonly inMs: number }
  | {
      readonly event: 'watched';
      readonly watch: Watch['kind'];
      readonly traffic: Omit<Traffic, 'tallies'>;
    }
  | { readonly event: 'proof'; readonly mode: string; readonly result: ProofResult }
  | { readonly event: 'failed'; readonly reason: string }
  | { readonly event: 'end'; readonly status: Status; readonly reason?: string };
