/** What changed between two meshes, by workload port and by edge. */
import type { Edge } from './edge.ts';
import type { Inbound } from './inbound.ts';
import type { Mesh } from './mesh.ts';

/** BREAKS: what worked is refused. WEAKENED: plaintext is accepted or sent where it was not. HARDENED: the reverse. */
export type ChangeKind = 'WEAKENED' | 'HARDENED' | 'BREAKS' | 'MENDS' | 'ADDED' | 'REMOVED';

export interface PortChange {
  readonly change: ChangeKind;
  /** `NAMESPACE/NAME` of the workload. */
  readonly workload: string;
  readonly port: number;
  readonly before?: Inbound;
  readonly after?: Inbound;
}

export interface EdgeChange {
  readonly change: ChangeKind;
  readonly client: string;
  readonly host: string;
  readonly port: number;
  readonly server: string;
  readonly before?: Edge;
  readonly after?: Edge;
}

export interface MeshDiff {
  readonly ports: readonly PortChange[];
  readonly edges: readonly EdgeChange[];
}

export function diffMeshes(_before: Mesh, _after: Mesh): MeshDiff {
  throw new Error('in progress');
}
