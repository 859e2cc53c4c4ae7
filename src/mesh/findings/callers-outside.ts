/** Who needs plaintext to be accepted: workloads that were read and have no proxy to speak mutual TLS for them. */
import { formatRef, type ObjectRef } from '../../istio/kubernetes.ts';
import type { Mesh } from '../mesh.ts';
import { count, list, workloadRefs } from './wording.ts';

const known = new WeakMap<Mesh, readonly ObjectRef[]>();

/** Workloads without a proxy, sorted. */
export function callersOutside(mesh: Mesh): readonly ObjectRef[] {
  let refs = known.get(mesh);
  if (refs === undefined) {
    refs = workloadRefs(mesh.workloads.filter(({ dataplane }) => dataplane === 'none'));
    known.set(mesh, refs);
  }
  return refs;
}

/** A sentence about them, for a `why`. */
export function callersOutsideSentence(mesh: Mesh): string {
  const refs = callersOutside(mesh);
  if (refs.length === 0)
    return 'No workload that was read needs it: each has a proxy that speaks mutual TLS.';
  return `It serves callers without a proxy: ${list(refs.map(formatRef))} (${count(refs.length, 'workload')}), and whatever calls from outside.`;
}
