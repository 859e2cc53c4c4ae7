/** `istio-ca-root-cert` in every namespace, as istiod keeps it: what a pod trusts its control plane by. */
import type { KubeObject } from '../../istio/kubernetes.ts';
import type { Api } from '../api/api.ts';
import { equalJson } from '../api/json.ts';
import { type Controller, runController } from '../controllers/controller.ts';

const name = 'istio-ca-root-cert';
const manager = 'pilot-discovery';

export interface MeshRoot {
  /** PEM; several certificates while the root is being rotated. */
  readonly trustBundle: () => string;
  /** Calls the listener after each change; returns the unsubscribing function. */
  readonly onBundleChange: (listener: () => void) => () => void;
}

/** Writes the config maps and keeps them right. @returns the function that stops it. */
export function publishMeshRoot(
  api: Api,
  root: MeshRoot,
  onError: (controller: string, key: string, error: unknown) => void,
): () => void {
  const controller: Controller = {
    name: 'istio-root-certificate',
    watches: ['namespaces', 'configmaps'],
    keysOf: ({ object }) => {
      if (object.kind === 'Namespace') return [object.metadata.name];
      return object.metadata.name === name ? [object.metadata.namespace ?? ''] : [];
    },
    reconcile(namespace) {
      const found = api.get('namespaces', undefined, namespace);
      if (found !== undefined && found.metadata.deletionTimestamp === undefined) {
        write(api, namespace, root.trustBundle());
      }
      return undefined;
    },
  };
  const stop = runController({ api, onError }, controller);
  const unsubscribe = root.onBundleChange(() => {
    for (const namespace of api.list('namespaces')) controller.reconcile(namespace.metadata.name);
  });
  return () => {
    stop();
    unsubscribe();
  };
}

function write(api: Api, namespace: string, certificate: string): void {
  const data = { 'root-cert.pem': certificate };
  const before = api.get('configmaps', namespace, name);
  const labels = { 'istio.io/config': 'true' };
  const wanted: KubeObject = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace, labels },
    data,
  };
  if (before === undefined) api.create('configmaps', wanted, manager);
  else if (!equalJson(before.data, data)) api.update('configmaps', { ...before, data }, manager);
}
