/** Which Service a mesh client calls to reach a workload's port by mutual TLS. */
import { serviceHost } from '../../istio/hostname.ts';
import { type PortProtocol, portProtocol, protocolClass } from '../../istio/protocol.ts';
import { endpointsOf } from '../../mesh/endpoints.ts';
import type { Mesh, ServicePortEndpoint } from '../../mesh/mesh.ts';
import type { Workload } from '../../mesh/workload.ts';

export interface Route {
  readonly host: string;
  /** The Service's port. */
  readonly port: number;
  readonly protocol: PortProtocol;
  readonly bare: boolean;
  /** Other workloads behind the same Service port: an answer may come from them. */
  readonly others: readonly Workload[];
}

/** The Services that lead to the port, those with no other workload behind them first. */
export function routesTo(
  mesh: Mesh,
  workload: Workload,
  port: number,
  clusterDomain: string,
): readonly Route[] {
  const routes = mesh.services
    .filter((service) => service.namespace === workload.namespace && service.externalName === undefined)
    .flatMap((service) =>
      service.ports.flatMap((servicePort): readonly Route[] => {
        const host = serviceHost(service.name, service.namespace, clusterDomain);
        const endpoints = endpointsOf(mesh, host, servicePort.port);
        if (!endpoints.some((endpoint) => leadsTo(endpoint, workload, port))) return [];
        const protocol = portProtocol(servicePort);
        const others = endpoints
          .map((endpoint) => endpoint.workload)
          .filter((other) => other !== undefined && other.id !== workload.id)
          .filter((other) => other !== undefined);
        return [{ host, port: servicePort.port, protocol, bare: protocolClass(protocol) === 'TCP', others }];
      }),
    );
  return routes.toSorted((a, b) => a.others.length - b.others.length);
}

/** Protocols whose servers may understand nothing but HTTP/2. */
export function speaksHttp2(protocol: PortProtocol): boolean {
  return protocol === 'GRPC' || protocol === 'HTTP2';
}

function leadsTo(endpoint: ServicePortEndpoint, workload: Workload, port: number): boolean {
  return endpoint.workload?.id === workload.id && endpoint.targetPort === port && endpoint.ready;
}
