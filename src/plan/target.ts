/** What is planned: STRICT for the namespace, or policies that are not applied yet. */
import type { KubeObject } from '../istio/kubernetes.ts';
import { byCreation } from '../istio/metadata.ts';
import type { Mesh } from '../mesh/mesh.ts';
import { withChange } from '../mesh/what-if.ts';
import { asObject } from '../sources/json-value.ts';
import { written } from './exceptions.ts';

export interface Target {
  /** `STRICT for namespace shop`, or the files. */
  readonly text: string;
  readonly mesh: Mesh;
  /** The objects that make it so, as they are to be applied. */
  readonly policies: readonly KubeObject[];
  /** Of those that exist today, what they say. */
  readonly before: readonly KubeObject[];
}

/** STRICT in the policy that decides for the namespace today, because a new one beside an older one would be ignored. */
export function strictTarget(mesh: Mesh, namespace: string): Target {
  const deciding = mesh.peerAuthentications
    .filter((policy) => policy.namespace === namespace && policy.selector.labels === undefined)
    .toSorted(byCreation)[0];
  const existing = mesh.snapshot.objects.find(
    ({ object }) =>
      object.kind === 'PeerAuthentication' &&
      object.metadata.namespace === namespace &&
      object.metadata.name === deciding?.name,
  )?.object;
  const base: KubeObject =
    existing === undefined
      ? {
          apiVersion: 'security.istio.io/v1',
          kind: 'PeerAuthentication',
          metadata: {
            name: 'default',
            namespace,
            labels: { 'app.kubernetes.io/managed-by': 'padlock' },
          },
        }
      : written(existing);
  const policy: KubeObject = { ...base, spec: { ...asObject(base.spec), mtls: { mode: 'STRICT' } } };
  return {
    text: `STRICT for namespace ${namespace}`,
    mesh: withChange(mesh, { apply: [policy] }),
    policies: [policy],
    before: existing === undefined ? [] : [base],
  };
}

/** @param objects of files: policies as they would be applied */
export function whatIfTarget(mesh: Mesh, objects: readonly KubeObject[], text: string): Target {
  const present = new Map(mesh.snapshot.objects.map(({ object }) => [keyOf(object), object]));
  const before = objects.flatMap((object) => present.get(keyOf(object)) ?? []);
  return {
    text,
    mesh: withChange(mesh, { apply: objects }),
    policies: objects.map(written),
    before: before.map(written),
  };
}

function keyOf({ kind, metadata }: KubeObject): string {
  return `${kind} ${metadata.namespace ?? 'default'}/${metadata.name}`;
}
