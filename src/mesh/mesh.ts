/** A Mesh: a Snapshot parsed once and indexed, ready for questions. Nothing here decides; it finds. */
import type { FieldProblem } from '../istio/fields.ts';
import type { ObjectRef } from '../istio/kubernetes.ts';
import type { PeerAuthentication } from '../istio/peer-authentication.ts';
import type { Service } from '../istio/service.ts';
import type { Origin, Snapshot } from './snapshot.ts';
import type { Workload } from './workload.ts';

/** A parsed object and where it was read. */
export type Read<Parsed> = Parsed & { readonly origin: Origin };

/** A field that could not be used as it stands, in one object. */
export interface ObjectProblem extends FieldProblem {
  readonly resource: ObjectRef;
  readonly origin: Origin;
}

/** An endpoint of a service port: alike pods of one workload, or one address that is no known pod. */
export interface ServicePortEndpoint {
  readonly workload?: Workload;
  /** Names of the workload's pods that are endpoints here; empty for a workload known by its template. */
  readonly pods: readonly string[];
  /** For endpoints outside the known workloads. */
  readonly address?: string;
  readonly targetPort: number;
  readonly ready: boolean;
}

export interface Mesh {
  readonly snapshot: Snapshot;
  /** By namespace, kind, name and variant. */
  readonly workloads: readonly Workload[];
  readonly services: readonly Read<Service>[];
  readonly peerAuthentications: readonly Read<PeerAuthentication>[];
  /** What the parsers could not read. */
  readonly problems: readonly ObjectProblem[];
}

/** Parses and indexes a snapshot, in time and memory linear in its size. Never throws, whatever the objects hold. */
export function buildMesh(_snapshot: Snapshot): Mesh {
  throw new Error('in progress');
}

/** Workloads of the given namespaces, or all. */
export function workloads(mesh: Mesh, namespaces?: readonly string[]): readonly Workload[] {
  return namespaces === undefined
    ? mesh.workloads
    : mesh.workloads.filter((workload) => namespaces.includes(workload.namespace));
}

/** The endpoints behind one port of a host. */
export function endpointsOf(_mesh: Mesh, _host: string, _port: number): readonly ServicePortEndpoint[] {
  throw new Error('in progress');
}
