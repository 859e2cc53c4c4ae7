/**
 * PL025: `traffic.sidecar.istio.io/includeInboundPorts` as a list: every other port goes past the sidecar, and an exclude list beside it
 * is not read at all (istio.io, resource annotations; istio-iptables reads one list or the other).
 */
import { captureAnnotations, portList } from '../../../istio/capture.ts';
import { modeOfPort } from '../../../istio/effective-mode.ts';
import { formatRef } from '../../../istio/kubernetes.ts';
import { composedMode, portsOf } from '../../inbound.ts';
import type { Mesh } from '../../mesh.ts';
import type { Workload } from '../../workload.ts';
import { finding } from '../check.ts';
import type { Finding } from '../finding.ts';
import { patchTemplate, podField } from '../template-patch.ts';
import { list, workloadRef } from '../wording.ts';

const annotation = captureAnnotations.includeInbound;

export function includedInboundPorts(mesh: Mesh): readonly Finding[] {
  return mesh.workloads.flatMap((workload) => {
    const value = workload.annotations[annotation];
    if (value === undefined || value.trim() === '*' || workload.dataplane !== 'sidecar') return [];
    return [oneFinding(mesh, workload, value)];
  });
}

function oneFinding(mesh: Mesh, workload: Workload, value: string): Finding {
  const included = portList(value);
  const bare = portsOf(mesh, workload).filter((port) => !included.has(port));
  const composed = composedMode(mesh, workload);
  const strict = bare.filter((port) => modeOfPort(composed, port).mode === 'STRICT');
  const excludes = workload.annotations[captureAnnotations.excludeInbound];
  const name = formatRef(workloadRef(workload));
  const what =
    bare.length === 0
      ? `${name} sends only ${included.size === 0 ? 'no ports' : `ports ${list([...included].map(String), 6)}`} through its sidecar: whatever else listens is outside`
      : `${name} leaves ${bare.length === 1 ? 'port' : 'ports'} ${list(bare.map(String), 6)} out of its sidecar, because includeInboundPorts is ${value.trim() === '' ? 'empty' : `"${value}"`}`;
  return finding(
    'PL025',
    { ref: workloadRef(workload), origin: workload.pods[0]?.origin ?? workload.origin },
    {
      severity: strict.length > 0 ? 'error' : bare.length > 0 ? 'warning' : 'info',
      message: `${what}.`,
      field: podField(workload, `metadata.annotations.${annotation}`),
      why: `${strict.length > 0 ? `STRICT is written for ${list(strict.map(String))} and does not hold there` : 'No policy holds on a port that is not in the list'}${
        excludes === undefined ? '' : '; excludeInboundPorts beside it is not read'
      }.`,
      fix: {
        text: 'Remove the annotation: every port goes through the sidecar then.',
        changes: patchTemplate(workload, { annotations: { [annotation]: null } }),
      },
      affected: [workloadRef(workload)],
    },
  );
}
