/** Writes the objects of a running lab onto a real API server, as a kubelet and its controllers would have: spec and status. */
import type { KubeObject } from '../../src/istio/kubernetes.ts';
import type { Api } from '../../src/lab/api/api.ts';
import type { Cluster } from '../../src/sources/cluster.ts';
import { resourcePath } from '../../src/sources/kube/resource-path.ts';

interface Copied {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly namespaced: boolean;
}

const core = (plural: string, namespaced = true): Copied => ({
  group: '',
  version: 'v1',
  plural,
  namespaced,
});
const of = (group: string, plural: string, namespaced = true): Copied => ({
  group,
  version: 'v1',
  plural,
  namespaced,
});

/** In an order in which each may name the ones before it. Webhooks come last: nobody would answer them. */
const kinds: readonly Copied[] = [
  core('namespaces', false),
  core('nodes', false),
  core('serviceaccounts'),
  core('configmaps'),
  core('services'),
  of('apps', 'deployments'),
  of('apps', 'replicasets'),
  core('pods'),
  of('discovery.k8s.io', 'endpointslices'),
  core('endpoints'),
  of('security.istio.io', 'peerauthentications'),
  of('networking.istio.io', 'destinationrules'),
  of('admissionregistration.k8s.io', 'mutatingwebhookconfigurations', false),
];

const withStatus: ReadonlySet<string> = new Set(['nodes', 'deployments', 'replicasets', 'pods', 'services']);

export async function copyMesh(from: Api, to: Cluster): Promise<void> {
  const uids = new Map<string, string>();
  for (const kind of kinds) {
    const name = kind.group === '' ? kind.plural : `${kind.plural}.${kind.group}`;
    for (const object of from.list(name)) await copy(object, kind, to, uids);
  }
}

async function copy(object: KubeObject, kind: Copied, to: Cluster, uids: Map<string, string>): Promise<void> {
  const { namespace, name, uid = '', labels, annotations, ownerReferences } = object.metadata;
  const owners = ownerReferences?.map((owner) => ({ ...owner, uid: uids.get(owner.uid ?? '') ?? owner.uid }));
  const metadata = { name, namespace, labels, annotations, ownerReferences: owners };
  const body = { ...object, metadata };
  // What a new cluster has of its own stays: the default namespaces, accounts and the kubernetes service.
  if ((await to.get(kind, namespace, name)) !== undefined) return;
  const made = await send(to, 'POST', resourcePath(kind, namespace), body);
  if (made.status !== 201) throw new Error(`${kind.plural} ${namespace}/${name}: ${made.body}`);
  const stored: KubeObject = JSON.parse(made.body);
  uids.set(uid, stored.metadata.uid ?? '');
  if (!withStatus.has(kind.plural)) return;
  const path = `${resourcePath(kind, namespace, name)}/status`;
  const updated = await send(to, 'PUT', path, { ...stored, status: object.status });
  if (updated.status !== 200)
    throw new Error(`status of ${kind.plural} ${namespace}/${name}: ${updated.body}`);
}

function send(cluster: Cluster, method: 'POST' | 'PUT', path: string, body: unknown) {
  return cluster.raw({
    method,
    path,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}
