/** PL033: DISABLE for workloads in ambient mode. ztunnel always takes mutual TLS between ambient workloads; DISABLE only lets plaintext in, like PERMISSIVE. */
import type { Mesh } from '../../mesh.ts';
import { finding } from '../check.ts';
import { declaredExceptions } from '../declared-exceptions.ts';
import type { Finding, Json } from '../finding.ts';
import { count, nameOf, workloadRefs } from '../wording.ts';

export function ambientDisable(mesh: Mesh): readonly Finding[] {
  return declaredExceptions(mesh, 'DISABLE').flatMap(({ policy, port, field, workloads }) => {
    const ambient = workloads.filter(({ dataplane }) => dataplane === 'ambient');
    if (ambient.length === 0) return [];
    const patch: Json =
      port === undefined
        ? { spec: { mtls: { mode: 'PERMISSIVE' } } }
        : { spec: { portLevelMtls: { [String(port)]: { mode: 'PERMISSIVE' } } } };
    return [
      finding('PL033', policy, {
        message: `${nameOf(policy.ref)} says DISABLE for ${count(ambient.length, 'workload')} in ambient mode, where it means PERMISSIVE.`,
        field,
        why: 'Ambient mode cannot be told to refuse mutual TLS: ambient callers still use it, and plaintext is let in as well.',
        fix: {
          text: 'Say PERMISSIVE, which is what happens, if no workload with a sidecar needs DISABLE.',
          changes: [{ kind: 'merge-patch', target: policy.ref, patch }],
        },
        affected: workloadRefs(ambient),
      }),
    ];
  });
}
