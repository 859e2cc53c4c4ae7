/** What a rollout knows before it plans, all of it from one snapshot. */
import { PadlockError } from '../errors.ts';
import { namespaceMode } from '../istio/effective-mode.ts';
import type { KubeObject } from '../istio/kubernetes.ts';
import type { MtlsMode } from '../istio/peer-authentication.ts';
import { buildMesh, type Mesh } from '../mesh/mesh.ts';
import type { Snapshot } from '../mesh/snapshot.ts';
import { asObjects, asText, dig } from '../sources/json-value.ts';
import { namespaceNotFound } from '../sources/namespace-not-found.ts';
import { type Owner, ownersOf } from './owners.ts';

export interface Facts {
  readonly namespace: KubeObject;
  readonly mesh: Mesh;
  readonly owners: readonly Owner[];
  readonly webhooks: readonly KubeObject[];
  /** The namespace's mode as clients see it. */
  readonly mode: MtlsMode;
  /** `1.29.0` of each control plane that runs. */
  readonly versions: readonly string[];
}

/** @throws PadlockError `NAMESPACE_NOT_FOUND`; `ISTIO_NOT_FOUND` where no control plane runs */
export function factsFrom(snapshot: Snapshot, namespaceName: string): Facts {
  const objects = snapshot.objects.map(({ object }) => object);
  const namespace = objects.find(
    (object) => object.kind === 'Namespace' && object.metadata.name === namespaceName,
  );
  if (namespace === undefined) {
    const known = objects.flatMap(({ kind, metadata }) => (kind === 'Namespace' ? [metadata.name] : []));
    throw namespaceNotFound(namespaceName, known);
  }
  const controlPlanes = objects.filter(
    (object) => object.kind === 'Pod' && object.metadata.labels?.app === 'istiod',
  );
  if (controlPlanes.length === 0) {
    throw new PadlockError('ISTIO_NOT_FOUND', `no control plane (istiod) runs in ${snapshot.source}`, {
      hint: 'see kubectl get pods -A -l app=istiod; istio.io/latest/docs/setup tells how to install it',
    });
  }
  const mesh = buildMesh(snapshot);
  return {
    namespace,
    mesh,
    owners: ownersOf(mesh, namespaceName),
    webhooks: objects.filter((object) => object.kind === 'MutatingWebhookConfiguration'),
    mode: namespaceMode(mesh.policies, namespaceName),
    versions: [...new Set(controlPlanes.map(versionOf))].filter((version) => version !== undefined),
  };
}

/** The tag of istiod's image, which is Istio's version on every ordinary installation. */
function versionOf(pod: KubeObject): string | undefined {
  const images = asObjects(dig(pod, 'spec', 'containers')).map((container) => asText(container.image) ?? '');
  return images.map((image) => /:v?(\d+\.\d+(?:\.\d+)?)/.exec(image)?.[1]).find((tag) => tag !== undefined);
}
