/**
 * PL029: a port whose server speaks first (MySQL, SMTP, ...) under PERMISSIVE. The sidecar waits for the client's first bytes to tell TLS from
 * plaintext; a plaintext client waits for the server's (istio.io, "Protocol Selection", server first protocols).
 */

import { inboundCapture } from '../../../istio/capture.ts';
import { modeOfPort } from '../../../istio/effective-mode.ts';
import { formatRef } from '../../../istio/kubernetes.ts';
import { isServerFirst, portProtocol } from '../../../istio/protocol.ts';
import { composedMode } from '../../inbound.ts';
import type { Mesh } from '../../mesh.ts';
import type { Workload } from '../../workload.ts';
import { finding, related } from '../check.ts';
import type { Finding, FixChange } from '../finding.ts';
import { type ServedPort, servicesOf } from '../services-of.ts';
import { workloadRef } from '../wording.ts';
import { workloadSelectorLabels } from '../workload-labels.ts';

export function serverFirstPermissive(mesh: Mesh): readonly Finding[] {
  return mesh.workloads.flatMap((workload) => {
    if (workload.dataplane !== 'sidecar') return [];
    const seen = new Set<number>();
    return servicesOf(mesh, workload).flatMap((served) => {
      const { targetPort } = served;
      if (
        targetPort === undefined ||
        seen.has(targetPort) ||
        !isServerFirst(portProtocol(served.port), targetPort)
      ) {
        return [];
      }
      seen.add(targetPort);
      const permissive = modeOfPort(composedMode(mesh, workload), targetPort).mode === 'PERMISSIVE';
      return permissive && inboundCapture(workload.annotations, targetPort).captured
        ? [oneFinding(mesh, workload, served, targetPort)]
        : [];
    });
  });
}

function oneFinding(
  mesh: Mesh,
  workload: Workload,
  { service, port }: ServedPort,
  targetPort: number,
): Finding {
  const ref = workloadRef(workload);
  const protocol = portProtocol(port);
  return finding(
    'PL029',
    { ref, origin: workload.pods[0]?.origin ?? workload.origin },
    {
      message: `${formatRef(ref)} speaks first on port ${targetPort} (${protocol === 'auto' ? `number ${targetPort}` : protocol}), and takes both plaintext and mutual TLS there.`,
      why: 'A plaintext client waits for the greeting while the sidecar waits for the client: the connection hangs. Clients with a sidecar are not concerned.',
      fix: {
        text: `Set STRICT for port ${targetPort} if every client has a sidecar, else DISABLE for it.`,
        changes: [strictPort(mesh, workload, targetPort)],
      },
      related: [related(service, `names the port ${port.name === '' ? port.port : port.name}`)],
      affected: [ref],
    },
  );
}

/** In the policy that counts for the workload where there is one, so that no second one is ignored. */
function strictPort(mesh: Mesh, workload: Workload, port: number): FixChange {
  const portLevelMtls = { [String(port)]: { mode: 'STRICT' } };
  const own = composedMode(mesh, workload).levels.find(({ scope }) => scope === 'workload');
  if (own !== undefined)
    return { kind: 'merge-patch', target: own.policy.ref, patch: { spec: { portLevelMtls } } };
  return {
    kind: 'apply',
    manifest: {
      apiVersion: 'security.istio.io/v1',
      kind: 'PeerAuthentication',
      metadata: { name: workload.name, namespace: workload.namespace },
      spec: { selector: { matchLabels: workloadSelectorLabels(workload) }, portLevelMtls },
    },
  };
}
