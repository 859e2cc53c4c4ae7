/** What one run of the proof shares between its rows. */
import type { Mesh } from '../../mesh/mesh.ts';
import type { Workload } from '../../mesh/workload.ts';
import type { Cluster } from '../../sources/cluster.ts';
import type { ReadCertificate } from '../certificates/certificate.ts';
import type { EnvoyDump } from '../envoy/config-dump.ts';
import { type ClientSearch, findMeshClient, type MeshClient } from '../probe/clients.ts';
import type { Container, Curl } from '../probe/curl.ts';
import type { Pace } from '../probe/pace.ts';
import type { ProbesByNamespace } from '../probe/probe-pods.ts';
import type { AdminReader } from '../proxy/admin.ts';
import { type ProxyFacts, readClientDump } from '../proxy/loaded.ts';
import type { ProxyReader } from '../proxy/reader.ts';
import type { VerifyRow } from './row.ts';

export interface VerifyEffects {
  readonly cluster: Cluster;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** A short random text for each probe, so that its traces can be told from others'. */
  readonly nonce: () => string;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (done: number, total: number) => void;
  /** Each row as soon as it is probed, for a report of a run that dies early. */
  readonly onRow?: (row: VerifyRow) => void;
}

export interface Run {
  readonly mesh: Mesh;
  readonly effects: VerifyEffects & { readonly curl: Curl };
  readonly pace: Pace;
  readonly reader: ProxyReader;
  /** By `NAMESPACE/POD`. */
  readonly facts: ReadonlyMap<string, ProxyFacts>;
  readonly clients: ClientFinder;
  /** Containers whose traffic no sidecar captures, for callers in plaintext and by foreign TLS. */
  readonly outsiders: readonly Container[];
  readonly probes: ProbesByNamespace;
  readonly mutualTlsOnly: boolean;
  readonly meshRoots: readonly ReadCertificate[];
}

/** A client and what its sidecar has loaded. */
export interface Client {
  readonly search: ClientSearch;
  readonly dump: EnvoyDump | undefined;
}

/** The client of each namespace, and the same for all where none was made for it. */
export type ClientFinder = (namespace: string) => Promise<Client>;

export function factsOf(run: Run, workload: Workload, pod: string): ProxyFacts | undefined {
  return run.facts.get(`${workload.namespace}/${pod}`);
}

/** Looks for a client when the first probe needs one, and once. */
export function clientFinder(
  mesh: Mesh,
  options: { readonly namespaces?: readonly string[]; readonly probes?: ProbesByNamespace },
  effects: VerifyEffects,
  admin: AdminReader,
): ClientFinder {
  const found = new Map<string, Promise<Client>>();
  const look = async (made: MeshClient | undefined): Promise<Client> => {
    const search: ClientSearch =
      made === undefined
        ? await findMeshClient(effects.cluster, mesh, options.namespaces, effects.signal)
        : { found: made };
    const dump =
      search.found === undefined
        ? undefined
        : await readClientDump(admin, search.found.namespace, search.found.pod);
    return { search, dump };
  };
  return (namespace) => {
    const made = options.probes?.get(namespace)?.client;
    const key = made === undefined ? '' : namespace;
    const known = found.get(key) ?? look(made);
    found.set(key, known);
    return known;
  };
}
