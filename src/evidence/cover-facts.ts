/** What a bundle's cover says of the cluster and of who asked. A cover page is no reason to fail: what is not told says so. */
import type { Cluster, RawRequest } from '../sources/cluster.ts';
import { asText, dig } from '../sources/json-value.ts';

export interface CoverFacts {
  /** `v1.32.4`. */
  readonly kubernetes: string;
  /** The user as the API server knows it, not as a kubeconfig calls it. */
  readonly askedBy: string;
  /** The UID of namespace kube-system: unlike a context's name it is the cluster's own, and stays. */
  readonly clusterId: string;
}

/** @returns each fact, or `not told` with the reason */
export async function coverFacts(cluster: Cluster): Promise<CoverFacts> {
  const [kubernetes, askedBy, clusterId] = await Promise.all([
    told(cluster, { method: 'GET', path: '/version' }, 'gitVersion'),
    told(cluster, whoAmI, 'status', 'userInfo', 'username'),
    told(cluster, { method: 'GET', path: '/api/v1/namespaces/kube-system' }, 'metadata', 'uid'),
  ]);
  return { kubernetes, askedBy, clusterId };
}

const whoAmI: RawRequest = {
  method: 'POST',
  path: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }),
};

async function told(cluster: Cluster, request: RawRequest, ...path: readonly string[]): Promise<string> {
  const { status, body } = await cluster.raw(request);
  if (status !== 200 && status !== 201) return `not told (HTTP ${status})`;
  return asText(dig(JSON.parse(body), ...path)) ?? 'not told';
}
