/** A reference to a raw object, as the parsers make it: a namespaced manifest without a namespace lands in `default`. */
import type { KubeObject, ObjectRef } from '../../istio/kubernetes.ts';

const clusterScoped: ReadonlySet<string> = new Set([
  'Namespace',
  'Node',
  'CustomResourceDefinition',
  'MeshPolicy',
  'ClusterRbacConfig',
]);

export function refOfObject({ kind, metadata }: KubeObject): ObjectRef {
  const name = String(metadata?.name ?? '');
  if (clusterScoped.has(kind)) return { kind, name };
  return { kind, namespace: metadata?.namespace || 'default', name };
}
