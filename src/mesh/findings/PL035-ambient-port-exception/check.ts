/**
 * PL035: port levels of a policy without a mode of its own, for ambient workloads under STRICT. istiod's conversion for ztunnel
 * leaves a DISABLE port out, and in one case drops STRICT for the whole workload.
 */
import type { AmbientDecision } from '../../../istio/ambient.ts';
import type { PeerAuthentication } from '../../../istio/peer-authentication.ts';
import { ambientMode } from '../../inbound.ts';
import type { Mesh, Read } from '../../mesh.ts';
import type { Workload } from '../../workload.ts';
import { finding } from '../check.ts';
import type { Finding } from '../finding.ts';
import { count, nameOf, workloadRefs } from '../wording.ts';

type Note = NonNullable<AmbientDecision['note']>;

export function ambientPortException(mesh: Mesh): readonly Finding[] {
  const policies = new Map(mesh.peerAuthentications.map((policy) => [nameOf(policy.ref), policy]));
  const found = new Map<Read<PeerAuthentication>, Map<Note, Workload[]>>();
  for (const workload of mesh.workloads) {
    if (workload.dataplane !== 'ambient') continue;
    const { note, workload: own } = ambientMode(mesh, workload);
    const policy = own === undefined ? undefined : policies.get(nameOf(own.ref));
    if (note === undefined || policy === undefined) continue;
    const notes = found.get(policy) ?? new Map<Note, Workload[]>();
    found.set(policy, notes);
    notes.set(note, [...(notes.get(note) ?? []), workload]);
  }
  return [...found].flatMap(([policy, notes]) =>
    [...notes].map(([note, workloads]) => oneFinding(policy, note, workloads)),
  );
}

function oneFinding(policy: Read<PeerAuthentication>, note: Note, workloads: readonly Workload[]): Finding {
  const open = note === 'whole-workload-open';
  const number = count(workloads.length, 'workload');
  return finding('PL035', policy, {
    severity: open ? 'error' : 'warning',
    message: open
      ? `${nameOf(policy.ref)} opens one port, and in ambient mode that drops STRICT for every port of ${number}.`
      : `${nameOf(policy.ref)} sets DISABLE for a port of ${number} in ambient mode, which has no effect: the port stays STRICT.`,
    field: 'spec.portLevelMtls',
    why: open
      ? 'The policy for ztunnel comes out empty, because the namespace has a policy that sets no mode: plaintext is accepted on all ports.'
      : 'Where the policy has no mode of its own, only PERMISSIVE port levels are read: the exception that is written is not there.',
    fix: {
      text: 'Write the mode of the workload into the policy as well; then its port levels count.',
      changes: [{ kind: 'merge-patch', target: policy.ref, patch: { spec: { mtls: { mode: 'STRICT' } } } }],
    },
    affected: workloadRefs(workloads),
  });
}
