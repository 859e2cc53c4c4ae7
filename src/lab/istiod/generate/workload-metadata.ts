/** What a workload is called: its owner's name, its canonical service, and the labels that metrics show. */
import type { Pod } from '../../../istio/pod.ts';
import type { WorkloadMetadata } from '../../sidecar/config/proxy-config.ts';
import type { MeshEndpoint } from '../model/service-endpoints.ts';

export const clusterId = 'Kubernetes';

/** A Deployment's pods are called after the Deployment, a CronJob's after the CronJob, others after their owner. */
export function workloadName(pod: Pod): string {
  const owner = pod.owners.find((item) => item.controller === true) ?? pod.owners[0];
  if (owner === undefined) return pod.name;
  if (owner.kind === 'ReplicaSet') return owner.name.replace(/-[0-9a-z]+$/, '');
  if (owner.kind === 'Job') return owner.name.replace(/-\d{8,}$/, '');
  return owner.name;
}

export function workloadMetadata(pod: Pod): WorkloadMetadata {
  const { labels } = pod;
  const name = workloadName(pod);
  return {
    name,
    namespace: pod.namespace,
    app: labels.app ?? labels['app.kubernetes.io/name'] ?? 'unknown',
    version: labels.version ?? labels['app.kubernetes.io/version'] ?? 'unknown',
    canonicalName:
      labels['service.istio.io/canonical-name'] ?? labels['app.kubernetes.io/name'] ?? labels.app ?? name,
    canonicalRevision:
      labels['service.istio.io/canonical-revision'] ??
      labels['app.kubernetes.io/version'] ??
      labels.version ??
      'latest',
    serviceAccount: pod.serviceAccount,
    cluster: clusterId,
  };
}

/** `workload;namespace;canonical name;canonical revision;cluster`, as endpoints carry it. */
export function workloadLabel({ pod, namespace }: MeshEndpoint): string {
  if (pod === undefined) return `;${namespace};;;${clusterId}`;
  const { name, canonicalName, canonicalRevision } = workloadMetadata(pod);
  // The default revision is left out.
  const revision = canonicalRevision === 'latest' ? '' : canonicalRevision;
  return [name, pod.namespace, canonicalName, revision, clusterId].join(';');
}
