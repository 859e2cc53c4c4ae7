/** Who needs plaintext to be accepted: workloads that were read and have no proxy to speak mutual TLS for them. */
import { formatRef, type ObjectRef } from '../../istio/kubernetes.ts';
import type { Mesh } from '../mesh.ts';
import { list, workloadRefs } from './wording.ts';

const known = new WeakMap<Mesh, readonly ObjectRef[]>();

/** Workloads without a proxy, sorted; the control plane is none: it calls nobody's application. */
export function callersOutside(mesh: Mesh): readonly ObjectRef[] {
  let refs = known.get(mesh);
  if (refs === undefined) {
    refs = workloadRefs(
      mesh.workloads.filter((one) => one.dataplane === 'none' && one.labels.app !== 'istiod'),
    );
    known.set(mesh, refs);
  }
  return refs;
}

/** A sentence about them, for a `why`; those of the namespace come first, the platform's own last. */
export function callersOutsideSentence(mesh: Mesh, namespace: string): string {
  const distance = (ref: ObjectRef): number =>
    ref.namespace === namespace
      ? 0
      : ref.namespace === mesh.config.rootNamespace || ref.namespace?.startsWith('kube-') === true
        ? 2
        : 1;
  const refs = callersOutside(mesh).toSorted((a, b) => distance(a) - distance(b));
  if (refs.length === 0)
    return 'No workload that was read needs it: each has a proxy that speaks mutual TLS.';
  return `What has no proxy may rely on it: ${list(refs.map(formatRef))}, and whatever calls from outside.`;
}
