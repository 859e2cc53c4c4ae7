/** Which hosts a client's proxy knows: a Service's export, and the client's Sidecar resource. Others are passed through. */
import { fullHost, visibleIn } from '../istio/hostname.ts';
import type { OutboundPolicy } from '../istio/mesh-config.ts';
import { protocolClass } from '../istio/protocol.ts';
import { egressImports, type SidecarResource } from '../istio/sidecar-resource.ts';
import { sidecarOf } from './client-sidecar.ts';
import type { ControlPlane } from './control-plane.ts';
import type { HostPort, MeshHost } from './host.ts';
import type { Read } from './mesh.ts';
import { servicesFor } from './routes.ts';
import type { Workload } from './workload.ts';

export type Hidden =
  | { readonly cause: 'not-exported'; readonly exportTo: readonly string[] }
  | { readonly cause: 'not-imported'; readonly sidecar: Read<SidecarResource> };

/** Why a client's proxy does not know a host's port; undefined when it does. */
export function hiddenFrom(
  plane: ControlPlane,
  client: Workload,
  host: MeshHost,
  port: HostPort,
): Hidden | undefined {
  const exportTo = host.exportTo ?? plane.config.defaultServiceExportTo;
  if (!visibleIn(exportTo, host.namespace, client.namespace)) return { cause: 'not-exported', exportTo };
  const sidecar = sidecarOf(plane, client);
  if (sidecar === undefined || sidecar.egress.length === 0) return undefined;
  const imported = sidecar.egress.some(
    (listener) =>
      (listener.port === undefined || listener.port === port.port) &&
      egressImports(listener, client.namespace, host.namespace, host.host),
  );
  if (imported) return undefined;
  // A VirtualService brings its destinations' clusters and, for HTTP, its route along, but no listener for a TCP port.
  if (protocolClass(port.protocol) !== 'TCP' && isRouted(plane, sidecar, client.namespace, host.host))
    return undefined;
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
