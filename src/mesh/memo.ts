/** Answers that were already given for one mesh, so that each is worked out once. A what-if keeps those that it cannot touch. */
import type { AmbientDecision } from '../istio/ambient.ts';
import type { ComposedMode } from '../istio/effective-mode.ts';
import type { PeerAuthentication } from '../istio/peer-authentication.ts';
import type { ClientPartition } from './client-classes.ts';
import type { DeclaredPort } from './declared-ports.ts';
import type { ClassEdge } from './edge.ts';
import type { MeshHost } from './host.ts';
import type { Inbound } from './inbound.ts';
import type { Read, ServicePortEndpoint } from './mesh.ts';
import type { Workload } from './workload.ts';

export interface Memo {
  /** By the labels and namespace that policies are matched against: the workload itself, for its own sake. */
  readonly composed: Map<Workload, ComposedMode<Read<PeerAuthentication>>>;
  readonly ambient: Map<Workload, AmbientDecision>;
  readonly inbound: Map<Workload, Map<number, Inbound>>;
  readonly edgesTo: Map<string, readonly ClassEdge[]>;
  /** These follow from the inventory alone: no policy changes them. */
  readonly endpoints: Map<MeshHost, ReadonlyMap<number, readonly ServicePortEndpoint[]>>;
  readonly declaredPorts: Map<Workload, ReadonlyMap<number, DeclaredPort>>;
  readonly ports: Map<Workload, readonly number[]>;
  /** The hosts that a workload is an endpoint of, by what the inventory says. */
  hostsOf: ReadonlyMap<Workload, readonly string[]> | undefined;
  byAddress: ReadonlyMap<string, Workload> | undefined;
  /** Hosts of ServiceEntries, by namespace. */
  entryHosts: ReadonlyMap<string, readonly MeshHost[]> | undefined;
  /** Under `NAMESPACE/LABEL=VALUE`. */
  byLabel: ReadonlyMap<string, readonly Workload[]> | undefined;
  /** The mesh's clients, sorted into those that fare alike. */
  partition: ClientPartition | undefined;
}

export function emptyMemo(): Memo {
  return {
    composed: new Map(),
    ambient: new Map(),
    inbound: new Map(),
    edgesTo: new Map(),
    endpoints: new Map(),
    declaredPorts: new Map(),
    ports: new Map(),
    hostsOf: undefined,
    byAddress: undefined,
    entryHosts: undefined,
    byLabel: undefined,
    partition: undefined,
  };
}
