/** What a rollout needs to see of the mesh, as a port: `mesh-observer.ts` looks at real proxies, tests bring their own. */
import type { Plan, Proof } from './plan.ts';

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
  /** Proxies that the namespace's policies concern and that are behind. Empty: every one has loaded what is declared. */
  pending(plan: Plan, signal: AbortSignal): Promise<readonly Pending[]>;
  /** Probes the plan's workloads with new connections. */
  prove(plan: Plan, proof: Proof, signal: AbortSignal): Promise<ProofResult>;
}
