/** An observer for the rollout's tests: everything is as wanted, until it is told otherwise. */
import type { Observer, ProofResult } from '../observer.ts';
import type { PodReading, Reading } from '../traffic.ts';

export function proofOf(verdict: ProofResult['verdict']): ProofResult {
  return { verdict, rows: [{ workload: 'Deployment/cart', port: 8080, verdict, detail: 'as told' }] };
}

export function readingOf(at: number, pod: Partial<PodReading> = {}): Reading {
  const whole: PodReading = {
    server: 'Deployment/cart',
    ready: true,
    tallies: {},
    plaintext: {},
    open: 0,
    senders: [],
    logged: undefined,
    ...pod,
  };
  return { at, pods: new Map([['shop/cart-0', whole]]), unseen: [] };
}

export const seesAll: Observer = {
  loading: () => async () => [],
  draining: async () => [],
  traffic: async () => readingOf(0),
  prove: async () => proofOf('PROVEN'),
};
