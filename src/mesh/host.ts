/** Hosts that clients call: Kubernetes Services and the hosts of ServiceEntries, in one shape. */
import { serviceHost } from '../istio/hostname.ts';
import type { ObjectRef } from '../istio/kubernetes.ts';
import { type PortProtocol, portProtocol } from '../istio/protocol.ts';
import type { Service } from '../istio/service.ts';
import type { ServiceEntry } from '../istio/service-entry.ts';
import type { Read } from './mesh.ts';
import type { Origin } from './snapshot.ts';

export interface HostPort {
  readonly name: string;
  readonly port: number;
  readonly protocol: PortProtocol;
  readonly targetPort: number | string;
}

/**
 * How clients find a host's endpoints: from the control plane (`eds`), at the address that was called (`passthrough`: a
 * headless Service, a ServiceEntry without resolution), by DNS, or through another host (`alias`).
 */
export type HostResolution = 'eds' | 'passthrough' | 'dns' | 'alias';

export interface MeshHost {
  readonly host: string;
  readonly namespace: string;
  readonly ref: ObjectRef;
  readonly origin: Origin;
  /** Undefined: the mesh's default holds. */
  readonly exportTo?: readonly string[];
  readonly ports: readonly HostPort[];
  readonly resolution: HostResolution;
  /** Declared as outside the mesh: automatic mutual TLS is never used. */
  readonly external: boolean;
  readonly aliasOf?: string;
  /** The address that clients call; absent for headless Services and where none is known. */
  readonly address?: string;
  readonly service?: Read<Service>;
  readonly entry?: Read<ServiceEntry>;
}

export function hostOfService(service: Read<Service>, clusterDomain: string): MeshHost {
  const alias = service.externalName !== undefined && service.externalName !== '';
  const exportTo = service.annotations['networking.istio.io/exportTo'];
  return {
    host: serviceHost(service.name, service.namespace, clusterDomain),
    namespace: service.namespace,
    ref: service.ref,
    origin: service.origin,
    ...(exportTo === undefined || exportTo === ''
      ? {}
      : { exportTo: exportTo.split(',').map((part) => part.trim()) }),
    ports: service.ports.map((port) => ({
      name: port.name,
      port: port.port,
      protocol: portProtocol(port),
      targetPort: port.targetPort,
    })),
    resolution: service.headless ? 'passthrough' : alias ? 'alias' : 'eds',
    external: alias,
    ...(alias && service.externalName !== undefined ? { aliasOf: service.externalName } : {}),
    ...(service.clusterIP === '' || service.clusterIP === 'None' ? {} : { address: service.clusterIP }),
    service,
  };
}

/** A ServiceEntry's hosts; each is a host of its own with the same ports and endpoints. */
export function hostsOfEntry(entry: Read<ServiceEntry>): readonly MeshHost[] {
  const resolution = {
    NONE: 'passthrough',
    STATIC: 'eds',
    DNS: 'dns',
    DNS_ROUND_ROBIN: 'dns',
    DYNAMIC_DNS: 'dns',
  } as const;
  const address = entry.addresses[0];
  return entry.hosts.map((host) => ({
    host,
    namespace: entry.namespace,
    ref: entry.ref,
    origin: entry.origin,
    ...(entry.exportTo.length === 0 ? {} : { exportTo: entry.exportTo }),
    ports: entry.ports.map((port) => ({
      name: port.name,
      port: port.port,
      // A ServiceEntry's protocol is a word of its own; an empty one falls back to the port's name.
      protocol: portProtocol({
        name: port.name,
        port: port.port,
        protocol: port.protocol.toUpperCase() === 'UDP' ? 'UDP' : 'TCP',
        ...(port.protocol === '' ? {} : { appProtocol: port.protocol }),
      }),
      targetPort: port.targetPort ?? port.port,
    })),
    resolution: resolution[entry.resolution],
    external: entry.location === 'MESH_EXTERNAL',
    ...(address === undefined || address.includes('/') ? {} : { address }),
    entry,
  }));
}

export function portOf(host: MeshHost, port: number): HostPort | undefined {
  return host.ports.find((candidate) => candidate.port === port);
}
