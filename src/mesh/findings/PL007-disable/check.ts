/** PL007: a policy that says DISABLE and counts: its workloads take no mutual TLS at all (istio.io, PeerAuthentication modes). */
import type { Mesh } from '../../mesh.ts';
import { callersOutsideSentence } from '../callers-outside.ts';
import { finding } from '../check.ts';
import { type DeclaredException, declaredExceptions, exceptionReach } from '../declared-exceptions.ts';
import type { Finding, Json } from '../finding.ts';
import { nameOf, workloadRefs } from '../wording.ts';

export function disable(mesh: Mesh): readonly Finding[] {
  return declaredExceptions(mesh, 'DISABLE').flatMap((exception) => {
    // Ambient has no DISABLE: there it means PERMISSIVE, which PL033 tells.
    const workloads = exception.workloads.filter(({ dataplane }) => dataplane === 'sidecar');
    return workloads.length === 0 ? [] : [oneFinding(mesh, { ...exception, workloads })];
  });
}

function oneFinding(mesh: Mesh, exception: DeclaredException): Finding {
  const { policy, port, field, workloads, scope } = exception;
  const whole = scope === 'mesh' || scope === 'namespace';
  const patch: Json =
    port === undefined
      ? { spec: { mtls: { mode: 'PERMISSIVE' } } }
      : { spec: { portLevelMtls: { [String(port)]: { mode: 'PERMISSIVE' } } } };
  return finding('PL007', policy, {
    message: `${nameOf(policy.ref)} turns mutual TLS off (DISABLE) for ${exceptionReach(exception)}.`,
    field,
    why: `Every request there is plaintext, also between sidecars${
      whole ? ', and clients send plaintext to a STRICT workload of the namespace too' : ''
    }. ${callersOutsideSentence(mesh, policy.namespace)}`,
    fix: {
      text: 'Let it take both (PERMISSIVE) as a first step to STRICT; `padlock secure` leaves DISABLE without losing requests.',
      changes: [{ kind: 'merge-patch', target: policy.ref, patch }],
    },
    affected: workloadRefs(workloads),
  });
}
