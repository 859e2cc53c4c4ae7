/** What a rollout will do, as data: computed once, recorded in the cluster, shown by `--dry-run`. */
import type { ObjectRef } from '../istio/kubernetes.ts';
import type { Write } from './write.ts';

/** Where a rollout can be told to stop (`--until`), in this order. */
export const stages = ['inject', 'permissive', 'observe', 'strict'] as const;
export type Stage = (typeof stages)[number];

/** What must be so before the next step may begin. */
export type Until =
  /** The workload runs its newest template on every replica, all ready; with a sidecar in each pod where `sidecar`. */
  | { readonly kind: 'rolled-out'; readonly workload: ObjectRef; readonly sidecar: boolean }
  /** The PodDisruptionBudget lets one pod be away. */
  | { readonly kind: 'disruption-allowed'; readonly budget: ObjectRef }
  /**
   * Every proxy of the namespace has loaded what is declared now; with `clients`, also every proxy that calls it, where
   * the change makes clients send something else.
   */
  | { readonly kind: 'loaded'; readonly clients: boolean }
  /** No server of the namespace carries connections on configuration that was replaced. */
  | { readonly kind: 'drained' };

/** What a probe must show. PERMISSIVE: mutual TLS works. STRICT: that, and plaintext is refused. */
export interface Proof {
  readonly mode: 'PERMISSIVE' | 'STRICT';
  /** Only this workload's ports. */
  readonly workload?: ObjectRef;
}

/** What is watched on live traffic, and for how long. */
export interface Watch {
  /**
   * `baseline`: how much fails before anything changes. `plaintext`: who still sends plaintext; what fails now becomes the
   * baseline. `harm`: what fails beyond the baseline, and who is refused, since the step began.
   */
  readonly kind: 'baseline' | 'plaintext' | 'harm';
  readonly forMs: number;
}

/** How many requests may fail, or be sent in plaintext, in one watch: so many, or that share of all requests. */
export type MaxErrors =
  | { readonly kind: 'count'; readonly value: number }
  | { readonly kind: 'percent'; readonly value: number };

/** The order in which steps are taken back: policies first (newest first), then the label, then the restarts. */
export type StepKind = 'policy' | 'label' | 'restart';

export interface Step {
  readonly kind: StepKind;
  readonly stage: Stage;
  /** Imperative, without a full stop: `set PeerAuthentication shop/default to STRICT`. */
  readonly title: string;
  readonly writes: readonly Write[];
  readonly until?: Until;
  readonly watch?: Watch;
  readonly proof?: Proof;
  /** Brings back what stood before the step. Harmless where the step never happened. */
  readonly undo: { readonly writes: readonly Write[]; readonly until?: Until };
}

/** Workloads that the rollout does not touch, and why; they are named in every report. */
export interface LeftOut {
  readonly workload: ObjectRef;
  readonly reason: string;
  /** True: the user left it out. False: nothing can be done for it, so the namespace as a whole is not proven. */
  readonly byChoice: boolean;
}

export interface Plan {
  readonly namespace: string;
  /** Empty: the whole namespace. Otherwise `Kind/NAME` of the workloads that were asked for. */
  readonly workloads: readonly string[];
  readonly until: Stage;
  readonly maxErrors: MaxErrors;
  readonly steps: readonly Step[];
  readonly leftOut: readonly LeftOut[];
}

/** One step on the way back. */
export interface BackStep {
  readonly title: string;
  readonly writes: readonly Write[];
  readonly until?: Until;
}

/**
 * The way back from step `reached` (begun, perhaps not finished): newest policy first, so that no proxy is left with a
 * policy that its neighbours cannot meet; then the injection label; then the pods, which come back without a sidecar
 * because the label is gone.
 */
export function wayBack(plan: Plan, reached: number): readonly BackStep[] {
  const begun = plan.steps.slice(0, reached + 1).toReversed();
  const order: readonly StepKind[] = ['policy', 'label', 'restart'];
  return order.flatMap((kind) =>
    begun
      .filter((step) => step.kind === kind && step.undo.writes.length > 0)
      .map(({ title, undo }) => ({ title: `take back: ${title}`, ...undo })),
  );
}
