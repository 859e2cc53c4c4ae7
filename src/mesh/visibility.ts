/** Which hosts a client's proxy knows: a Service's export, and the client's Sidecar resource. Others are passed through. */
import { fullHost, visibleIn } from '../istio/hostname.ts';
import type { OutboundPolicy } from '../istio/mesh-config.ts';
import { chooseSidecar, egressImports, type SidecarResource } from '../istio/sidecar-resource.ts';
import type { ControlPlane } from './control-plane.ts';
import type { MeshHost } from './host.ts';
import type { Read } from './mesh.ts';
import { servicesFor } from './routes.ts';
import type { Workload } from './workload.ts';

export type Hidden =
  | { readonly cause: 'not-exported'; readonly exportTo: readonly string[] }
  | { readonly cause: 'not-imported'; readonly sidecar: Read<SidecarResource> };

/** The client's Sidecar resource; only sidecars heed one. */
export function sidecarOf(plane: ControlPlane, client: Workload): Read<SidecarResource> | undefined {
  if (client.dataplane !== 'sidecar' || plane.sidecars.size === 0) return undefined;
  return chooseSidecar(plane.sidecars, plane.config.rootNamespace, client.namespace, client.labels);
}

/** Why a client's proxy does not know a host's port; undefined when it does. */
export function hiddenFrom(
  plane: ControlPlane,
  client: Workload,
  host: MeshHost,
  port: number,
): Hidden | undefined {
  const exportTo = host.exportTo ?? plane.config.defaultServiceExportTo;
  if (!visibleIn(exportTo, host.namespace, client.namespace)) return { cause: 'not-exported', exportTo };
  const sidecar = sidecarOf(plane, client);
  if (sidecar === undefined || sidecar.egress.length === 0) return undefined;
  const imported = sidecar.egress.some(
    (listener) =>
      (listener.port === undefined || listener.port === port) &&
      egressImports(listener, client.namespace, host.namespace, host.host),
  );
  if (imported || isRouted(plane, sidecar, client.namespace, host.host)) return undefined;
  return { cause: 'not-imported', sidecar };
}

/** A host that an imported VirtualService sends calls to is known with it. */
function isRouted(
  plane: ControlPlane,
  sidecar: Read<SidecarResource>,
  namespace: string,
  host: string,
): boolean {
  return plane.virtualServices.some((service) => {
    const sends = [...service.http, ...service.tcp, ...service.tls].some((route) =>
      route.destinations.some(
        (destination) => fullHost(destination.host, service.namespace, plane.config.shortNameDomain) === host,
      ),
    );
    if (!sends) return false;
    return service.hosts.some((written) => {
      const called = fullHost(written, service.namespace, plane.config.shortNameDomain);
      return (
        servicesFor(plane, namespace, called).includes(service) &&
        sidecar.egress.some((listener) => egressImports(listener, namespace, service.namespace, called))
      );
    });
  });
}

/** What becomes of calls to hosts that the proxy does not know. */
export function outboundPolicy(plane: ControlPlane, client: Workload): OutboundPolicy {
  return sidecarOf(plane, client)?.outboundTrafficPolicy ?? plane.config.outboundTrafficPolicy;
}
