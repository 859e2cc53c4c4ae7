/** The Sidecar resource that a client's proxy heeds. */
import { chooseSidecar, egressImports, type SidecarResource } from '../istio/sidecar-resource.ts';
import type { ControlPlane } from './control-plane.ts';
import type { Read } from './mesh.ts';
import type { Workload } from './workload.ts';

/** The client's Sidecar resource; only sidecars heed one. */
export function sidecarOf(plane: ControlPlane, client: Workload): Read<SidecarResource> | undefined {
  if (client.dataplane !== 'sidecar' || plane.sidecars.size === 0) return undefined;
  return chooseSidecar(plane.sidecars, plane.config.rootNamespace, client.namespace, client.labels);
}

/** True when a configuration of `namespace` for `host` reaches the client: its Sidecar imports it, or it has none. */
export function importsConfig(
  plane: ControlPlane,
  client: Workload,
  namespace: string,
  host: string,
): boolean {
  const sidecar = sidecarOf(plane, client);
  if (sidecar === undefined || sidecar.egress.length === 0) return true;
  return sidecar.egress.some((listener) => egressImports(listener, client.namespace, namespace, host));
}
