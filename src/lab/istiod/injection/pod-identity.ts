/** What the injector works out about a pod that has no name yet: its workload, owner and canonical service. */
import { type Fields, isFields } from '../../../istio/fields.ts';
import type { KubeObject } from '../../../istio/kubernetes.ts';

export interface PodIdentity {
  readonly workload: string;
  /** `kubernetes://apis/apps/v1/namespaces/NS/deployments/NAME` */
  readonly owner: string;
  readonly namespace: string;
  readonly canonicalName: string;
  readonly canonicalRevision: string;
  /** Application containers. */
  readonly containers: readonly string[];
  readonly ports: readonly Fields[];
}

export function podIdentity(pod: KubeObject, namespace: string): PodIdentity {
  const labels = pod.metadata.labels ?? {};
  const { workload, owner } = ownerOf(pod, namespace);
  const spec = isFields(pod.spec) ? pod.spec : {};
  const containers = Array.isArray(spec.containers) ? spec.containers.filter(isFields) : [];
  return {
    workload,
    owner,
    namespace,
    canonicalName:
      labels['service.istio.io/canonical-name'] ?? labels['app.kubernetes.io/name'] ?? labels.app ?? workload,
    canonicalRevision:
      labels['service.istio.io/canonical-revision'] ??
      labels['app.kubernetes.io/version'] ??
      labels.version ??
      'latest',
    containers: containers.map((container) => String(container.name)),
    ports: containers.flatMap(({ ports }) => (Array.isArray(ports) ? ports.filter(isFields) : [])),
  };
}

function ownerOf(pod: KubeObject, namespace: string): { readonly workload: string; readonly owner: string } {
  const owner = pod.metadata.ownerReferences?.find((item) => item.controller === true);
  const path = (apis: string, plural: string, name: string): string =>
    `kubernetes://${apis}/namespaces/${namespace}/${plural}/${name}`;
  if (owner === undefined) {
    const name = pod.metadata.name || (pod.metadata.generateName ?? '').replace(/-$/, '');
    return { workload: name, owner: path('apis/v1', 'pods', name) };
  }
  if (owner.kind === 'ReplicaSet') {
    const name = owner.name.replace(/-[0-9a-z]+$/, '');
    return { workload: name, owner: path('apis/apps/v1', 'deployments', name) };
  }
  const group = owner.apiVersion.includes('/') ? `apis/${owner.apiVersion}` : 'api/v1';
  return { workload: owner.name, owner: path(group, `${owner.kind.toLowerCase()}s`, owner.name) };
}
