/** What a rollout needs to see of the mesh, as a port: `mesh-observer.ts` looks at real proxies, tests bring their own. */
import type { Plan, Proof, Until } from './plan.ts';
import type { Reading } from './traffic.ts';

export type Loading = Extract<Until, { readonly kind: 'loaded' }>;

/** A proxy that has not loaded what is declared now. */
export interface Pending {
  /** `NAMESPACE/NAME`. */
  readonly pod: string;
  /** `port 8080 is PERMISSIVE, should be STRICT`. */
  readonly detail: string;
}

export type Verdict = 'PROVEN' | 'FAILED' | 'INCONCLUSIVE';

export interface ProofRow {
  readonly workload: string;
  readonly port: number;
  readonly verdict: Verdict;
  /** What was seen, in one sentence. */
  readonly detail: string;
}

export interface ProofResult {
  /** The worst of the rows; INCONCLUSIVE where there are none. */
  readonly verdict: Verdict;
  readonly rows: readonly ProofRow[];
}

export interface Observer {
  /**
   * Begins to watch for a change that has just been written.
   * @returns a look at the proxies concerned: those that are behind still; none: every one has loaded what is declared
   */
  loading(plan: Plan, until: Loading): (signal: AbortSignal) => Promise<readonly Pending[]>;
  /** What servers carry still on configuration that was replaced; none: all of it has drained. */
  draining(plan: Plan, signal: AbortSignal): Promise<readonly Pending[]>;
  /** Reads what the proxies have recorded of live traffic; `since` is the reading from where logs are read on. */
  traffic(plan: Plan, signal: AbortSignal, since: Reading | undefined): Promise<Reading>;
  /** Probes the plan's workloads with new connections. */
  prove(plan: Plan, proof: Proof, signal: AbortSignal): Promise<ProofResult>;
}
