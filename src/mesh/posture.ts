/** The machine-readable posture: a row for each pod and port, and for each pod as client and endpoint as server. */
import type { MtlsMode } from '../istio/peer-authentication.ts';
import type { Outcome, Sends } from './edge.ts';
import type { Mesh } from './mesh.ts';
import type { Reason } from './reason.ts';

export interface InboundRow {
  /** `NAMESPACE/NAME`. */
  readonly pod: string;
  readonly port: number;
  /** The proxy takes and ends Istio mutual TLS here. */
  readonly mtls: boolean;
  /** Plaintext gets through to the application. */
  readonly plaintext: boolean;
  /** The effective mode; it holds only where the port is captured, which `because` tells. */
  readonly mode: MtlsMode;
  readonly because: readonly Reason[];
}

export interface EdgeRow {
  readonly client: string;
  readonly host: string;
  /** The Service's port. */
  readonly port: number;
  readonly server: string;
  /** The endpoint's port. */
  readonly targetPort: number;
  readonly sends: Sends;
  readonly outcome: Outcome;
  readonly because: readonly Reason[];
}

export interface Posture {
  readonly inbound: readonly InboundRow[];
  readonly edges: readonly EdgeRow[];
}

export interface PostureOptions {
  /** Ports to answer for besides those that containers declare. */
  readonly ports?: readonly number[];
  /** Only pods of these namespaces in `inbound`, and edges that start or end in them. Absent: all. */
  readonly namespaces?: readonly string[];
}

/** Every row of the mesh. The number of edges is the product of clients and endpoints: use `edgeRows` to stream them. */
export function posture(mesh: Mesh, options: PostureOptions = {}): Posture {
  return { inbound: [...inboundRows(mesh, options)], edges: [...edgeRows(mesh, options)] };
}

export function* inboundRows(_mesh: Mesh, _options: PostureOptions = {}): Generator<InboundRow> {
  throw new Error('in progress');
}

export function* edgeRows(_mesh: Mesh, _options: PostureOptions = {}): Generator<EdgeRow> {
  throw new Error('in progress');
}
