/** Which hosts a client's proxy knows: what istiod discovers, a Service's export, and the client's Sidecar resource. Others are passed through. */
import { hostMatches, isWildcard, visibleIn } from '../istio/hostname.ts';
import type { OutboundPolicy } from '../istio/mesh-config.ts';
import { portProtocol, protocolClass } from '../istio/protocol.ts';
import { type EgressListener, egressImports, type SidecarResource } from '../istio/sidecar-resource.ts';
import { hostsOf, listenerImports, listenerOf, sidecarOf } from './client-sidecar.ts';
import type { ControlPlane } from './control-plane.ts';
import type { HostPort, MeshHost } from './host.ts';
import type { Mesh, Read } from './mesh.ts';
import { routesFor, servicesFor } from './routes.ts';
import type { Workload } from './workload.ts';

export type Hidden =
  | { readonly cause: 'not-discovered'; readonly namespace: string }
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
  if (!plane.discovers(host.namespace)) return { cause: 'not-discovered', namespace: host.namespace };
  const exportTo = host.exportTo ?? plane.config.defaultServiceExportTo;
  if (!visibleIn(exportTo, host.namespace, client.namespace)) return { cause: 'not-exported', exportTo };
  const sidecar = sidecarOf(plane, client);
  if (sidecar === undefined || sidecar.egress.length === 0) return undefined;
  const listeners = listenersFor(sidecar, port);
  if (listeners.some((listener) => egressImports(listener, client.namespace, host.namespace, host.host)))
    return undefined;
  // A VirtualService brings clusters of its destinations along, but neither a listener nor a route for calls to them.
  if (
    protocolClass(port.protocol) !== 'TCP' &&
    hasBorrowedRoute(mesh, plane, sidecar, client, host.host, port)
  )
    return undefined;
  return { cause: 'not-imported', sidecar };
}

/** The egress listeners that make the proxy listen for a host's port. */
function listenersFor(sidecar: SidecarResource, port: HostPort): readonly EgressListener[] {
  // HTTP services of a port number share a listener, and the first egress listener that takes the number makes it.
  if (protocolClass(port.protocol) === 'HTTP') {
    const first = listenerOf(sidecar, port.port);
    return first === undefined ? [] : [first];
  }
  // A listener that is declared as HTTP knows its services by the host that requests name, and other calls do not name any.
  const isTcp = protocolClass(port.protocol) === 'TCP';
  return sidecar.egress.filter(
    (listener) =>
      listener.port === undefined || (listener.port === port.port && !(isTcp && speaksHttp(listener))),
  );
}

function speaksHttp({ port, protocol = '' }: EgressListener): boolean {
  const declared = { name: '', port: port ?? 0, protocol: 'TCP', appProtocol: protocol.toLowerCase() };
  return protocolClass(portProtocol(declared)) === 'HTTP';
}

/**
 * True when the shared HTTP listener of a port has a route for a host that the Sidecar does not import: a VirtualService that it does
 * import names the host beside an imported one of that port, or alone on port 80 (where istiod keeps routes of hosts it does not know).
 */
function hasBorrowedRoute(
  mesh: Pick<Mesh, 'hosts'>,
  plane: ControlPlane,
  sidecar: SidecarResource,
  client: Workload,
  host: string,
  port: HostPort,
): boolean {
  const listener = listenerOf(sidecar, port.port);
  if (listener === undefined || plane.virtualServices.length === 0) return false;
  const { namespace } = client;
  const candidates = servicesFor(plane, namespace, host).filter(
    (service) =>
      routesFor(service, client, port).length > 0 && listenerImports(plane, listener, namespace, service),
  );
  if (candidates.length === 0) return false;
  const imported = importedHosts(mesh, plane, listener, namespace, port.port);
  if (!imported.some((known) => known.protocol === 'HTTP')) return false;
  return candidates.some((service) => {
    const named = hostsOf(plane, service);
    const known = imported.filter((candidate) => named.some((name) => hostMatches(name, candidate.host)));
    // A wildcard stands for the hosts that the listener knows, where it knows any.
    const names = named.some(
      (name) =>
        hostMatches(name, host) &&
        (!isWildcard(name) || !imported.some((candidate) => hostMatches(name, candidate.host))),
    );
    return names && (known.some((candidate) => candidate.protocol !== 'TCP') || port.port === 80);
  });
}

/** The hosts with a port that an egress listener imports, and how the port's protocol is taken. */
function importedHosts(
  mesh: Pick<Mesh, 'hosts'>,
  plane: ControlPlane,
  listener: EgressListener,
  namespace: string,
  port: number,
): readonly { readonly host: string; readonly protocol: ReturnType<typeof protocolClass> }[] {
  return [...mesh.hosts.values()].flatMap((host) => {
    const own = host.ports.find((candidate) => candidate.port === port);
    const exportTo = host.exportTo ?? plane.config.defaultServiceExportTo;
    if (own === undefined || !plane.discovers(host.namespace)) return [];
    if (!visibleIn(exportTo, host.namespace, namespace)) return [];
    if (!egressImports(listener, namespace, host.namespace, host.host)) return [];
    return [{ host: host.host, protocol: protocolClass(own.protocol) }];
  });
}

/** What becomes of calls to hosts that the proxy does not know. */
export function outboundPolicy(plane: ControlPlane, client: Workload): OutboundPolicy {
  return sidecarOf(plane, client)?.outboundTrafficPolicy ?? plane.config.outboundTrafficPolicy;
}
