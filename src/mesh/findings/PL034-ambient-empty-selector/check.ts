/**
 * PL034: `selector: {}` where workloads are in ambient mode. To a sidecar it is no selector; istiod's conversion for ztunnel counts it as one, so from the
 * root namespace the policy reaches no ambient workload.
 */
import type { PeerAuthentication } from '../../../istio/peer-authentication.ts';
import type { Mesh, Read } from '../../mesh.ts';
import type { Workload } from '../../workload.ts';
import { finding } from '../check.ts';
import type { Finding } from '../finding.ts';
import { workloadsIn } from '../selected-workloads.ts';
import { count, nameOf, workloadRefs } from '../wording.ts';

export function ambientEmptySelector(mesh: Mesh): readonly Finding[] {
  const root = mesh.config.rootNamespace;
  return mesh.peerAuthentications.flatMap((policy) => {
    if (!policy.selector.present || policy.selector.labels !== undefined || policy.mode === 'UNSET')
      return [];
    const inRoot = policy.namespace === root;
    const reach = inRoot ? mesh.workloads : workloadsIn(mesh, policy.namespace);
    const ambient = reach.filter(({ dataplane }) => dataplane === 'ambient');
    return ambient.length === 0 ? [] : [oneFinding(policy, ambient, inRoot)];
  });
}

function oneFinding(
  policy: Read<PeerAuthentication>,
  ambient: readonly Workload[],
  inRoot: boolean,
): Finding {
  return finding('PL034', policy, {
    severity: inRoot && policy.mode === 'STRICT' ? 'error' : 'warning',
    message: `${nameOf(policy.ref)} has an empty selector, which ${inRoot ? `reaches none of ${count(ambient.length, 'workload')}` : `counts differently for ${count(ambient.length, 'workload')}`} in ambient mode.`,
    field: 'spec.selector',
    why: inRoot
      ? `For sidecars it means the whole mesh; ztunnel never hears of it: ${policy.mode} holds for sidecars only.`
      : 'For sidecars it is the policy of the namespace; for ztunnel it is one of a workload, and port levels of other policies are worked out against the wrong base.',
    fix: {
      text: 'Remove the selector: both data planes then read it alike.',
      changes: [{ kind: 'merge-patch', target: policy.ref, patch: { spec: { selector: null } } }],
    },
    affected: workloadRefs(ambient),
  });
}
