/** PL026: a pod on the host network in a namespace of the mesh. Istio never injects such pods, and ambient mode leaves them out. */
import { formatRef } from '../../../istio/kubernetes.ts';
import type { Mesh } from '../../mesh.ts';
import { finding, related } from '../check.ts';
import type { Finding } from '../finding.ts';
import { isFinished, isInfrastructure, isMeshNamespace } from '../mesh-membership.ts';
import { servicesOf } from '../services-of.ts';
import { strictDemand } from '../strict-demands.ts';
import { podField } from '../template-patch.ts';
import { workloadRef } from '../wording.ts';

export function hostNetwork(mesh: Mesh): readonly Finding[] {
  return mesh.workloads.flatMap((workload) => {
    if (!workload.hostNetwork || isFinished(workload) || isInfrastructure(mesh, workload)) return [];
    if (!isMeshNamespace(mesh, workload.namespace)) return [];
    const demand = strictDemand(mesh, workload);
    const services = [...new Set(servicesOf(mesh, workload).map(({ service }) => service))];
    const ref = workloadRef(workload);
    return [
      finding(
        'PL026',
        { ref, origin: workload.pods[0]?.origin ?? workload.origin },
        {
          severity: demand === undefined ? 'warning' : 'error',
          message: `${formatRef(ref)} runs on the host network, so it has no sidecar although namespace ${workload.namespace} is in the mesh.`,
          field: podField(workload, 'spec.hostNetwork'),
          why: `It sends plaintext, which STRICT workloads refuse, from its node's address${
            services.length > 0
              ? `, and it takes plaintext${demand === undefined ? '' : ' although STRICT is written for it'}`
              : ''
          }.`,
          fix: {
            text: 'Take it off the host network if it does not need it; else give what it calls a port-level exception, and keep it in a namespace of its own.',
            changes: [],
          },
          related: demand === undefined ? [] : [related(demand.policy, 'demands STRICT for it')],
          affected: [ref],
        },
      ),
    ];
  });
}
