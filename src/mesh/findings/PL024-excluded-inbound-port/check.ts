/**
 * PL024: `traffic.sidecar.istio.io/excludeInboundPorts`. Such a port goes past the sidecar: STRICT does not hold there, and clients,
 * whose control plane does not read the annotation, still send mutual TLS to an application that cannot read it.
 */
import { captureAnnotations, inboundCapture, portList, proxyPorts } from '../../../istio/capture.ts';
import { modeOfPort } from '../../../istio/effective-mode.ts';
import { formatRef } from '../../../istio/kubernetes.ts';
import { composedMode } from '../../inbound.ts';
import type { Mesh } from '../../mesh.ts';
import type { Workload } from '../../workload.ts';
import { finding } from '../check.ts';
import type { Finding } from '../finding.ts';
import { servicesOf } from '../services-of.ts';
import { patchTemplate, podField } from '../template-patch.ts';
import { list, workloadRef } from '../wording.ts';

const annotation = captureAnnotations.excludeInbound;

export function excludedInboundPort(mesh: Mesh): readonly Finding[] {
  return mesh.workloads.flatMap((workload) => {
    const value = workload.annotations[annotation];
    if (value === undefined || workload.dataplane !== 'sidecar') return [];
    const ports = [...portList(value)].filter((port) => {
      if (proxyPorts.has(port)) return false;
      const capture = inboundCapture(workload.annotations, port);
      return !capture.captured && capture.cause === 'excluded';
    });
    return ports.length === 0 ? [] : [oneFinding(mesh, workload, ports)];
  });
}

function oneFinding(mesh: Mesh, workload: Workload, ports: readonly number[]): Finding {
  const composed = composedMode(mesh, workload);
  const strict = ports.filter((port) => modeOfPort(composed, port).mode === 'STRICT');
  // Where the mode is DISABLE clients do send plaintext, so the port at least works as it is meant.
  const broken = ports.filter(
    (port) =>
      modeOfPort(composed, port).mode !== 'DISABLE' &&
      servicesOf(mesh, workload).some(({ targetPort }) => targetPort === port),
  );
  const why = [
    strict.length > 0
      ? `STRICT is written for ${list(strict.map(String))} and does not hold: plaintext reaches the application.`
      : 'Plaintext reaches the application whatever the policies say.',
    ...(broken.length > 0
      ? [
          `Clients with a sidecar send mutual TLS to ${list(broken.map(String))} all the same, which the application cannot read.`,
        ]
      : []),
  ].join(' ');
  return finding(
    'PL024',
    { ref: workloadRef(workload), origin: workload.pods[0]?.origin ?? workload.origin },
    {
      severity: strict.length > 0 || broken.length > 0 ? 'error' : 'warning',
      message: `${formatRef(workloadRef(workload))} takes ${ports.length === 1 ? 'port' : 'ports'} ${list(ports.map(String), 6)} out of its sidecar.`,
      field: podField(workload, `metadata.annotations.${annotation}`),
      why,
      fix: {
        text: 'Remove the annotation; if a caller outside the mesh needs the port in plaintext, set portLevelMtls DISABLE or PERMISSIVE for it instead.',
        changes: patchTemplate(workload, { annotations: { [annotation]: null } }),
      },
      affected: [workloadRef(workload)],
    },
  );
}
