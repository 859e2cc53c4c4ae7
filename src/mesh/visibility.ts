/** Which hosts a client's proxy knows: a Service's export, and the client's Sidecar resource. Others are passed through. */
import { fullHost, visibleIn } from '../istio/hostname.ts';
import type { OutboundPolicy } from '../istio/mesh-config.ts';
import { protocolClass } from '../istio/protocol.ts';
import { egressImports, type SidecarResource } from '../istio/sidecar-resource.ts';
import type { Route } from '../istio/virtual-service.ts';
import { sidecarOf } from './client-sidecar.ts';
import type { ControlPlane } from './control-plane.ts';
import type { HostPort, MeshHost } from './host.ts';
import type { Mesh, Read } from './mesh.ts';
import { servicesFor } from './routes.ts';
import type { Workload } from './workload.ts';

export type Hidden =
  | { readonly cause: 'not-exported'; readonly exportTo: readonly string[] }
  | { readonly cause: 'not-imported'; readonly sidecar: Read<SidecarResource> };

/** Why a client's proxy does not know a host's port; undefined when it does. */
export function hiddenFrom(
  mesh: Pick<Mesh, 'hosts'>,
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
  // A VirtualService brings its destinations' clusters and, for HTTP, the route along, but no listener: that must be there already.
  const isHttp = protocolClass(port.protocol) === 'HTTP';
  if (
    isHttp &&
    isRouted(plane, sidecar, client.namespace, host.host, port.port) &&
    listensForHttp(mesh, plane, sidecar, client.namespace, port.port)
  )
    return undefined;
  return { cause: 'not-imported', sidecar };
}

/** The ports of a host that an imported VirtualService sends calls to are known with it; all of them where it names none. */
function isRouted(
  plane: ControlPlane,
  sidecar: Read<SidecarResource>,
  namespace: string,
  host: string,
  port: number,
): boolean {
  return plane.virtualServices.some((service) => {
    const sends = [...service.http, ...service.tcp, ...service.tls].some(
      (route) =>
        isFromNamespace(route, namespace) &&
        route.destinations.some(
          (destination) =>
            (destination.port === undefined || destination.port === port) &&
            fullHost(destination.host, service.namespace, plane.config.shortNameDomain) === host,
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

/** HTTP services of one port number share a listener; one of those that the Sidecar imports makes it. */
function listensForHttp(
  mesh: Pick<Mesh, 'hosts'>,
  plane: ControlPlane,
  sidecar: Read<SidecarResource>,
  namespace: string,
  port: number,
): boolean {
  for (const host of mesh.hosts.values()) {
    if (!host.ports.some((own) => own.port === port && protocolClass(own.protocol) === 'HTTP')) continue;
    if (!visibleIn(host.exportTo ?? plane.config.defaultServiceExportTo, host.namespace, namespace)) continue;
    const imports = sidecar.egress.some(
      (listener) =>
        (listener.port === undefined || listener.port === port) &&
        egressImports(listener, namespace, host.namespace, host.host),
    );
    if (imports) return true;
  }
  return false;
}

/** A route whose matches all name other source namespaces brings nothing along. */
function isFromNamespace({ sources }: Route, namespace: string): boolean {
  const named = sources.filter((source) => source.namespace !== '');
  return named.length === 0 || named.some((source) => source.namespace === namespace);
}

/** What becomes of calls to hosts that the proxy does not know. */
export function outboundPolicy(plane: ControlPlane, client: Workload): OutboundPolicy {
  return sidecarOf(plane, client)?.outboundTrafficPolicy ?? plane.config.outboundTrafficPolicy;
}
