/** Where a client's call to a host and port goes: to the host itself, or where a VirtualService sends it. */
import { gatewayKey } from '../istio/gateway.ts';
import { fullHost, hostMatches, isWildcard } from '../istio/hostname.ts';
import { protocolClass } from '../istio/protocol.ts';
import { matchesLabels } from '../istio/selector.ts';
import type { Route, RouteDestination, VirtualService } from '../istio/virtual-service.ts';
import { importsService } from './client-sidecar.ts';
import type { ControlPlane } from './control-plane.ts';
import type { HostPort, MeshHost } from './host.ts';
import type { Read } from './mesh.ts';
import type { Workload } from './workload.ts';

/** One place that a call may go to. */
export interface Routed {
  readonly host: string;
  readonly port: number;
  readonly subset?: string;
  /** The VirtualService and the field that sends the call there; absent for the host itself. */
  readonly by?: { readonly service: Read<VirtualService>; readonly field: string };
}

type Service = Read<VirtualService>;

/**
 * Every destination that calls from a client to a host's port may have, the likeliest first (a route without conditions before
 * those with some). Without a VirtualService that applies it is the host itself.
 *
 * A headless host is left as it is: its endpoints are called by their own addresses.
 */
export function routesOf(
  plane: ControlPlane,
  client: Workload,
  host: MeshHost,
  port: HostPort,
): readonly Routed[] {
  const self: Routed = { host: host.host, port: port.port };
  if (plane.virtualServices.length === 0 || host.resolution === 'passthrough') return [self];
  const found =
    client.dataplane === 'gateway'
      ? gatewayRoutes(plane, client, host)
      : sidecarRoutes(plane, client, host, port);
  return found ?? [self];
}

function sidecarRoutes(
  plane: ControlPlane,
  client: Workload,
  host: MeshHost,
  port: HostPort,
): readonly Routed[] | undefined {
  for (const service of servicesFor(plane, client.namespace, host.host)) {
    if (!importsService(plane, client, service, port.port)) continue;
    const routes = routesFor(service, client, port);
    // A VirtualService without a route for this call does not count, and the next one is asked.
    if (routes.length > 0) return destinations(plane, service, reached(routes), port.port);
  }
  return undefined;
}

/** The routes that a VirtualService has for calls of a client to a port. */
export function routesFor(service: VirtualService, client: Workload, port: HostPort): readonly Route[] {
  return routesForPort(service, port).filter(
    (route) =>
      (route.ports.length === 0 || route.ports.includes(port.port)) &&
      (route.sources.length === 0 || route.sources.some((source) => isSource(source, client))),
  );
}

function isSource(source: Route['sources'][number], client: Workload): boolean {
  return (
    (source.namespace === '' || source.namespace === client.namespace) &&
    matchesLabels(source.labels, client.labels)
  );
}

function routesForPort(service: VirtualService, port: HostPort): readonly Route[] {
  if (protocolClass(port.protocol) !== 'TCP') return service.http;
  // istiod builds no TCP routes for a port that is declared as TLS.
  return port.protocol === 'HTTPS' || port.protocol === 'TLS' ? service.tls : service.tcp;
}

/** Routes up to the first that takes everything, that one first: what stands after it is never reached. */
function reached(routes: readonly Route[]): readonly Route[] {
  const open = routes.findIndex((route) => route.catchAll);
  const last = routes[open];
  return last === undefined ? routes : [last, ...routes.slice(0, open)];
}

function destinations(
  plane: ControlPlane,
  service: Service,
  routes: readonly Route[],
  calledPort: number,
): readonly Routed[] {
  const seen = new Map<string, Routed>();
  for (const route of routes) {
    for (const destination of route.destinations) {
      if (destination.weight === 0 && route.destinations.length > 1) continue;
      const routed = asRouted(plane, service, destination, calledPort);
      const key = `${routed.host}:${routed.port}:${routed.subset ?? ''}`;
      if (!seen.has(key)) seen.set(key, routed);
    }
  }
  return [...seen.values()];
}

function asRouted(
  plane: ControlPlane,
  service: Service,
  destination: RouteDestination,
  calledPort: number,
): Routed {
  return {
    host: fullHost(destination.host, service.namespace, plane.config.shortNameDomain),
    port: destination.port ?? calledPort,
    ...(destination.subset === undefined ? {} : { subset: destination.subset }),
    by: { service, field: destination.field },
  };
}

/**
 * The VirtualServices that a sidecar of a namespace asks for a host, in order: those that name it exactly, else those of the
 * closest wildcard; among them those kept to the namespace, then those exported to it by name, then the public ones; oldest first.
 */
export function servicesFor(plane: ControlPlane, namespace: string, host: string): readonly Service[] {
  let best: Service[] = [];
  let closeness = -1;
  for (const service of plane.virtualServices) {
    if (!service.gateways.includes('mesh')) continue;
    const match = closest(plane, service, host);
    if (match < 0 || match < closeness || visibility(plane, service, namespace) === undefined) continue;
    if (match > closeness) {
      best = [];
      closeness = match;
    }
    best.push(service);
  }
  const rank = (service: Service) => visibility(plane, service, namespace) ?? 3;
  return best.sort((a, b) => rank(a) - rank(b));
}

/** How close the closest of the service's hosts comes: the length of a wildcard, infinity for the name itself, -1 for none. */
function closest(plane: ControlPlane, service: VirtualService, host: string): number {
  let best = -1;
  for (const written of service.hosts) {
    const full = fullHost(written, service.namespace, plane.config.shortNameDomain);
    if (hostMatches(full, host))
      best = Math.max(best, isWildcard(full) ? full.length : Number.POSITIVE_INFINITY);
  }
  return best;
}

/** 0: kept to the client's namespace; 1: exported to it by name; 2: public; undefined: not visible there. */
function visibility(plane: ControlPlane, service: VirtualService, namespace: string): number | undefined {
  const exportTo =
    service.exportTo.length > 0 ? service.exportTo : plane.config.defaultVirtualServiceExportTo;
  if (exportTo.includes('*')) return 2;
  if (exportTo.includes('~')) return undefined;
  const own = exportTo.includes('.') || exportTo.includes(service.namespace);
  if (own && service.namespace === namespace) return 0;
  return exportTo.includes(namespace) ? 1 : undefined;
}

/** A gateway reaches a host through the VirtualServices that are bound to its Gateway resources. */
function gatewayRoutes(plane: ControlPlane, client: Workload, host: MeshHost): readonly Routed[] | undefined {
  const gateways = new Set(
    plane.gateways
      .filter((gateway) => matchesLabels(gateway.selector, client.labels))
      .map((gateway) => `${gateway.namespace}/${gateway.name}`),
  );
  if (gateways.size === 0) return undefined;
  const found = plane.virtualServices
    .filter((service) => service.gateways.some((name) => gateways.has(gatewayKey(name, service.namespace))))
    .flatMap((service) =>
      destinations(plane, service, [...service.http, ...service.tcp, ...service.tls], onlyPort(host)),
    )
    .filter((routed) => routed.host === host.host && routed.port !== 0);
  return found.length > 0 ? found : undefined;
}

/** A route that names no port means the host's only one; 0 where it has several. */
function onlyPort(host: MeshHost): number {
  return host.ports.length === 1 ? (host.ports[0]?.port ?? 0) : 0;
}

/** True when the service may answer for the host, from whatever namespace the call comes. */
export function mayRoute(plane: ControlPlane, service: VirtualService, host: string): boolean {
  return closest(plane, service, host) >= 0;
}
