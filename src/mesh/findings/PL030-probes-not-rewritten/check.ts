/**
 * PL030: `sidecar.istio.io/rewriteAppHTTPProbers: "false"` beside network probes. The kubelet has no certificate; without the rewriting its HTTP
 * and gRPC probes are plaintext, which STRICT refuses (istio.io, "Health Checking of Istio Services").
 */

import { inboundCapture } from '../../../istio/capture.ts';
import { modeOfPort } from '../../../istio/effective-mode.ts';
import { FieldReader, type Fields } from '../../../istio/fields.ts';
import { formatRef } from '../../../istio/kubernetes.ts';
import { composedMode } from '../../inbound.ts';
import type { Mesh } from '../../mesh.ts';
import type { Workload } from '../../workload.ts';
import { finding } from '../check.ts';
import type { Finding } from '../finding.ts';
import { objectsOf } from '../snapshot-objects.ts';
import { patchTemplate, podField } from '../template-patch.ts';
import { list, workloadRef } from '../wording.ts';

const annotation = 'sidecar.istio.io/rewriteAppHTTPProbers';

interface Probe {
  /** `livenessProbe of container web (port 8080)`. */
  readonly name: string;
  readonly port: number;
  readonly handler: 'httpGet' | 'tcpSocket' | 'grpc';
}

export function probesNotRewritten(mesh: Mesh): readonly Finding[] {
  return mesh.workloads.flatMap((workload) => {
    if (workload.dataplane !== 'sidecar' || workload.annotations[annotation] !== 'false') return [];
    const composed = composedMode(mesh, workload);
    const probes = probesOf(mesh, workload).filter(
      ({ port }) =>
        modeOfPort(composed, port).mode === 'STRICT' && inboundCapture(workload.annotations, port).captured,
    );
    return probes.length === 0 ? [] : [oneFinding(workload, probes)];
  });
}

function oneFinding(workload: Workload, probes: readonly Probe[]): Finding {
  const refused = probes.filter(({ handler }) => handler !== 'tcpSocket');
  const ref = workloadRef(workload);
  return finding(
    'PL030',
    { ref, origin: workload.pods[0]?.origin ?? workload.origin },
    {
      severity: refused.length > 0 ? 'error' : 'warning',
      message: `${formatRef(ref)} turns the rewriting of probes off, and STRICT holds for what they probe: ${list(probes.map(({ name }) => name))}.`,
      field: podField(workload, `metadata.annotations.${annotation}`),
      why:
        refused.length > 0
          ? 'The kubelet probes in plaintext, the sidecar refuses it, and the kubelet restarts a healthy container or takes it out of its Services.'
          : 'A TCP probe then reaches the sidecar, which accepts every connection: it says "healthy" whatever the application does.',
      fix: {
        text: "Remove the annotation: probes then go to the sidecar's agent, which asks the application.",
        changes: patchTemplate(workload, { annotations: { [annotation]: null } }),
      },
      affected: [ref],
    },
  );
}

/** Network probes of the application containers, from the object that was read. */
function probesOf(mesh: Mesh, workload: Workload): readonly Probe[] {
  const reader = new FieldReader();
  const spec = podSpec(mesh, workload, reader);
  return reader.list(spec.containers, 'containers').flatMap((item) => {
    const container = reader.fields(item, 'container');
    const name = reader.string(container.name, 'name') ?? '';
    if (name === 'istio-proxy') return [];
    return ['livenessProbe', 'readinessProbe', 'startupProbe'].flatMap((kind) => {
      const probe = reader.fields(container[kind], kind);
      for (const handler of ['httpGet', 'grpc', 'tcpSocket'] as const) {
        const action = reader.optionalFields(probe[handler], handler);
        const port = action === undefined ? undefined : probePort(action.port, workload);
        if (port !== undefined)
          return [{ name: `${kind} of container ${name} (port ${port})`, port, handler }];
      }
      return [];
    });
  });
}

function probePort(port: unknown, workload: Workload): number | undefined {
  if (typeof port === 'number') return port;
  return workload.ports.find(({ name }) => name === port)?.port;
}

function podSpec(mesh: Mesh, workload: Workload, reader: FieldReader): Fields {
  const [object] = objectsOf(mesh.snapshot, workload);
  const spec = reader.fields(object?.spec, 'spec');
  if (workload.from !== 'template') return spec;
  const job = reader.fields(reader.fields(spec.jobTemplate, 'jobTemplate').spec, 'spec');
  const template = reader.fields(workload.kind === 'CronJob' ? job.template : spec.template, 'template');
  return reader.fields(template.spec, 'spec');
}
