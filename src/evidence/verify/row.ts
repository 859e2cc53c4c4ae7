/** One line of `padlock verify`: a workload's port with the four columns and the verdict. */
import type { Inbound } from '../../mesh/inbound.ts';
import type { CertificateFinding } from '../certificates/judge.ts';
import type { Configured } from '../envoy/inbound.ts';
import type { ForeignTlsOutcome, MutualTlsOutcome, PlaintextOutcome, ProbeRecord } from '../probe/outcome.ts';
import type { ObservedColumn } from './observed-column.ts';

export type Verdict = 'PROVEN' | 'FAILED' | 'INCONCLUSIVE';

/** The configured column of one pod: what its proxy has loaded, or why that is not known. */
export type ConfiguredPod =
  | { readonly pod: string; readonly configured: Configured }
  | {
      readonly pod: string;
      readonly unread: string;
      readonly notAllowed: boolean;
      /** The right that would allow it. */
      readonly right?: string;
    };

/** What istiod says of a pod's proxy: which kinds of configuration it has not acknowledged; `connected` to no istiod. */
export interface PodSync {
  readonly pod: string;
  readonly connected: boolean;
  readonly stale: readonly string[];
  readonly error?: string;
}

/** Something wrong with a certificate, and where it was seen: in the proxy's dump, or in a handshake with it. */
export type PodCertificateFinding = CertificateFinding & {
  readonly pod: string;
  readonly seen: 'dump' | 'handshake';
};

/** What may explain a difference between what is declared and what a proxy has loaded. */
export interface Circumstances {
  /** `EnvoyFilter shop/open`: those that select the workload and may change its inbound listener. */
  readonly envoyFilters: readonly string[];
  /** RFC 3339: when the deciding policy was last changed, where that is known. */
  readonly policyChangedAt?: string;
  /** Pods that started before that, with the time. */
  readonly olderPods: readonly { readonly pod: string; readonly startedAt: string }[];
}

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
  /** Empty where istiod was not asked or may not be. */
  readonly sync: readonly PodSync[];
  readonly circumstances: Circumstances;
  readonly observed: ObservedColumn;
  readonly certificates: readonly PodCertificateFinding[];
  readonly plaintext: readonly (ProbeRecord<PlaintextOutcome> & { readonly pod: string })[];
  /** TLS without a client certificate, and with one that nobody signed, where there is a container to try it from. */
  readonly foreignTls: readonly (ProbeRecord<ForeignTlsOutcome> & { readonly pod: string })[];
  /** Absent: no such probe was possible; `mutualTlsMissing` says why. */
  readonly mutualTls?: ProbeRecord<MutualTlsOutcome>;
  readonly mutualTlsMissing?: string;
  readonly probesAllowed: boolean;
  readonly judgement: Judgement;
}

/** Which columns contradict each other, or what else makes a column doubtful. */
export type DisagreementKind =
  | 'declared-not-configured'
  | 'envoy-filter'
  | 'pod-older-than-policy'
  | 'proxy-stale'
  | 'proxy-refused-update'
  | 'proxy-not-connected'
  | 'declared-not-proven'
  | 'configured-not-proven'
  | 'declared-not-observed'
  | 'certificate-not-served';

export interface Disagreement {
  readonly kind: DisagreementKind;
  readonly message: string;
}

export interface Judgement {
  readonly verdict: Verdict;
  /** One sentence: what decided. */
  readonly reason: string;
  /** What to do next; absent for PROVEN. */
  readonly next?: string;
  /** Each is a finding of its own, whatever the verdict rests on. */
  readonly disagreements: readonly Disagreement[];
}

/** FAILED before INCONCLUSIVE before PROVEN; nothing at all is INCONCLUSIVE. */
export function worstVerdict(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.includes('FAILED')) return 'FAILED';
  return verdicts.length === 0 || verdicts.includes('INCONCLUSIVE') ? 'INCONCLUSIVE' : 'PROVEN';
}
