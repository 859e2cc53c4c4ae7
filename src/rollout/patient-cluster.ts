/**
 * The cluster as a rollout reads it: through an API server that is away for a moment. Clusters with one API server have
 * none while it is upgraded; a rollout in the middle of a step waits that out, and pauses where it takes longer.
 */
import { PadlockError } from '../errors.ts';
import type { Cluster } from '../sources/cluster.ts';
import type { Progress } from './progress.ts';

/** Less than a Lease lives without being renewed: nothing goes on under one that may be another run's by now. */
export const outOfReachMs = 25_000;
/** Between two looks at a server that is away. */
export const awayEveryMs = 1_000;

export interface Patience {
  readonly clock: {
    now(): number;
    sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
  };
  readonly signal: AbortSignal;
  readonly tell: (progress: Progress) => void;
}

/** Nothing answers there now; the question may be asked again, because nothing was begun. */
export function isOutOfReach(error: unknown): error is PadlockError {
  return error instanceof PadlockError && error.code === 'CLUSTER_UNREACHABLE';
}

/** Reads are asked again while nothing answers. Writes are not: whoever sends one knows whether it may be repeated. */
export function patientCluster(cluster: Cluster, { clock, signal, tell }: Patience): Cluster {
  /** Many reads meet the same silence; it is told once. */
  let isTold = false;
  async function patiently<T>(ask: () => Promise<T>): Promise<T> {
    let since: number | undefined;
    for (;;) {
      try {
        const answer = await ask();
        isTold = false;
        return answer;
      } catch (error) {
        if (signal.aborted || !isOutOfReach(error)) throw error;
        since ??= clock.now();
        if (clock.now() - since >= outOfReachMs) throw error;
        if (!isTold) tell({ event: 'waiting', detail: error.message });
        isTold = true;
        await clock.sleep(awayEveryMs, signal);
      }
    }
  }
  return {
    context: cluster.context,
    defaultNamespace: cluster.defaultNamespace,
    list: (type, options) => patiently(() => cluster.list(type, options)),
    get: (type, namespace, name) => patiently(() => cluster.get(type, namespace, name)),
    watch: (type, version, options) => cluster.watch(type, version, options),
    raw: (request) =>
      request.method === 'GET' ? patiently(() => cluster.raw(request)) : cluster.raw(request),
    exec: (namespace, pod, command, options) =>
      patiently(() => cluster.exec(namespace, pod, command, options)),
    portForward: (namespace, pod, port, signalled) =>
      patiently(() => cluster.portForward(namespace, pod, port, signalled)),
  };
}
