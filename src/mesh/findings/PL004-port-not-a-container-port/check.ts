/**
 * PL004: `portLevelMtls` with a port on which no selected workload listens. The key is the workload's (container) port; people write
 * the Service's (istio.io, PeerAuthentication: "workload port, not the service port").
 */
import type { DeclaredMode, PeerAuthentication } from '../../../istio/peer-authentication.ts';
import type { Mesh, Read } from '../../mesh.ts';
import type { Workload } from '../../workload.ts';
import { finding, related } from '../check.ts';
import type { Finding } from '../finding.ts';
import { selectedWorkloads } from '../selected-workloads.ts';
import { type ServedPort, servicesOf } from '../services-of.ts';
import { count, list, nameOf, workloadRefs } from '../wording.ts';

export function portNotAContainerPort(mesh: Mesh): readonly Finding[] {
  return mesh.peerAuthentications.flatMap((policy) => {
    const labels = policy.selector.labels;
    if (labels === undefined || policy.namespace === mesh.config.rootNamespace) return [];
    const workloads = selectedWorkloads(mesh, policy.namespace, labels);
    if (workloads.length === 0) return [];
    return [...policy.portLevel].flatMap(([port, mode]) => onePort(mesh, policy, workloads, port, mode));
  });
}

function onePort(
  mesh: Mesh,
  policy: Read<PeerAuthentication>,
  workloads: readonly Workload[],
  port: number,
  mode: DeclaredMode,
): readonly Finding[] {
  const served = workloads.flatMap((workload) => servicesOf(mesh, workload));
  const known =
    workloads.some((workload) => workload.ports.some((declared) => declared.port === port)) ||
    served.some(({ targetPort }) => targetPort === port);
  if (known) return [];
  const asServicePort = served.filter((entry) => entry.port.port === port);
  return asServicePort.length > 0
    ? [servicePort(policy, workloads, port, mode, asServicePort)]
    : [unknownPort(policy, workloads, port)];
}

function servicePort(
  policy: Read<PeerAuthentication>,
  workloads: readonly Workload[],
  port: number,
  mode: DeclaredMode,
  served: readonly ServedPort[],
): Finding {
  const services = [...new Set(served.map(({ service }) => service))];
  const targets = [...new Set(served.flatMap(({ targetPort }) => targetPort ?? []))].sort((a, b) => a - b);
  const right = Object.fromEntries(targets.map((target) => [String(target), { mode }]));
  return finding('PL004', policy, {
    message: `${nameOf(policy.ref)} sets ${mode} for ${port}, which is the port of Service ${list(services.map((service) => nameOf(service.ref)))}; the container port behind it is ${targets.length === 0 ? 'not known' : list(targets.map(String))}.`,
    field: `spec.portLevelMtls.${port}`,
    why: `The key is a container port: ${mode} is written, and ${targets.length === 0 ? 'the port' : list(targets.map(String))} keeps the workload's mode.`,
    fix:
      targets.length === 0
        ? { text: 'Name the container port instead.', changes: [] }
        : {
            text: `Name ${list(targets.map(String))} instead of ${port}.`,
            changes: [
              {
                kind: 'merge-patch',
                target: policy.ref,
                patch: { spec: { portLevelMtls: { [String(port)]: null, ...right } } },
              },
            ],
          },
    related: services.map((service) => related(service, `has ${port} as its own port`)),
    affected: workloadRefs(workloads),
  });
}

function unknownPort(
  policy: Read<PeerAuthentication>,
  workloads: readonly Workload[],
  port: number,
): Finding {
  const declared = [...new Set(workloads.flatMap(({ ports }) => ports.map((entry) => entry.port)))].sort(
    (a, b) => a - b,
  );
  const others = policy.portLevel.size > 1;
  return finding('PL004', policy, {
    // Containers need not declare their ports, so the policy may be right; nothing that was read says so.
    severity: declared.length === 0 ? 'info' : 'warning',
    message: `${nameOf(policy.ref)} sets a mode for port ${port}, which no container of ${count(workloads.length, 'selected workload')} declares and no Service uses.`,
    field: `spec.portLevelMtls.${port}`,
    why: `It has an effect only if something listens on ${port} all the same${declared.length === 0 ? '' : `; the declared ports are ${list(declared.map(String), 6)}`}.`,
    fix: {
      text: 'Correct the port, or remove the entry; if something does listen there, declare the port in the container.',
      changes: others
        ? [
            {
              kind: 'merge-patch',
              target: policy.ref,
              patch: { spec: { portLevelMtls: { [String(port)]: null } } },
            },
          ]
        : [{ kind: 'merge-patch', target: policy.ref, patch: { spec: { portLevelMtls: null } } }],
    },
    affected: workloadRefs(workloads),
  });
}
