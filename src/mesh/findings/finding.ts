/** What a check says: one finding, with everything a person needs to judge it and to mend it. */
import type { ObjectRef } from '../../istio/kubernetes.ts';
import type { Origin } from '../snapshot.ts';
import type { FindingCode } from './codes.ts';

/**
 * error: requests fail, or something that is written as protection does not protect.
 * warning: plaintext is accepted or sent, or an answer rests on luck. info: worth knowing, nothing is broken.
 */
export type Severity = 'error' | 'warning' | 'info';

/** Worst first: the order in which findings are printed. */
export const severities = ['error', 'warning', 'info'] as const satisfies readonly Severity[];

/** JSON as it stands in a patch or a manifest; `null` in a merge patch removes a field (RFC 7386). */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** One operation of a JSON patch (RFC 6902), the subset that fixes need. */
export type JsonPatchOperation =
  | { readonly op: 'add' | 'replace' | 'test'; readonly path: string; readonly value: Json }
  | { readonly op: 'remove'; readonly path: string };

/** The smallest change that mends a finding, as data: printed as a kubectl command or as YAML, never carried out here. */
export type FixChange =
  | { readonly kind: 'merge-patch'; readonly target: ObjectRef; readonly patch: Json }
  /** For one element of a list, which a merge patch could only replace whole. */
  | {
      readonly kind: 'json-patch';
      readonly target: ObjectRef;
      readonly operations: readonly JsonPatchOperation[];
    }
  | { readonly kind: 'apply'; readonly manifest: Json }
  | { readonly kind: 'delete'; readonly target: ObjectRef }
  /** New pods: `kubectl rollout restart`, or deleting a pod that a controller makes again. */
  | { readonly kind: 'restart'; readonly target: ObjectRef };

export interface Fix {
  /** One sentence in the imperative: what the changes do. */
  readonly text: string;
  /** In order; empty where only a person can decide, or where the thing to change is no Kubernetes resource. */
  readonly changes: readonly FixChange[];
}

/** Another resource that takes part, and the part it takes: "the older policy that is used instead". */
export interface Related {
  readonly resource: ObjectRef;
  readonly origin?: Origin;
  readonly role: string;
}

export interface Finding {
  readonly code: FindingCode;
  readonly severity: Severity;
  /** One sentence: what is so, with names. */
  readonly message: string;
  readonly resource: ObjectRef;
  /** Where the resource was read from; absent for what is missing (a namespace without any policy). */
  readonly origin?: Origin;
  /** The field the message is about, from the object's root: `spec.portLevelMtls.8000.mode`; absent for the whole resource. */
  readonly field?: string;
  /** One or two sentences: what follows from it for people who run or attack the mesh. */
  readonly why: string;
  readonly fix: Fix;
  readonly related: readonly Related[];
  /** Workloads that feel it, sorted: `Deployment shop/cart`. */
  readonly affected: readonly ObjectRef[];
}
