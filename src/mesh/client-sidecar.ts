/** The Sidecar resource that a client's proxy heeds. */
import { fullHost } from '../istio/hostname.ts';
import {
  chooseSidecar,
  type EgressListener,
  egressImports,
  type SidecarResource,
} from '../istio/sidecar-resource.ts';
import type { VirtualService } from '../istio/virtual-service.ts';
import type { ControlPlane } from './control-plane.ts';
import type { Read } from './mesh.ts';
import type { Workload } from './workload.ts';

/** The client's Sidecar resource; only sidecars heed one. */
export function sidecarOf(plane: ControlPlane, client: Workload): Read<SidecarResource> | undefined {
  if (client.dataplane !== 'sidecar' || plane.sidecars.size === 0) return undefined;
  return chooseSidecar(plane.sidecars, plane.config.rootNamespace, client.namespace, client.labels);
}

/**
 * True when the client's proxy has a VirtualService for calls to a port: the egress listener of the port imports one of its hosts,
 * or the client's Sidecar restricts nothing.
 */
export function importsService(
  plane: ControlPlane,
  client: Workload,
  service: Read<VirtualService>,
  port: number,
): boolean {
  const sidecar = sidecarOf(plane, client);
  if (sidecar === undefined || sidecar.egress.length === 0) return true;
  const listener = listenerOf(sidecar, port);
  return listener !== undefined && listenerImports(plane, listener, client.namespace, service);
}

/** True when an egress listener imports a VirtualService: one of its hosts, whichever is called. */
export function listenerImports(
  plane: ControlPlane,
  listener: EgressListener,
  proxyNamespace: string,
  service: Read<VirtualService>,
): boolean {
  return hostsOf(plane, service).some((host) =>
    egressImports(listener, proxyNamespace, service.namespace, host),
  );
}

/** The egress listener that has the routes of a port: the first for that port or for all. */
export function listenerOf(sidecar: SidecarResource, port: number): EgressListener | undefined {
  return sidecar.egress.find((listener) => listener.port === undefined || listener.port === port);
}

/** A VirtualService's hosts in full. */
export function hostsOf(plane: ControlPlane, service: Read<VirtualService>): readonly string[] {
  return service.hosts.map((host) => fullHost(host, service.namespace, plane.config.shortNameDomain));
}
