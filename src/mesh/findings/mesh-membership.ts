/** Which namespaces take part in the mesh, and which workloads are no applications of anybody. */
import type { StringMap } from '../../istio/fields.ts';
import { noStrings } from '../../istio/fields.ts';
import { type InjectionDecision, wouldInject } from '../../istio/injection.ts';
import type { Mesh } from '../mesh.ts';
import type { Workload } from '../workload.ts';
import { workloadsIn } from './selected-workloads.ts';

/** Namespaces of Kubernetes itself; Istio never injects there. */
const systemNamespaces: ReadonlySet<string> = new Set([
  'kube-system',
  'kube-public',
  'kube-node-lease',
  'local-path-storage',
]);

export function labelsOfNamespace(mesh: Mesh, namespace: string): StringMap {
  return mesh.namespaces.get(namespace)?.labels ?? noStrings;
}

/** What injection would make of a new pod of this workload. */
export function injectionOf(mesh: Mesh, workload: Workload): InjectionDecision {
  return wouldInject(workload.namespace, labelsOfNamespace(mesh, workload.namespace), workload);
}

/** True for what belongs to the cluster or to the mesh's own control plane: it is not secured by PeerAuthentication. */
export function isInfrastructure(mesh: Mesh, workload: Workload): boolean {
  return workload.namespace === mesh.config.rootNamespace || systemNamespaces.has(workload.namespace);
}

const membership = new WeakMap<Mesh, Map<string, boolean>>();

/** True when a namespace is meant to be in the mesh: its labels say so, or some workload there has a proxy. */
export function isMeshNamespace(mesh: Mesh, namespace: string): boolean {
  let known = membership.get(mesh);
  if (known === undefined) {
    known = new Map();
    membership.set(mesh, known);
  }
  let answer = known.get(namespace);
  if (answer === undefined) {
    const labels = labelsOfNamespace(mesh, namespace);
    answer =
      labels['istio-injection'] === 'enabled' ||
      (labels['istio-injection'] === undefined && labels['istio.io/rev'] !== undefined) ||
      labels['istio.io/dataplane-mode'] === 'ambient' ||
      workloadsIn(mesh, namespace).some(
        ({ dataplane }) => dataplane === 'sidecar' || dataplane === 'ambient',
      );
    known.set(namespace, answer);
  }
  return answer;
}

/** True when all pods that were seen are done: a finished Job's pods answer nobody. */
export function isFinished(workload: Workload): boolean {
  return (
    workload.pods.length > 0 &&
    workload.pods.every(({ phase }) => phase === 'Succeeded' || phase === 'Failed')
  );
}
