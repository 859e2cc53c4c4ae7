/** The ports of a workload that a Service, a ServiceEntry or a Sidecar resource declares: there the sidecar has filter chains of their own. */
import { serviceHost } from '../istio/hostname.ts';
import { compare } from '../istio/metadata.ts';
import { type PortProtocol, portProtocol } from '../istio/protocol.ts';
import type { Service, ServicePort } from '../istio/service.ts';
import { chooseSidecar } from '../istio/sidecar-resource.ts';
import { hostEndpoints } from './endpoints.ts';
import type { HostPort, MeshHost } from './host.ts';
import { controlPlaneOf, type Mesh, type Read } from './mesh.ts';
import { targetPortOf } from './target-port.ts';
import type { Workload } from './workload.ts';

export interface DeclaredPort {
  readonly protocol: PortProtocol;
  /** The Service that decided the protocol: the oldest of those that send to the port. Absent for a Sidecar's ingress and a ServiceEntry. */
  readonly service?: Read<Service>;
  readonly servicePort?: ServicePort;
}

/**
 * The same as the control plane finds it. It compares names and protocols as the API server holds them, which fills in the
 * protocols of all objects: one that is missing on one side only, in a pod that runs, is no match.
 */
function declaredTargetPort(workload: Workload, port: ServicePort): number | undefined {
  if (typeof port.targetPort === 'number' || !workload.pods.some((pod) => pod.ips.length > 0)) {
    return targetPortOf(workload, port);
  }
  return workload.ports.find(
    (candidate) =>
      candidate.name === port.targetPort &&
      candidate.protocol === port.protocol &&
      candidate.protocolWritten === port.protocolWritten,
  )?.port;
}

/** Services of the workload's own namespace that select it, oldest first; without any, those whose slices list its pods. */
export function servicesOf(mesh: Mesh, workload: Workload): readonly Read<Service>[] {
  const selecting = mesh.index.servicesBySelector.get(workload.namespace)?.matching(workload.labels) ?? [];
  if (selecting.length > 0) return selecting;
  const names = new Set(workload.pods.map((pod) => pod.name));
  if (names.size === 0) return [];
  return mesh.services.filter(
    (service) =>
      service.selector === undefined &&
      service.namespace === workload.namespace &&
      (mesh.index.slices.get(`${service.namespace}/${service.name}`) ?? []).some((slice) =>
        slice.endpoints.some((endpoint) => endpoint.pod !== undefined && names.has(endpoint.pod.name)),
      ),
  );
}

/** By container port. A Sidecar resource with `ingress` replaces what Services declare. */
export function declaredPorts(mesh: Mesh, workload: Workload): ReadonlyMap<number, DeclaredPort> {
  const memo = mesh.index.memo.declaredPorts;
  let ports = memo.get(workload);
  if (ports === undefined) {
    ports = findDeclaredPorts(mesh, workload);
    memo.set(workload, ports);
  }
  return ports;
}

function findDeclaredPorts(mesh: Mesh, workload: Workload): ReadonlyMap<number, DeclaredPort> {
  const ports = new Map<number, DeclaredPort>();
  const plane = controlPlaneOf(mesh, workload.revision);
  const sidecar = chooseSidecar(
    plane.sidecars,
    plane.config.rootNamespace,
    workload.namespace,
    workload.labels,
  );
  if (sidecar !== undefined && sidecar.ingress.length > 0) {
    for (const listener of sidecar.ingress) {
      if (ports.has(listener.port)) continue;
      ports.set(listener.port, {
        protocol: portProtocol({
          name: '',
          port: 0,
          protocol: listener.protocol.toUpperCase() === 'UDP' ? 'UDP' : 'TCP',
          appProtocol: listener.protocol,
        }),
      });
    }
    return ports;
  }
  for (const { port, declared } of declarations(mesh, workload)) {
    if (!ports.has(port)) ports.set(port, declared);
  }
  return ports;
}

interface Declaration {
  readonly port: number;
  readonly declared: DeclaredPort;
  readonly createdAt: number;
  readonly host: string;
}

/** Everything that declares a port of the workload; the oldest first, by host name within one second. */
function declarations(mesh: Mesh, workload: Workload): readonly Declaration[] {
  const found: Declaration[] = [];
  for (const service of servicesOf(mesh, workload)) {
    const host = serviceHost(service.name, service.namespace, mesh.config.clusterDomain);
    for (const servicePort of service.ports) {
      const port = declaredTargetPort(workload, servicePort);
      if (port === undefined) continue;
      const declared = { protocol: portProtocol(servicePort), service, servicePort };
      found.push({ port, declared, createdAt: service.createdAt ?? 0, host });
    }
  }
  for (const host of entryHosts(mesh, workload.namespace)) {
    for (const hostPort of host.ports) {
      for (const port of entryTargets(mesh, workload, host, hostPort)) {
        const createdAt = host.entry?.createdAt ?? 0;
        found.push({ port, declared: { protocol: hostPort.protocol }, createdAt, host: host.host });
      }
    }
  }
  // By the whole host name, in which `cart-b.shop` comes before `cart.shop`.
  return found.sort((a, b) => a.createdAt - b.createdAt || compare(a.host, b.host));
}

/** The workload's ports that a ServiceEntry's endpoints stand for: it is one of them by its address or its labels. */
function entryTargets(mesh: Mesh, workload: Workload, host: MeshHost, { port }: HostPort): readonly number[] {
  return hostEndpoints(mesh, host, port)
    .filter((endpoint) => endpoint.workload === workload)
    .map(({ targetPort }) => targetPort);
}

/** The hosts of the namespace's ServiceEntries: those of other namespaces declare nothing here. */
function entryHosts(mesh: Mesh, namespace: string): readonly MeshHost[] {
  const { memo } = mesh.index;
  memo.entryHosts ??= Map.groupBy(
    [...mesh.hosts.values()].filter(({ entry }) => entry !== undefined),
    (host) => host.namespace,
  );
  return memo.entryHosts.get(namespace) ?? [];
}
