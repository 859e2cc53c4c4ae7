/**
 * PL019: a client's annotation leads its calls to services of the mesh past its own sidecar: they are plaintext whatever the policies and rules say (istio.io, resource
 * annotations `traffic.sidecar.istio.io/...Outbound...`).
 */
import { captureAnnotations, outboundCapture } from '../../../istio/capture.ts';
import { formatRef } from '../../../istio/kubernetes.ts';
import { endpointsOf } from '../../endpoints.ts';
import type { MeshHost } from '../../host.ts';
import { inbound } from '../../inbound.ts';
import type { Mesh } from '../../mesh.ts';
import type { Workload } from '../../workload.ts';
import { finding } from '../check.ts';
import type { Finding } from '../finding.ts';
import { patchTemplate, podField } from '../template-patch.ts';
import { list, workloadRef } from '../wording.ts';

const { excludeOutbound, includeOutbound, excludeRanges, includeRanges } = captureAnnotations;
const annotations = [excludeOutbound, includeOutbound, excludeRanges, includeRanges] as const;

/** Where the calls of clients with the same annotations go past the sidecar. */
interface Bypass {
  readonly annotation: string;
  readonly refused: readonly string[];
  readonly accepted: readonly string[];
}

export function excludedOutbound(mesh: Mesh): readonly Finding[] {
  const clients = mesh.workloads.filter(
    (workload) =>
      workload.dataplane === 'sidecar' &&
      annotations.some((name) => workload.annotations[name] !== undefined),
  );
  // Workloads with the same annotations fare alike: hosts are asked once for each set of them.
  const alike = Map.groupBy(clients, (workload) =>
    annotations.map((name) => workload.annotations[name] ?? '\u0001').join('\u0000'),
  );
  return [...alike.values()].flatMap((group) => {
    const [first] = group;
    const bypass = first === undefined ? undefined : bypassOf(mesh, first);
    return bypass === undefined ? [] : group.map((workload) => oneFinding(workload, bypass));
  });
}

function bypassOf(mesh: Mesh, client: Workload): Bypass | undefined {
  const refused = new Set<string>();
  const accepted = new Set<string>();
  let annotation: string | undefined;
  for (const call of bypassingCalls(mesh, client)) {
    const at = inbound(mesh, call.server, call.targetPort);
    if (at.captured && !at.plaintext) refused.add(call.destination);
    else if (at.mtls) accepted.add(call.destination);
    else continue;
    annotation ??= call.annotation;
  }
  return annotation === undefined
    ? undefined
    : { annotation, refused: [...refused], accepted: [...accepted] };
}

interface BypassingCall {
  readonly destination: string;
  readonly annotation: string;
  readonly server: Workload;
  readonly targetPort: number;
}

function* bypassingCalls(mesh: Mesh, client: Workload): Generator<BypassingCall> {
  for (const host of mesh.hosts.values()) {
    if (host.external) continue;
    for (const { port, protocol } of host.ports) {
      if (protocol === 'UDP') continue;
      for (const { workload, targetPort, pods } of endpointsOf(mesh, host.host, port)) {
        if (workload === undefined || workload.dataplane === 'none') continue;
        const pod = workload.pods.find(({ name }) => pods.includes(name));
        const annotation = captureOf(client, host, port, targetPort, pod?.ips[0]);
        if (annotation === undefined) continue;
        yield { destination: `${host.host}:${port}`, annotation, server: workload, targetPort };
      }
    }
  }
}

/** The annotation that leads the call past the sidecar; undefined when the sidecar gets it. */
function captureOf(
  client: Workload,
  host: MeshHost,
  port: number,
  targetPort: number,
  podAddress: string | undefined,
): string | undefined {
  const direct = host.resolution === 'passthrough';
  const capture = outboundCapture(
    client.annotations,
    direct ? targetPort : port,
    direct ? podAddress : host.address,
  );
  return capture.captured ? undefined : capture.annotation;
}

function oneFinding(workload: Workload, { annotation, refused, accepted }: Bypass): Finding {
  const ref = workloadRef(workload);
  const broken = refused.length > 0;
  const value = workload.annotations[annotation] ?? '';
  return finding(
    'PL019',
    { ref, origin: workload.pods[0]?.origin ?? workload.origin },
    {
      severity: broken ? 'error' : 'warning',
      message: `${formatRef(ref)} leads calls to ${list(broken ? refused : accepted, 2)} past its sidecar (${annotation.split('/').at(-1)} is "${value}"): they are plaintext.`,
      field: podField(workload, `metadata.annotations.${annotation}`),
      why: broken
        ? 'The servers are STRICT and refuse them.'
        : 'The servers take them, without identity and without encryption; they fail on the day the servers become STRICT.',
      fix: {
        text: 'Remove the annotation, or the part of it that covers services of the mesh; this removes it whole.',
        changes: patchTemplate(workload, { annotations: { [annotation]: null } }),
      },
      affected: [ref],
    },
  );
}
