/** A service as istiod sees it, whether a Kubernetes Service or a ServiceEntry declares it. */
import type { StringMap } from '../../../istio/fields.ts';
import { exportedTo, serviceHost } from '../../../istio/hostname.ts';
import type { MeshConfig } from '../../../istio/mesh-config.ts';
import type { Service } from '../../../istio/service.ts';
import type { ServiceEntry } from '../../../istio/service-entry.ts';
import { declaredProtocol, kubernetesProtocol, type PortProtocol } from './protocol.ts';

export interface MeshServicePort {
  readonly name: string;
  /** The Service's own number. */
  readonly port: number;
  /** A number, or the name of a container's port. */
  readonly targetPort: number | string;
  readonly protocol: PortProtocol;
}

export interface MeshService {
  /** `NAME.NAMESPACE.svc.DOMAIN`, or a ServiceEntry's host. */
  readonly host: string;
  readonly name: string;
  readonly namespace: string;
  readonly kind: 'Service' | 'ServiceEntry';
  readonly ports: readonly MeshServicePort[];
  /**
   * `balanced`: behind one address; `headless`: clients reach the endpoints themselves; `dns`: the proxy resolves the
   * host; `passthrough`: wherever the client wanted to go.
   */
  readonly resolution: 'balanced' | 'headless' | 'dns' | 'passthrough';
  /** Addresses that clients connect to; none for a headless service. */
  readonly addresses: readonly string[];
  readonly exportTo: readonly string[];
  /** Outside the mesh: never auto mTLS. */
  readonly meshExternal: boolean;
  readonly selector?: StringMap;
  readonly publishNotReady: boolean;
  /** Milliseconds; 0 where it is not known. */
  readonly createdAt: number;
  /** Names that the server's certificate must carry, where a ServiceEntry gives them. */
  readonly subjectAltNames: readonly string[];
  /** The ServiceEntry itself, whose endpoints stand in it. */
  readonly entry?: ServiceEntry;
}

/** @returns undefined for an ExternalName Service, which is an alias and nothing more. */
export function fromKubernetes(service: Service, config: MeshConfig): MeshService | undefined {
  if (service.externalName !== undefined || service.type === 'ExternalName') return undefined;
  const { clusterIP, headless } = service;
  return {
    host: serviceHost(service.name, service.namespace, config.clusterDomain),
    name: service.name,
    namespace: service.namespace,
    kind: 'Service',
    ports: service.ports.map((port) => ({
      name: port.name,
      port: port.port,
      targetPort: port.targetPort,
      protocol: kubernetesProtocol(port),
    })),
    resolution: headless ? 'headless' : 'balanced',
    addresses: headless || clusterIP === '' ? [] : [clusterIP],
    exportTo: exportedTo(service.annotations) ?? config.defaultServiceExportTo,
    meshExternal: false,
    ...(service.selector === undefined ? {} : { selector: service.selector }),
    publishNotReady: service.publishNotReadyAddresses,
    createdAt: service.createdAt ?? 0,
    subjectAltNames: [],
  };
}

/** One service for each host of a ServiceEntry. */
export function fromServiceEntry(entry: ServiceEntry, config: MeshConfig): readonly MeshService[] {
  const resolution =
    entry.resolution === 'STATIC' ? 'balanced' : entry.resolution === 'NONE' ? 'passthrough' : 'dns';
  return entry.hosts.map((host) => ({
    host,
    name: entry.name,
    namespace: entry.namespace,
    kind: 'ServiceEntry',
    ports: entry.ports.map((port) => ({
      name: port.name,
      port: port.port,
      targetPort: port.targetPort ?? port.port,
      protocol: declaredProtocol(port.protocol, port.name),
    })),
    resolution,
    addresses: entry.addresses.filter((address) => !address.includes('/')),
    exportTo: entry.exportTo.length > 0 ? entry.exportTo : config.defaultServiceExportTo,
    meshExternal: entry.location === 'MESH_EXTERNAL',
    publishNotReady: false,
    createdAt: entry.createdAt ?? 0,
    subjectAltNames: entry.subjectAltNames,
    entry,
  }));
}
