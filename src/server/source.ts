/** What the dashboard looks at: one look at a time, numbered, and a word whenever there is a new one. */
import { buildMesh, type Mesh } from '../mesh/mesh.ts';
import type { Snapshot } from '../mesh/snapshot.ts';
import type { Cluster } from '../sources/cluster.ts';
import { pageSnapshot } from './page-snapshot.ts';
import type { DashboardEvent } from './wire.ts';

export interface Look {
  readonly revision: number;
  readonly snapshot: Snapshot;
  /** The snapshot as the page gets it, as JSON. */
  readonly page: string;
  readonly mesh: Mesh;
}

export interface Source {
  /** Absent for manifests and saved snapshots: nothing to watch, to probe or to change. */
  readonly cluster?: Cluster;
  /** The namespaces that were asked about; absent: all. */
  readonly namespaces?: readonly string[];
  readonly look: Look;
  /** What the last try to read failed with; undefined when it worked. */
  readonly problem: string | undefined;
  /** Calls `tell` for whatever happens until `close`. */
  start(tell: (event: DashboardEvent) => void): void;
  close(): Promise<void>;
}

export function lookAt(revision: number, snapshot: Snapshot): Look {
  let mesh: Mesh | undefined;
  return {
    revision,
    snapshot,
    page: JSON.stringify(pageSnapshot(snapshot)),
    get mesh() {
      mesh ??= buildMesh(snapshot);
      return mesh;
    },
  };
}

/** A snapshot that does not change. */
export function fixedSource(snapshot: Snapshot, namespaces: readonly string[] | undefined): Source {
  return {
    ...(namespaces === undefined ? {} : { namespaces }),
    look: lookAt(1, snapshot),
    problem: undefined,
    start: () => undefined,
    close: async () => undefined,
  };
}
