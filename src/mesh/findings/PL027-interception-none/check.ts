/**
 * PL027: `sidecar.istio.io/interceptionMode: NONE`: the pod's traffic is not redirected, so the sidecar has no inbound listener of its own
 * and no policy holds, unless a Sidecar resource names ingress listeners.
 */
import { captureAnnotations } from '../../../istio/capture.ts';
import { formatRef } from '../../../istio/kubernetes.ts';
import { inbound, portsOf } from '../../inbound.ts';
import type { Mesh } from '../../mesh.ts';
import { finding } from '../check.ts';
import type { Finding } from '../finding.ts';
import { strictDemand } from '../strict-demands.ts';
import { patchTemplate, podField } from '../template-patch.ts';
import { nameOf, workloadRef } from '../wording.ts';

const annotation = captureAnnotations.interception;

export function interceptionNone(mesh: Mesh): readonly Finding[] {
  return mesh.workloads.flatMap((workload) => {
    if (workload.annotations[annotation] !== 'NONE' || workload.dataplane !== 'sidecar') return [];
    // A Sidecar resource with ingress listeners opens them all the same.
    if (portsOf(mesh, workload).some((port) => inbound(mesh, workload, port).captured)) return [];
    const demand = strictDemand(mesh, workload);
    const ref = workloadRef(workload);
    return [
      finding(
        'PL027',
        { ref, origin: workload.pods[0]?.origin ?? workload.origin },
        {
          severity: demand === undefined ? 'warning' : 'error',
          message: `${formatRef(ref)} has a sidecar that intercepts nothing (interceptionMode NONE).`,
          field: podField(workload, `metadata.annotations.${annotation}`),
          why: `Connections reach the application directly and leave it directly${
            demand === undefined ? '' : `: the STRICT of ${nameOf(demand.policy.ref)} does not hold here`
          }.`,
          fix: {
            text: 'Remove the annotation: the default, REDIRECT, sends all traffic through the sidecar.',
            changes: patchTemplate(workload, { annotations: { [annotation]: null } }),
          },
          affected: [ref],
        },
      ),
    ];
  });
}
