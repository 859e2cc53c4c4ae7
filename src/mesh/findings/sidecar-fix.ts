/** How a workload comes to a sidecar. */
import type { Mesh } from '../mesh.ts';
import type { Workload } from '../workload.ts';
import type { Fix } from './finding.ts';
import { injectionOf } from './mesh-membership.ts';
import { patchTemplate, restart } from './template-patch.ts';

/** A Job is done when its containers have ended, and an ordinary sidecar does not end. */
const jobNote =
  ' Its pods end only with native sidecars (ENABLE_NATIVE_SIDECARS of istiod, Kubernetes 1.29 or newer); without them the Job hangs.';

/** The change that gives a workload's new pods a sidecar, by what keeps it away now. */
export function sidecarFix(mesh: Mesh, workload: Workload): Fix {
  const fix = fixByCause(mesh, workload);
  return workload.kind === 'Job' || workload.kind === 'CronJob'
    ? { ...fix, text: `${fix.text}${jobNote}` }
    : fix;
}

function fixByCause(mesh: Mesh, workload: Workload): Fix {
  const injection = injectionOf(mesh, workload);
  if (injection.injected) {
    return {
      text: 'Restart it: a new pod gets a sidecar.',
      changes: restart(workload),
    };
  }
  if (injection.cause === 'pod-annotation-false' || injection.cause === 'pod-label-false') {
    const place = injection.cause === 'pod-label-false' ? 'labels' : 'annotations';
    return {
      text: 'Remove the opt-out of injection from the pod template; new pods get a sidecar.',
      changes: patchTemplate(workload, { [place]: { 'sidecar.istio.io/inject': null } }),
    };
  }
  if (injection.cause === 'namespace-disabled') {
    return {
      text: `Namespace ${workload.namespace} turns injection off; label it istio-injection=enabled and restart its workloads.`,
      changes: [],
    };
  }
  return {
    text: 'Ask for a sidecar with a label on the pod template, or label the namespace for injection.',
    changes: patchTemplate(workload, { labels: { 'sidecar.istio.io/inject': 'true' } }),
  };
}
