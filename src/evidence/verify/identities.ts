/** Who a workload is by its service account. */
import { spiffeId } from '../../istio/spiffe.ts';
import { controlPlaneOf, type Mesh } from '../../mesh/mesh.ts';
import type { Workload } from '../../mesh/workload.ts';

/** `spiffe://TRUST-DOMAIN/ns/NAMESPACE/sa/SERVICE-ACCOUNT`, with the trust domain of the workload's control plane. */
export function idOf(
  mesh: Mesh,
  workload: Pick<Workload, 'namespace' | 'serviceAccount' | 'revision'>,
): string {
  return spiffeId({
    trustDomain: controlPlaneOf(mesh, workload.revision).config.trustDomain,
    namespace: workload.namespace,
    serviceAccount: workload.serviceAccount,
  });
}
