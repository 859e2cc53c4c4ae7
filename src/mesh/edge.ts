/** What a client sends to one endpoint of a service port, and what comes of it. */
import type { Mesh, ServicePortEndpoint } from './mesh.ts';
import type { Reason } from './reason.ts';
import type { Workload } from './workload.ts';

/** `tls`: TLS that is not Istio's (a DestinationRule's SIMPLE or MUTUAL). */
export type Sends = 'istio-mtls' | 'plaintext' | 'tls';

/** `tls`: such TLS reaches the application unopened. */
export type Outcome = 'mtls' | 'plaintext' | 'tls' | 'refused';

/** One answer that holds for every pod of the client and the server workload. */
export interface Edge {
  readonly client: Workload;
  readonly host: string;
  /** The Service's port. */
  readonly port: number;
  /** Absent: the endpoint belongs to no workload that was seen (an address outside the mesh). */
  readonly server?: Workload;
  /** `NAMESPACE/NAME` of the server workload, or the endpoint's address. */
  readonly serverName: string;
  readonly targetPort: number;
  /** The subset that a VirtualService routes to; absent for the whole service. */
  readonly subset?: string;
  readonly sends: Sends;
  readonly outcome: Outcome;
  readonly because: readonly Reason[];
}

/** The edge from a client workload to one endpoint of a service port; undefined when the client has no route to it. */
export function edge(
  _mesh: Mesh,
  _client: Workload,
  _host: string,
  _port: number,
  _endpoint: ServicePortEndpoint,
): Edge | undefined {
  throw new Error('in progress');
}

/** Clients that fare alike towards one host, and one of them to speak for all. */
export interface ClientClass {
  readonly clients: readonly Workload[];
  readonly representative: Workload;
}

/**
 * Every client of a host, in classes that differ in nothing that the host's edges look at. Their number depends on the rules
 * that name the host, not on the size of the mesh: edges by class are linear where edges by pair would be quadratic.
 */
export function clientClasses(_mesh: Mesh, _host: string): readonly ClientClass[] {
  throw new Error('in progress');
}

/** An edge for each client class, port and group of alike endpoints of one host. */
export interface ClassEdge extends Edge {
  readonly clients: readonly Workload[];
}

export function edgesTo(_mesh: Mesh, _host: string): readonly ClassEdge[] {
  throw new Error('in progress');
}
