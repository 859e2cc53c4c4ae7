/**
 * PL005: `portLevelMtls` without a selector. The CRD and the webhook refuse it (istio.io, PeerAuthentication); an object that
 * came in past them is taken, and its port levels are ignored.
 */
import type { PeerAuthentication } from '../../../istio/peer-authentication.ts';
import { portsOf } from '../../inbound.ts';
import type { Mesh, Read } from '../../mesh.ts';
import type { Workload } from '../../workload.ts';
import { finding } from '../check.ts';
import type { Finding, FixChange } from '../finding.ts';
import { workloadsIn } from '../selected-workloads.ts';
import { count, list, nameOf, verb, workloadRefs } from '../wording.ts';
import { workloadSelectorLabels } from '../workload-labels.ts';

/** More workloads than this need a label of their own, which only a person can choose. */
const mostWorkloads = 3;

export function portLevelWithoutSelector(mesh: Mesh): readonly Finding[] {
  return mesh.peerAuthentications
    .filter((policy) => policy.portLevel.size > 0 && policy.selector.labels === undefined)
    .map((policy) => oneFinding(mesh, policy));
}

function oneFinding(mesh: Mesh, policy: Read<PeerAuthentication>): Finding {
  const ports = [...policy.portLevel.keys()];
  const inRoot = policy.namespace === mesh.config.rootNamespace;
  const listening = inRoot
    ? []
    : workloadsIn(mesh, policy.namespace).filter((workload) =>
        portsOf(mesh, workload).some((port) => policy.portLevel.has(port)),
      );
  return finding('PL005', policy, {
    message: `${nameOf(policy.ref)} sets a mode for ${ports.length === 1 ? 'port' : 'ports'} ${list(ports.map(String))} without selecting workloads, so these modes have no effect.`,
    field: 'spec.portLevelMtls',
    why: `Istio reads portLevelMtls from policies with a selector only${
      listening.length === 0
        ? ''
        : `: ${count(listening.length, 'workload')} with such a port ${verb(listening.length, 'keeps', 'keep')} the mode of the namespace`
    }.`,
    fix: {
      text:
        listening.length > 0 && listening.length <= mostWorkloads
          ? `Remove portLevelMtls here and give ${list(listening.map((workload) => workload.name))} a policy of its own.`
          : 'Remove portLevelMtls here, and write a policy with a selector for the workloads that are meant.',
      changes: [
        { kind: 'merge-patch', target: policy.ref, patch: { spec: { portLevelMtls: null } } },
        ...(listening.length <= mostWorkloads
          ? listening.map((workload) => ownPolicy(policy, workload))
          : []),
      ],
    },
    affected: workloadRefs(listening),
  });
}

/** A policy for one workload, by the label that most charts and samples select by. */
function ownPolicy(policy: PeerAuthentication, workload: Workload): FixChange {
  const ports = [...policy.portLevel].map(([port, mode]) => [String(port), { mode }] as const);
  return {
    kind: 'apply',
    manifest: {
      apiVersion: 'security.istio.io/v1',
      kind: 'PeerAuthentication',
      metadata: { name: `${policy.name}-${workload.name}`, namespace: workload.namespace },
      spec: {
        selector: { matchLabels: workloadSelectorLabels(workload) },
        portLevelMtls: Object.fromEntries(ports),
      },
    },
  };
}
