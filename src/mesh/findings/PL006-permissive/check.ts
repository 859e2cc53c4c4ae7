/** PL006: a policy that says PERMISSIVE and counts: its workloads take plaintext from anybody (istio.io, PeerAuthentication modes). */
import type { Mesh } from '../../mesh.ts';
import { callersOutsideSentence } from '../callers-outside.ts';
import { finding } from '../check.ts';
import { type DeclaredException, declaredExceptions, exceptionReach } from '../declared-exceptions.ts';
import type { Finding, Json } from '../finding.ts';
import { nameOf, workloadRefs } from '../wording.ts';

export function permissive(mesh: Mesh): readonly Finding[] {
  return declaredExceptions(mesh, 'PERMISSIVE').map((exception) => oneFinding(mesh, exception));
}

function oneFinding(mesh: Mesh, exception: DeclaredException): Finding {
  const { policy, port, field, workloads } = exception;
  const patch: Json =
    port === undefined
      ? { spec: { mtls: { mode: 'STRICT' } } }
      : { spec: { portLevelMtls: { [String(port)]: { mode: 'STRICT' } } } };
  return finding('PL006', policy, {
    message: `${nameOf(policy.ref)} makes ${exceptionReach(exception)} accept plaintext (PERMISSIVE).`,
    field,
    why: `Whoever reaches the pods can talk to them without an identity, and what is sent can be read on the way. ${callersOutsideSentence(mesh, policy.namespace)}`,
    fix: {
      text: 'Set STRICT once `padlock plan` finds nobody who still sends plaintext.',
      changes: [{ kind: 'merge-patch', target: policy.ref, patch }],
    },
    affected: workloadRefs(workloads),
  });
}
