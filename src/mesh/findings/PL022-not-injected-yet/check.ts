/**
 * PL022: pods without a sidecar that a new pod would get: they were started before the labels, or while the webhook was away.
 * Injection happens when a pod is created and never later (istio.io, "Installing the Sidecar").
 */
import { formatRef } from '../../../istio/kubernetes.ts';
import type { Mesh } from '../../mesh.ts';
import { finding } from '../check.ts';
import type { Finding } from '../finding.ts';
import { injectionOf, isFinished } from '../mesh-membership.ts';
import { strictDemand } from '../strict-demands.ts';
import { restart } from '../template-patch.ts';
import { count, workloadRef } from '../wording.ts';

export function notInjectedYet(mesh: Mesh): readonly Finding[] {
  return mesh.workloads.flatMap((workload) => {
    if (workload.from !== 'pods' || workload.dataplane !== 'none' || isFinished(workload)) return [];
    const injection = injectionOf(mesh, workload);
    if (!injection.injected) return [];
    const ref = workloadRef(workload);
    const controller = workload.kind !== 'Pod';
    return [
      finding(
        'PL022',
        { ref, origin: workload.pods[0]?.origin ?? workload.origin },
        {
          severity: strictDemand(mesh, workload) === undefined ? 'warning' : 'error',
          message: `${formatRef(ref)} runs ${count(workload.pods.length, 'pod')} without a sidecar, although ${injection.cause === 'pod-label' || injection.cause === 'pod-revision' ? 'its labels ask' : `the labels of namespace ${workload.namespace} ask`} for one.`,
          why: 'A running pod never gets a sidecar: these were started before the labels were set, or while the injector was not there. They send and take plaintext.',
          fix: {
            text: controller
              ? 'Restart it: new pods get a sidecar.'
              : 'Create the pod again: a new pod gets a sidecar, a running one never does.',
            changes: restart(workload),
          },
          affected: [ref],
        },
      ),
    ];
  });
}
