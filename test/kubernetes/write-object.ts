/** Writes an object to a real API server as its owner would: the object, then its status. */
import type { KubeObject } from '../../src/istio/kubernetes.ts';
import type { Cluster, ResourceType } from '../../src/sources/cluster.ts';
import { resourcePath } from '../../src/sources/kube/resource-path.ts';

const clusterWide: ReadonlySet<string> = new Set(['nodes', 'namespaces']);

/** @returns the object as it is stored. @throws Error with the server's answer */
export async function writeObject(cluster: Cluster, plural: string, object: KubeObject): Promise<KubeObject> {
  const [group = '', version = 'v1'] = object.apiVersion.includes('/')
    ? object.apiVersion.split('/')
    : ['', object.apiVersion];
  const type: ResourceType = { group, version, plural, namespaced: !clusterWide.has(plural) };
  const { namespace, name } = object.metadata;
  const made = await send(cluster, 'POST', resourcePath(type, namespace), object, 201);
  if (object.status === undefined) return made;
  const path = `${resourcePath(type, namespace, name)}/status`;
  return send(cluster, 'PUT', path, { ...made, status: object.status }, 200);
}

async function send(
  cluster: Cluster,
  method: 'POST' | 'PUT',
  path: string,
  body: unknown,
  expected: number,
): Promise<KubeObject> {
  const answer = await cluster.raw({
    method,
    path,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (answer.status !== expected) throw new Error(`${method} ${path}: ${answer.status} ${answer.body}`);
  return JSON.parse(answer.body);
}
