/** Finds containers from which a request can be made: an application container behind a sidecar, with curl in it. */
import { PadlockError } from '../../errors.ts';
import type { Mesh } from '../../mesh/mesh.ts';
import type { Workload } from '../../mesh/workload.ts';
import type { Cluster } from '../../sources/cluster.ts';
import { asObjects, asText, dig } from '../../sources/json-value.ts';
import type { Container } from './curl.ts';

export interface MeshClient extends Container {
  readonly workload: Pick<Workload, 'namespace' | 'serviceAccount' | 'revision'>;
  /** The client's address, as a server's access log shows it. */
  readonly address: string;
}

/** Annotation on a pod: `"false"` keeps probes away from it, as target and as client. */
export const optOutAnnotation = 'padlock.dev/probe';

export function optedOut(workload: Workload): boolean {
  return workload.annotations[optOutAnnotation] === 'false';
}

/** Images that are known to have curl come first; the search ends after so many containers. */
const likelyImage = /curl|sleep|netshoot|toolbox|debug|alpine\/|nicolaka/i;
const maxTries = 12;

export type ClientSearch =
  | { readonly found: MeshClient }
  | { readonly found: undefined; readonly why: string; readonly missingRight?: string };

/** Looks for a client once; every probe of a run uses the same one. */
export async function findMeshClient(
  cluster: Cluster,
  mesh: Mesh,
  namespaces: readonly string[] | undefined,
  signal: AbortSignal | undefined,
): Promise<ClientSearch> {
  const candidates = candidatesIn(mesh, namespaces).slice(0, maxTries);
  let refused: string | undefined;
  for (const candidate of candidates) {
    try {
      const result = await cluster.exec(candidate.namespace, candidate.pod, ['curl', '--version'], {
        container: candidate.container,
        maxOutput: 64 * 1024,
        ...(signal === undefined ? {} : { signal }),
      });
      if (result.exitCode === 0) return { found: candidate };
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof PadlockError)) throw error;
      if (error.code === 'CLUSTER_FORBIDDEN') refused ??= error.message;
    }
  }
  if (refused !== undefined) return { found: undefined, why: refused, missingRight: 'create pods/exec' };
  const tried =
    candidates.length === 0
      ? 'no ready pod has a sidecar'
      : `none of ${candidates.length} containers has curl`;
  return { found: undefined, why: tried };
}

/** Application containers of ready pods with a sidecar: the asked namespaces first, likely images before others. */
function candidatesIn(mesh: Mesh, namespaces: readonly string[] | undefined): readonly MeshClient[] {
  const images = imagesByPod(mesh);
  const all = mesh.workloads.filter((workload) => workload.dataplane === 'sidecar' && !optedOut(workload));
  const ranked = all.flatMap((workload) => {
    const pod = workload.pods.find((one) => one.ready && !one.deleting);
    const address = pod?.ips[0];
    if (pod === undefined || address === undefined) return [];
    return workload.containers
      .filter((container) => container !== 'istio-proxy')
      .map((container) => {
        const image = images.get(`${workload.namespace}/${pod.name}/${container}`) ?? '';
        const near = namespaces === undefined || namespaces.includes(workload.namespace);
        const client = { workload, namespace: workload.namespace, pod: pod.name, container, address };
        return { client, rank: (near ? 0 : 2) + (likelyImage.test(`${image} ${container}`) ? 0 : 1) };
      });
  });
  return ranked.toSorted((a, b) => a.rank - b.rank).map(({ client }) => client);
}

function imagesByPod(mesh: Mesh): ReadonlyMap<string, string> {
  const images = new Map<string, string>();
  for (const { object } of mesh.snapshot.objects) {
    if (object.kind !== 'Pod') continue;
    for (const container of asObjects(dig(object.spec, 'containers'))) {
      const key = `${object.metadata.namespace}/${object.metadata.name}/${asText(container.name)}`;
      images.set(key, asText(container.image) ?? '');
    }
  }
  return images;
}
