/** The states of an edge of the graph. Nothing is rounded up: one plaintext call among many makes the edge `mixed`. */
import type { Outcome } from '../edge.ts';

/**
 * `refused`: no call comes about, so there is nothing to lock. `unknown`: who answers, or which policy holds, was not seen,
 * or the TLS is not Istio's.
 */
export type EdgeState = 'mtls' | 'mixed' | 'plaintext' | 'unknown' | 'refused';

/** Worst first: the order in which edges are listed and drawn. */
export const edgeStates = [
  'plaintext',
  'mixed',
  'refused',
  'unknown',
  'mtls',
] as const satisfies readonly EdgeState[];

/** What is known of the calls between two ends, as bits, so that many answers are joined by `|`. */
export const seen = { mtls: 1, plaintext: 2, tls: 4, unknown: 8, refused: 16 } as const;

const bitOf = {
  mtls: seen.mtls,
  plaintext: seen.plaintext,
  tls: seen.tls,
  refused: seen.refused,
} as const satisfies Record<Outcome, number>;

export function bitOfOutcome(outcome: Outcome): number {
  return bitOf[outcome];
}

/** The state of calls with these bits; calls that are refused beside others that pass are told by `hasRefusals`. */
export function stateOf(bits: number): EdgeState {
  const passing = bits & ~seen.refused;
  if (passing === 0) return bits === 0 ? 'unknown' : 'refused';
  if ((passing & seen.plaintext) !== 0) return passing === seen.plaintext ? 'plaintext' : 'mixed';
  return passing === seen.mtls ? 'mtls' : 'unknown';
}

export function hasRefusals(bits: number): boolean {
  return (bits & seen.refused) !== 0;
}

/** True where everything is Istio mutual TLS and nothing is refused. */
export function isWhollyMtls(bits: number): boolean {
  return bits === seen.mtls;
}
