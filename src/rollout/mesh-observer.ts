/** The observer of real meshes: config dumps for what is loaded, probes for what is proven. */

import { type ConfigDump, parseConfigDump } from '../evidence/envoy/config-dump.ts';
import { buildMesh } from '../mesh/mesh.ts';
import type { Cluster } from '../sources/cluster.ts';
import { readClusterSnapshot } from '../sources/cluster-snapshot.ts';
import type { Timing } from './carry-out.ts';
import { clientExpectations, type LoadingSources, lookAt, serverExpectations } from './loading.ts';
import type { Observer, ProofResult } from './observer.ts';

/** @param clock how long a snapshot is old */
export function meshObserver(cluster: Cluster, clock: Timing): Observer {
  const sourcesFor = (namespace: string): LoadingSources => ({
    now: () => clock.now(),
    readMesh: async (signal) =>
      buildMesh(await readClusterSnapshot(cluster, { namespaces: [namespace], signal })),
    readDump: (where, pod, signal) => readDump(cluster, where, pod, signal),
  });
  return {
    loading: ({ namespace }, { clients }) =>
      lookAt(sourcesFor(namespace), (mesh) => [
        ...serverExpectations(mesh, namespace),
        ...(clients ? clientExpectations(mesh, namespace) : []),
      ]),
    prove: async (): Promise<ProofResult> => ({ verdict: 'INCONCLUSIVE', rows: [] }),
  };
}

async function readDump(
  cluster: Cluster,
  namespace: string,
  pod: string,
  signal: AbortSignal,
): Promise<ConfigDump> {
  const { stdout } = await cluster.exec(
    namespace,
    pod,
    ['curl', '-s', 'http://localhost:15000/config_dump?include_eds'],
    { container: 'istio-proxy', signal },
  );
  return parseConfigDump(stdout, `${namespace}/${pod}`);
}
