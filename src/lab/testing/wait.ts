/** Waiting for conditions in tests: by the watch, never by the clock. */
import type { KubeObject } from '../../istio/kubernetes.ts';
import type { Api } from '../api/api.ts';

/** Resolves with what `look` finds, looking again after each change of the resources. Rejects after `milliseconds`. */
export function eventually<T>(
  api: Api,
  resources: readonly string[],
  look: () => T | undefined | false,
  milliseconds = 20_000,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      unwatch();
    };
    const timer = setTimeout(() => {
      stop();
      reject(new Error(`not so within ${milliseconds} ms: ${look.toString()}`));
    }, milliseconds);
    const check = (): void => {
      try {
        const found = look();
        if (found === undefined || found === false) return;
        stop();
        resolve(found);
      } catch (error) {
        stop();
        reject(error);
      }
    };
    const unwatch = api.watch(resources, check);
    check();
  });
}

/** Fields of an object's status, for tests' conditions. */
export function statusOf(object: KubeObject | undefined): Readonly<Record<string, unknown>> {
  const status = object?.status;
  return typeof status === 'object' && status !== null ? { ...status } : {};
}

/** The deployment's pods are all of its newest template, available, and no others are left. */
export function isRolledOut(deployment: KubeObject | undefined): boolean {
  const { updatedReplicas, availableReplicas, replicas, observedGeneration } = statusOf(deployment);
  const spec = deployment?.spec;
  const wanted = typeof spec === 'object' && spec !== null && 'replicas' in spec ? spec.replicas : 1;
  return (
    observedGeneration === deployment?.metadata.generation &&
    updatedReplicas === wanted &&
    availableReplicas === wanted &&
    replicas === wanted
  );
}
