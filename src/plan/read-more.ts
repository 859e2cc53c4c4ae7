/** What only a plan reads: who calls from outside the mesh by configuration. Kinds that a cluster has not are no gap. */
import { PadlockError } from '../errors.ts';
import type { Snapshot, SnapshotObject, Unseen } from '../mesh/snapshot.ts';
import type { Cluster, ResourceType } from '../sources/cluster.ts';
import { trimForSnapshot } from '../sources/snapshot-object.ts';
import { planTypes, resourceName } from '../sources/snapshot-types.ts';

/** @returns the snapshot with those objects; what may not be read becomes `unseen`. Throws what a broken connection throws. */
export async function withCallers(
  cluster: Cluster,
  snapshot: Snapshot,
  namespace: string,
  signal?: AbortSignal,
): Promise<Snapshot> {
  const read = await Promise.all(planTypes.map((type) => readType(cluster, type, namespace, signal)));
  const origin = { source: `context ${cluster.context}` };
  return {
    ...snapshot,
    objects: [
      ...snapshot.objects,
      ...read.flatMap(({ items }) =>
        items.map((object): SnapshotObject => ({ object: trimForSnapshot(object), origin })),
      ),
    ],
    unseen: [...snapshot.unseen, ...read.flatMap(({ unseen }) => unseen)],
  };
}

async function readType(
  cluster: Cluster,
  type: ResourceType,
  namespace: string,
  signal: AbortSignal | undefined,
): Promise<{
  readonly items: Awaited<ReturnType<Cluster['list']>>['items'];
  readonly unseen: readonly Unseen[];
}> {
  const more = signal === undefined ? {} : { signal };
  // Where the operator's kinds are not installed, RBAC would still refuse them; and what is not there is no gap.
  if (!(await isServed(cluster, type, signal))) return { items: [], unseen: [] };
  // An Ingress leads to Services of its own namespace only; a monitor watches from anywhere.
  const where = type.plural === 'ingresses' ? { namespace } : {};
  try {
    const { items } = await cluster.list(type, { ...where, ...more });
    return { items, unseen: [] };
  } catch (error) {
    if (!(error instanceof PadlockError)) throw error;
    if (error.code === 'CLUSTER_NOT_FOUND') return { items: [], unseen: [] };
    if (error.code !== 'CLUSTER_FORBIDDEN') throw error;
    const unseen = { resource: resourceName(type), ...where, reason: error.message };
    if (!type.namespaced || 'namespace' in where) return { items: [], unseen: [unseen] };
    return { items: await readOne(cluster, type, namespace, more), unseen: [unseen] };
  }
}

/** Kinds of Kubernetes itself are there; of others discovery tells, which everybody may ask. */
async function isServed(
  cluster: Cluster,
  { group, version }: ResourceType,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if (group.endsWith('.k8s.io')) return true;
  const path = `/apis/${group}/${version}`;
  const answer = await cluster.raw({ method: 'GET', path, ...(signal === undefined ? {} : { signal }) });
  return answer.status !== 404;
}

/** Monitors of the namespace itself, where those of all may not be read. */
async function readOne(
  cluster: Cluster,
  type: ResourceType,
  namespace: string,
  more: { readonly signal?: AbortSignal },
): Promise<Awaited<ReturnType<Cluster['list']>>['items']> {
  try {
    return (await cluster.list(type, { namespace, ...more })).items;
  } catch (error) {
    // The refusal for all namespaces is told already.
    if (error instanceof PadlockError && error.code === 'CLUSTER_FORBIDDEN') return [];
    throw error;
  }
}
