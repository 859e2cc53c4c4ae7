/** PL020: `enableAutoMtls: false` in the mesh configuration: clients send plaintext unless a DestinationRule tells them otherwise (istio.io, MeshConfig.enableAutoMtls). */
import type { MeshConfig } from '../../../istio/mesh-config.ts';
import type { Mesh } from '../../mesh.ts';
import type { Workload } from '../../workload.ts';
import { finding } from '../check.ts';
import { ClientCount, troubledCalls } from '../client-edges.ts';
import type { Finding } from '../finding.ts';
import { count, nameOf, workloadRefs } from '../wording.ts';

export function autoMtlsOff(mesh: Mesh): readonly Finding[] {
  return mesh.configs
    .filter(({ enableAutoMtls }) => !enableAutoMtls)
    .map((config) => oneFinding(mesh, config));
}

function oneFinding(mesh: Mesh, config: MeshConfig): Finding {
  const refused = new Set<Workload>();
  const clients = new ClientCount();
  for (const call of troubledCalls(mesh)) {
    const { server, outcome, cluster } = call;
    if (cluster.decision.cause !== 'auto-off' || server === undefined || outcome !== 'refused') continue;
    if ((call.clients[0] ?? server).revision !== config.revision) continue;
    refused.add(server);
    clients.add(call);
  }
  const ref = config.ref ?? { kind: 'ConfigMap', namespace: config.rootNamespace, name: 'istio' };
  const origin = mesh.snapshot.objects.find(
    ({ object }) =>
      object.kind === 'ConfigMap' &&
      object.metadata?.name === ref.name &&
      object.metadata?.namespace === ref.namespace,
  )?.origin;
  return finding(
    'PL020',
    { ref, ...(origin === undefined ? {} : { origin }) },
    {
      severity: refused.size > 0 ? 'error' : 'warning',
      message: `Automatic mutual TLS is off in ${ref.kind} ${nameOf(ref)} (enableAutoMtls: false): clients send plaintext unless a DestinationRule says ISTIO_MUTUAL.`,
      field: 'data.mesh',
      why:
        refused.size > 0
          ? `Calls from ${clients.words()} to ${count(refused.size, 'STRICT workload')} fail.`
          : 'Traffic between workloads with sidecars is plaintext, and nothing shows it.',
      fix: {
        text: 'Remove the setting where Istio is installed from (it is on by default); clients then speak mutual TLS to every endpoint that takes it.',
        changes: [],
      },
      affected: workloadRefs(refused),
    },
  );
}
