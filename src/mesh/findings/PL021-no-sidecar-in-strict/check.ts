/**
 * PL021: STRICT is demanded for a workload that has no proxy to hold it. PeerAuthentication acts on proxies; a pod without one
 * takes plaintext whatever the policy says (istio.io, PeerAuthentication).
 */
import { formatRef } from '../../../istio/kubernetes.ts';
import type { Mesh } from '../../mesh.ts';
import type { Workload } from '../../workload.ts';
import { finding, related } from '../check.ts';
import type { Finding } from '../finding.ts';
import { isFinished, isInfrastructure, isMeshNamespace } from '../mesh-membership.ts';
import { sidecarFix } from '../sidecar-fix.ts';
import { type StrictDemand, strictDemand } from '../strict-demands.ts';
import { count, nameOf, workloadRef, workloadRefs } from '../wording.ts';

export function noSidecarInStrict(mesh: Mesh): readonly Finding[] {
  const outside = new Map<string, Workload[]>();
  const findings: Finding[] = [];
  for (const workload of mesh.workloads) {
    if (workload.dataplane !== 'none' || workload.hostNetwork) continue;
    if (isFinished(workload) || isInfrastructure(mesh, workload)) continue;
    const demand = strictDemand(mesh, workload);
    if (demand === undefined) continue;
    if (!demand.meshWide || isMeshNamespace(mesh, workload.namespace)) {
      findings.push(oneWorkload(mesh, workload, demand));
      continue;
    }
    const list = outside.get(workload.namespace);
    if (list === undefined) outside.set(workload.namespace, [workload]);
    else list.push(workload);
  }
  for (const [namespace, workloads] of outside) findings.push(outsideNamespace(namespace, workloads));
  return findings;
}

function oneWorkload(mesh: Mesh, workload: Workload, { policy, field }: StrictDemand): Finding {
  return finding(
    'PL021',
    { ref: workloadRef(workload), origin: workload.origin },
    {
      message: `${formatRef(workloadRef(workload))} has no sidecar, so the STRICT of ${nameOf(policy.ref)} does not protect it.`,
      why:
        workload.ports.length === 0 && workload.kind.endsWith('Job')
          ? 'It cannot call STRICT workloads: what it sends is plaintext, and they refuse it.'
          : 'It takes plaintext from anybody, and it cannot call STRICT workloads itself: what it sends is plaintext, too.',
      fix: sidecarFix(mesh, workload),
      related: [related(policy, `demands STRICT (${field})`)],
      affected: [workloadRef(workload)],
    },
  );
}

/** A namespace that nobody put into the mesh: one note, not one for each of its workloads. */
function outsideNamespace(namespace: string, workloads: readonly Workload[]): Finding {
  return finding(
    'PL021',
    { ref: { kind: 'Namespace', name: namespace } },
    {
      severity: 'info',
      message: `Namespace ${namespace} is outside the mesh: STRICT for the mesh does not protect its ${count(workloads.length, 'workload')}.`,
      why: 'Its workloads take plaintext, and STRICT workloads refuse what they send.',
      fix: {
        text: 'If it belongs to the mesh, label it for injection and restart its workloads.',
        changes: [],
      },
      affected: workloadRefs(workloads),
    },
  );
}
