/**
 * PL036: STRICT sidecars in a mesh that also has ambient workloads. ztunnel and waypoints speak HBONE, not the sidecars' mutual TLS; to a sidecar
 * without the label `networking.istio.io/tunnel: http` they send plaintext (istio.io, "Ambient and sidecar").
 */
import type { Mesh } from '../../mesh.ts';
import type { Workload } from '../../workload.ts';
import { finding } from '../check.ts';
import type { Finding } from '../finding.ts';
import { isFinished } from '../mesh-membership.ts';
import { servicesOf } from '../services-of.ts';
import { strictDemand } from '../strict-demands.ts';
import { restart } from '../template-patch.ts';
import { count, verb, workloadRefs } from '../wording.ts';

const tunnelLabel = 'networking.istio.io/tunnel';
const meshSetting = 'ISTIO_META_ENABLE_HBONE';

export function ambientToSidecar(mesh: Mesh): readonly Finding[] {
  const clients = mesh.workloads.filter(
    ({ dataplane }) => dataplane === 'ambient' || dataplane === 'waypoint',
  );
  if (clients.length === 0) return [];
  const enabled = mesh.config.proxyMetadata[meshSetting] === 'true';
  const servers = mesh.workloads.filter(
    (workload) =>
      workload.dataplane === 'sidecar' &&
      workload.labels[tunnelLabel] !== 'http' &&
      // New pods of a template get the label where the mesh is told so.
      !(workload.from === 'template' && enabled) &&
      !isFinished(workload) &&
      servicesOf(mesh, workload).length > 0 &&
      strictDemand(mesh, workload) !== undefined,
  );
  return [...Map.groupBy(servers, ({ namespace }) => namespace)].map(([namespace, workloads]) =>
    oneFinding(namespace, workloads, clients, enabled),
  );
}

function oneFinding(
  namespace: string,
  workloads: readonly Workload[],
  clients: readonly Workload[],
  enabled: boolean,
): Finding {
  return finding(
    'PL036',
    { ref: { kind: 'Namespace', name: namespace } },
    {
      message: `${count(workloads.length, 'workload')} of namespace ${namespace} with STRICT sidecars ${verb(workloads.length, 'refuses', 'refuse')} the plaintext that ${count(clients.length, 'ambient workload')} ${verb(clients.length, 'sends', 'send')}.`,
      why: `Ambient clients tunnel to sidecars that say they take a tunnel (label ${tunnelLabel}: http); to these they send plaintext.`,
      fix: {
        text: enabled
          ? 'Restart them: new pods get the label, since the mesh configuration asks for it.'
          : `Set ${meshSetting}: "true" in meshConfig.defaultConfig.proxyMetadata (Istio's ambient profile does), then restart them; or move them to ambient mode.`,
        changes: enabled ? workloads.flatMap(restart) : [],
      },
      affected: workloadRefs(workloads),
    },
  );
}
