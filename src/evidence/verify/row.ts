/** One line of `padlock verify`: a workload's port with the four columns and the verdict. */
import type { Inbound } from '../../mesh/inbound.ts';
import type { CertificateFinding } from '../certificates/judge.ts';
import type { Configured } from '../envoy/inbound.ts';
import type { ForeignTlsOutcome, MutualTlsOutcome, PlaintextOutcome, ProbeRecord } from '../probe/outcome.ts';

export type Verdict = 'PROVEN' | 'FAILED' | 'INCONCLUSIVE';

/** The configured column of one pod: what its proxy has loaded, or why that is not known. */
export type ConfiguredPod =
  | { readonly pod: string; readonly configured: Configured }
  | { readonly pod: string; readonly unread: string; readonly notAllowed: boolean };

export interface VerifyRow {
  readonly namespace: string;
  /** `Deployment/httpbin`. */
  readonly workload: string;
  readonly workloadId: string;
  readonly port: number;
  readonly pods: readonly string[];
  readonly declared: Pick<
    Inbound,
    'mode' | 'scope' | 'policy' | 'captured' | 'mtls' | 'plaintext' | 'because'
  >;
  readonly configured: readonly ConfiguredPod[];
  readonly certificates: readonly (CertificateFinding & { readonly pod: string })[];
  readonly plaintext: readonly (ProbeRecord<PlaintextOutcome> & { readonly pod: string })[];
  /** TLS without a client certificate, where a probe pod was made to try it from. */
  readonly foreignTls: readonly (ProbeRecord<ForeignTlsOutcome> & { readonly pod: string })[];
  /** Absent: no such probe was possible; `mutualTlsMissing` says why. */
  readonly mutualTls?: ProbeRecord<MutualTlsOutcome>;
  readonly mutualTlsMissing?: string;
  readonly probesAllowed: boolean;
  readonly judgement: Judgement;
}

export interface Judgement {
  readonly verdict: Verdict;
  /** One sentence: what decided. */
  readonly reason: string;
  /** What to do next; absent for PROVEN. */
  readonly next?: string;
  /** Columns that contradict each other; each is a finding of its own. */
  readonly disagreements: readonly string[];
}

/** FAILED before INCONCLUSIVE before PROVEN; nothing at all is INCONCLUSIVE. */
export function worstVerdict(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.includes('FAILED')) return 'FAILED';
  return verdicts.length === 0 || verdicts.includes('INCONCLUSIVE') ? 'INCONCLUSIVE' : 'PROVEN';
}
