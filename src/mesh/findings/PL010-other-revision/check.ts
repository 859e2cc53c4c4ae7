/**
 * PL010: the label `istio.io/rev` on an Istio resource hides it from control planes of other revisions (istiod leaves such objects
 * out when it reads its configuration), so proxies of those revisions run without it.
 */

import type { DestinationRule } from '../../../istio/destination-rule.ts';
import type { PeerAuthentication } from '../../../istio/peer-authentication.ts';
import type { Mesh, Read } from '../../mesh.ts';
import type { Workload } from '../../workload.ts';
import { finding } from '../check.ts';
import type { Finding } from '../finding.ts';
import { selectedWorkloads, workloadsIn } from '../selected-workloads.ts';
import { count, list, nameOf, verb, workloadRefs } from '../wording.ts';

const revisionLabel = 'istio.io/rev';

export function otherRevision(mesh: Mesh): readonly Finding[] {
  return [
    ...mesh.peerAuthentications.flatMap((policy) => judge(policy, reachOfPolicy(mesh, policy))),
    ...mesh.destinationRules.flatMap((rule) => judge(rule, mesh.workloads)),
  ];
}

function reachOfPolicy(mesh: Mesh, policy: PeerAuthentication): readonly Workload[] {
  if (policy.selector.labels !== undefined)
    return selectedWorkloads(mesh, policy.namespace, policy.selector.labels);
  return policy.namespace === mesh.config.rootNamespace
    ? mesh.workloads
    : workloadsIn(mesh, policy.namespace);
}

function judge(
  resource: Read<PeerAuthentication | DestinationRule>,
  reach: readonly Workload[],
): readonly Finding[] {
  const revision = resource.labels[revisionLabel];
  if (revision === undefined || revision === '') return [];
  const proxied = reach.filter(({ dataplane }) => dataplane !== 'none');
  const blind = proxied.filter((workload) => workload.revision !== revision);
  if (blind.length === 0) return [];
  const others = [...new Set(blind.map((workload) => workload.revision))].sort();
  return [
    finding('PL010', resource, {
      message: `${resource.ref.kind} ${nameOf(resource.ref)} is for revision ${revision} only, and ${blind.length} of ${count(proxied.length, 'workload')} in its reach ${verb(blind.length, 'is', 'are')} served by ${list(others)}.`,
      field: `metadata.labels.${revisionLabel}`,
      why: `Proxies of another revision never hear of it${blind.length === proxied.length ? '; here that is all of them, so it has no effect' : ', so two halves of one workload can have two modes during an upgrade'}.`,
      fix: {
        text: 'Remove the label, unless the other revisions have a resource of their own.',
        changes: [
          {
            kind: 'merge-patch',
            target: resource.ref,
            patch: { metadata: { labels: { [revisionLabel]: null } } },
          },
        ],
      },
      affected: workloadRefs(blind),
    }),
  ];
}
