/**
 * Keeps the pods that come and go within a window, so that a sender that lived for seconds has a name. Without the right to
 * watch pods, and after a watch has ended, those senders are addresses; nothing else depends on it.
 */
import { PadlockError } from '../../errors.ts';
import type { KubeObject } from '../../istio/kubernetes.ts';
import type { Cluster } from '../../sources/cluster.ts';
import { asText, dig } from '../../sources/json-value.ts';
import { resourcePath } from '../../sources/kube/resource-path.ts';
import { podsType } from '../../sources/snapshot-types.ts';

export interface PodWatch {
  /** Ends the watch. @returns the last state of each pod that changed since it began */
  end(): Promise<readonly KubeObject[]>;
}

/**
 * Watches all pods, or, where only that is allowed, those of the asked namespaces. Resolves once it is known from which moment on;
 * the watch itself goes on until its end.
 */
export async function watchPods(
  cluster: Cluster,
  namespaces: readonly string[] | undefined,
  signal?: AbortSignal,
): Promise<PodWatch> {
  const stop = new AbortController();
  const either = signal === undefined ? stop.signal : AbortSignal.any([stop.signal, signal]);
  const seen = new Map<string, KubeObject>();
  const version = await currentVersion(cluster, undefined, either);
  const watches: Promise<void>[] = [];
  if (version !== undefined) {
    watches.push(follow(cluster, undefined, version, either, seen));
  } else {
    for (const namespace of namespaces ?? []) {
      const own = await currentVersion(cluster, namespace, either);
      if (own !== undefined) watches.push(follow(cluster, namespace, own, either, seen));
    }
  }
  return {
    end: async () => {
      stop.abort();
      await Promise.all(watches);
      return [...seen.values()];
    },
  };
}

/** The state of the pods now, without reading them: a list of one. */
async function currentVersion(
  cluster: Cluster,
  namespace: string | undefined,
  signal: AbortSignal,
): Promise<string | undefined> {
  const path = `${resourcePath(podsType, namespace)}?limit=1`;
  const answer = await cluster.raw({ method: 'GET', path, signal });
  if (answer.status !== 200) return undefined;
  try {
    return asText(dig(JSON.parse(answer.body), 'metadata', 'resourceVersion'));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

async function follow(
  cluster: Cluster,
  namespace: string | undefined,
  version: string,
  signal: AbortSignal,
  seen: Map<string, KubeObject>,
): Promise<void> {
  const options = { signal, ...(namespace === undefined ? {} : { namespace }) };
  try {
    for await (const event of cluster.watch(podsType, version, options)) {
      if (event.type === 'ERROR' || event.type === 'BOOKMARK') continue;
      const { uid, name } = event.object.metadata;
      seen.set(uid ?? `${event.object.metadata.namespace}/${name}`, event.object);
    }
  } catch (error) {
    if (signal.aborted || error instanceof PadlockError) return;
    throw error;
  }
}
