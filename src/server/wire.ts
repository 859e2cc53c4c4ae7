/** What the server and the page tell each other: types only, so that the page may import them. */

import type { Verdict } from '../evidence/verify/row.ts';
import type { Severity } from '../mesh/findings/finding.ts';
import type { ObservedCall } from '../mesh/graph/observed.ts';
import type { LiveLine, LiveProof, LiveWindow } from '../rollout/live.ts';

export type { LiveSenders, LiveWindow } from '../rollout/live.ts';

export interface DashboardState {
  readonly version: string;
  /** Another one after each start of the server: what the page knew before is stale. */
  readonly boot: string;
  /** `context NAME`, or the files' names. */
  readonly source: string;
  readonly live: boolean;
  /** The namespaces that were asked about; absent: all. */
  readonly namespaces?: readonly string[];
  readonly allowChanges: boolean;
  readonly revision: number;
  /** RFC 3339; absent for manifests. */
  readonly takenAt?: string;
  /** What the last look at the cluster failed with. */
  readonly problem?: string;
}

/** Something happened; told by server-sent events. `at` is RFC 3339. */
export type DashboardEvent =
  /** What was read has changed; the page reads it anew. */
  | { readonly kind: 'snapshot'; readonly at: string; readonly revision: number }
  | {
      readonly kind: 'policy';
      readonly at: string;
      readonly change: 'added' | 'changed' | 'removed';
      /** `PeerAuthentication shop/default`. */
      readonly resource: string;
      readonly namespace: string;
      /** What it says now: `STRICT`. */
      readonly says: string;
    }
  | {
      readonly kind: 'refused';
      readonly at: string;
      readonly namespace: string;
      /** The server. */
      readonly pod: string;
      readonly port?: number;
      /** The sender: `legacy/batch-7d4` where its address is a pod's, else the address. */
      readonly sender: string;
      readonly text: string;
    }
  /** Whatever else decides about mutual TLS: workloads with and without sidecars, namespaces, Services, the mesh config. */
  | {
      readonly kind: 'mesh';
      readonly at: string;
      readonly change: 'added' | 'changed' | 'removed';
      readonly resource: string;
      readonly namespace: string;
      readonly says: string;
    }
  | { readonly kind: 'rollout'; readonly at: string; readonly namespace: string; readonly says: string }
  | {
      readonly kind: 'connection';
      readonly at: string;
      readonly state: 'live' | 'polling' | 'lost';
      readonly says: string;
    };

/** Whose refusals are told, and whose cannot be. */
export interface RefusalsView {
  /** Running sidecars of what is looked at; absent before the first look. */
  readonly proxies?: number;
  /** Each one's access log is read about so often. */
  readonly everySeconds: number;
  readonly forbidden: readonly { readonly namespace: string; readonly why: string }[];
  /** Logs that could not be read, wholly or in part. */
  readonly failed: readonly { readonly pod: string; readonly why: string }[];
  /** Proxies that do not log what they refuse. */
  readonly silent: readonly string[];
}

export interface FindingView {
  readonly code: string;
  readonly severity: Severity;
  readonly title: string;
  readonly message: string;
  readonly resource: string;
  readonly namespace: string;
  /** `file:line`, for manifests. */
  readonly place?: string;
  readonly why: string;
  readonly fix: string;
  /** Commands or YAML to paste. */
  readonly changes: readonly { readonly language: 'sh' | 'yaml'; readonly text: string }[];
  readonly affected: readonly string[];
}

export interface FindingsView {
  readonly revision: number;
  readonly findings: readonly FindingView[];
  readonly suppressed: number;
}

export interface ObservedView {
  /** RFC 3339. */
  readonly from: string;
  readonly to: string;
  readonly calls: readonly ObservedCall[];
  /** What was looked at: `access log: 12 of 12 proxies`. */
  readonly sources: readonly string[];
  /** What could not be looked at, and why. */
  readonly unseen: readonly string[];
}

export interface CertificateView {
  readonly namespace: string;
  readonly workload: string;
  readonly pod: string;
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly renewalDue: string;
  readonly issuer: string;
  readonly key: string;
  readonly problems: readonly { readonly severity: string; readonly text: string }[];
}

export interface CertificatesView {
  readonly takenAt: string;
  readonly certificates: readonly CertificateView[];
  readonly roots: readonly {
    readonly subject: string;
    readonly from: string;
    readonly to: string;
    readonly fingerprint: string;
    readonly pods: number;
  }[];
  readonly findings: readonly string[];
  readonly unread: readonly { readonly pod: string; readonly why: string }[];
}

/** One of the four words about a port: what it says, and what that rests on. */
export interface ColumnView {
  /** `STRICT`, `not allowed to look`, `plaintext refused, mutual TLS accepted`. */
  readonly says: string;
  readonly notes: readonly string[];
}

export interface ProofRowView {
  readonly port: number;
  readonly verdict: Verdict;
  readonly reason: string;
  readonly next?: string;
  readonly disagreements: readonly string[];
  readonly columns: Readonly<Record<'declared' | 'configured' | 'observed' | 'proven', ColumnView>>;
}

/** One workload, looked at and probed on demand. */
export interface WorkloadProofView {
  /** RFC 3339. */
  readonly at: string;
  readonly verdict: Verdict;
  readonly rows: readonly ProofRowView[];
  readonly certificates: readonly CertificateView[];
  /** Proxies whose certificates could not be read, and why. */
  readonly unread: readonly { readonly pod: string; readonly why: string }[];
  readonly limits: readonly string[];
}

export interface RolloutStepView {
  readonly title: string;
  readonly stage: string;
  readonly state: 'done' | 'now' | 'next' | 'undone';
  /** What it does, waits for and proves, in words. */
  readonly writes: readonly string[];
  readonly waitsFor?: string;
  readonly watches?: string;
  readonly proves?: string;
  /** What was measured of live traffic in it. */
  readonly window?: LiveWindow;
}

export interface RolloutView {
  readonly namespace: string;
  readonly savedAt: string;
  readonly status: string;
  readonly direction: 'forward' | 'back';
  readonly phase: string;
  readonly reason?: string;
  readonly until: string;
  /** How many requests may fail, or be sent in plaintext, in one window: `0`, `0.1%`. */
  readonly maxErrors: string;
  readonly steps: readonly RolloutStepView[];
  readonly unrestored: readonly string[];
  readonly leftOut: readonly string[];
  /** Who holds the Lease now; absent: nobody drives it. */
  readonly driver?: string;
  /** This dashboard drives it: pause works at once. */
  readonly drivenHere: boolean;
  /** What was done when, and by whom; oldest first. */
  readonly journal: readonly { readonly at: string; readonly by: string; readonly what: string }[];
  /** What whoever drives told last; absent where nobody does. */
  readonly now?: { readonly at: string; readonly detail?: string };
  /** What was measured on the way back. */
  readonly backWindows: readonly LiveWindow[];
  readonly proof?: LiveProof;
  /** The newest lines of the run, wherever it is driven. */
  readonly lines: readonly LiveLine[];
  /** What this dashboard did about it, and what went wrong with that. */
  readonly notes: readonly string[];
}

export interface RolloutsView {
  readonly rollouts: readonly RolloutView[];
  /** Namespaces whose record could not be read, and why. */
  readonly problems: readonly string[];
}

export type RolloutAction = 'pause' | 'resume' | 'abort';

/** The body of every refusal. */
export interface ErrorView {
  readonly error: string;
  readonly hint?: string;
}
