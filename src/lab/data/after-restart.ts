/** What a lab finds on disk, brought into the state of a cluster whose machines have just been switched on again. */
import type { KubeObject } from '../../istio/kubernetes.ts';
import type { StoredObject } from '../store/store.ts';

type Stored = StoredObject<KubeObject>;

/** Kinds whose controllers count anew from the pods that they find. */
const counted: ReadonlySet<string> = new Set([
  'deployments.apps',
  'replicasets.apps',
  'statefulsets.apps',
  'daemonsets.apps',
]);

/**
 * No container runs: pods wait to be started again on their nodes, and what counted ready pods has none. Nodes
 * beyond `nodes`, and the pods on them, are gone.
 */
export function afterRestart(objects: readonly Stored[], nodes: ReadonlySet<string>): readonly Stored[] {
  return objects.flatMap((stored) => {
    const { resource, object } = stored;
    if (resource === 'nodes' && !nodes.has(object.metadata.name)) return [];
    if (resource === 'pods') return restartedPod(stored, nodes);
    if (!counted.has(resource)) return [stored];
    const { status: _counted, ...declared } = object;
    return [{ ...stored, object: { ...declared, status: { observedGeneration: 0 } } }];
  });
}

function restartedPod(stored: Stored, nodes: ReadonlySet<string>): readonly Stored[] {
  const { object } = stored;
  const status = fields(object.status);
  const node = fields(object.spec).nodeName;
  if (typeof node === 'string' && !nodes.has(node)) return [];
  if (status.phase === 'Succeeded' || status.phase === 'Failed') return [stored];
  const scheduled = Array.isArray(status.conditions)
    ? status.conditions.filter((one: unknown) => fields(one).type === 'PodScheduled')
    : [];
  const pending = { phase: 'Pending', qosClass: status.qosClass, conditions: scheduled };
  return [{ ...stored, object: { ...object, status: pending } }];
}

function fields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
