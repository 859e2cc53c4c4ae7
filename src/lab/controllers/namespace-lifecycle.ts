/** Namespaces that are deleted: everything in them goes first, then the namespace. */
import type { KubeObject } from '../../istio/kubernetes.ts';
import type { Api, ResourceName } from '../api/api.ts';
import { ApiStatus } from '../api/status.ts';
import { timestamp } from './conditions.ts';
import type { Controller } from './controller.ts';
import { writeStatus } from './status-writer.ts';

const manager = 'kube-controller-manager';

/** Workloads go before what they own, so that nothing is made again meanwhile. */
const first: readonly ResourceName[] = [
  'cronjobs.batch',
  'jobs.batch',
  'deployments.apps',
  'statefulsets.apps',
  'daemonsets.apps',
  'replicasets.apps',
];

/** @param namespaced every namespaced resource that the API server serves; asked anew, since CRDs come and go */
export function namespaceLifecycleController(
  api: Api,
  namespaced: () => readonly ResourceName[],
  now: () => Date,
): Controller {
  return {
    name: 'namespace-controller',
    watches: ['namespaces', ...new Set(namespaced())],
    keysOf: ({ type, object }) => {
      if (object.kind === 'Namespace') return [object.metadata.name];
      return type === 'DELETED' ? [object.metadata.namespace ?? ''] : [];
    },
    reconcile(name) {
      const namespace = api.get('namespaces', undefined, name);
      if (namespace === undefined || namespace.metadata.deletionTimestamp === undefined) return undefined;
      const left = emptyOut(api, name, namespaced());
      if (left > 0) {
        writeStatus(api, 'namespaces', namespace, terminating(left, now()), manager);
        return undefined;
      }
      api.updateSubresource('namespaces', 'finalize', { ...namespace, spec: {} }, manager);
      return undefined;
    },
  };
}

/** Deletes what is not on its way out yet. @returns how many objects are still there. */
function emptyOut(api: Api, namespace: string, resources: readonly ResourceName[]): number {
  let left = 0;
  for (const resource of [...first, ...resources.filter((item) => !first.includes(item))]) {
    for (const object of api.list(resource, { namespace })) {
      if (object.metadata.deletionTimestamp === undefined) remove(api, resource, object);
    }
    left += api.list(resource, { namespace }).length;
  }
  return left;
}

function remove(api: Api, resource: ResourceName, object: KubeObject): void {
  try {
    api.delete(resource, object.metadata.namespace, object.metadata.name);
  } catch (error) {
    // The garbage collector, or the person, was first.
    if (!(error instanceof ApiStatus && error.reason === 'NotFound')) throw error;
  }
}

function terminating(left: number, now: Date): object {
  return {
    phase: 'Terminating',
    conditions: [
      {
        type: 'NamespaceContentRemaining',
        status: 'True',
        reason: 'SomeResourcesRemain',
        message: `Some resources are remaining: ${left} resource instances`,
        lastTransitionTime: timestamp(now),
      },
    ],
  };
}
