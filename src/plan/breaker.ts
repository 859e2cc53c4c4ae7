/** What STRICT would break, as a plan tells it: one thing, the resource that shows it, and what to do about it. */
import type { KubeObject, ObjectRef } from '../istio/kubernetes.ts';
import type { Fix } from '../mesh/findings/finding.ts';
import type { Mesh } from '../mesh/mesh.ts';
import type { Origin } from '../mesh/snapshot.ts';
import type { Workload } from '../mesh/workload.ts';

/** The kinds of breakers, in the order in which they are told. */
export const breakerKinds = [
  'destination-rule',
  'probe',
  'webhook',
  'api-service',
  'monitor',
  'scrape',
  'ingress',
  'exposed-service',
  'headless',
  'client-bypass',
  'job',
  'init-container',
  'host-network',
  'no-sidecar',
  'server-first',
  'excluded-port',
  'policy',
] as const;
export type BreakerKind = (typeof breakerKinds)[number];

/**
 * `breaks`: the configuration names a caller that STRICT refuses. `may-break`: it names one that may call and would then be
 * refused; observed traffic tells. `unprotected`: nothing breaks, but STRICT does not hold there.
 */
export type Certainty = 'breaks' | 'may-break' | 'unprotected';

/** A port that an exception would have to leave open. */
export interface ExceptionPort {
  readonly workload: Workload;
  readonly port: number;
}

export interface Breaker {
  readonly kind: BreakerKind;
  readonly certainty: Certainty;
  /** One sentence with names. */
  readonly message: string;
  readonly why: string;
  /** The resource that shows it, and the field where there is one. */
  readonly resource: ObjectRef;
  readonly field?: string;
  readonly origin?: Origin;
  /** The better way, which needs no exception. */
  readonly remedy: string;
  readonly fix?: Fix;
  /** Ports of the namespace that would have to stay open for it; empty where an exception is no answer. */
  readonly exceptions: readonly ExceptionPort[];
}

export interface BreakerInput {
  readonly namespace: string;
  /** As it is. */
  readonly mesh: Mesh;
  /** As it would be. */
  readonly target: Mesh;
}

/** Looks for one kind of breaker. Pure. */
export type BreakerCheck = (input: BreakerInput) => readonly Breaker[];

/** Objects of a kind, as they were read. */
export function objectsOfKind(mesh: Mesh, kind: string): readonly KubeObject[] {
  return mesh.snapshot.objects.filter(({ object }) => object.kind === kind).map(({ object }) => object);
}
