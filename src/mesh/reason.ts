/** One step in the chain that led to an answer. Every answer of mesh/ carries its chain, beaten policies included. */
import type { ObjectRef } from '../istio/kubernetes.ts';
import type { Origin } from './snapshot.ts';

export interface Reason {
  /** A sentence for people, without a full stop. */
  readonly text: string;
  /** What decided, when an object did; a default has none. */
  readonly resource?: ObjectRef;
  /** The field that decided, as a path from the object's root: `spec.mtls.mode`. */
  readonly field?: string;
  /** The field's value: `STRICT`. */
  readonly value?: string;
  /** The resource was considered and did not count: another one won, or its place makes it void. */
  readonly beaten?: true;
  readonly origin?: Origin;
}
