/** What every namespace gets: its `default` service account and the cluster's root certificate. */
import type { KubeObject } from '../../istio/kubernetes.ts';
import type { Api, ResourceName } from '../api/api.ts';
import { equalJson } from '../api/json.ts';
import type { Controller } from './controller.ts';

const manager = 'kube-controller-manager';

/** @param clusterCertificate PEM of the API server's authority, as `kube-root-ca.crt` carries it */
export function namespaceContentController(api: Api, clusterCertificate: string): Controller {
  return {
    name: 'namespace-content-controller',
    watches: ['namespaces', 'serviceaccounts', 'configmaps'],
    keysOf: ({ object }) => {
      if (object.kind === 'Namespace') return [object.metadata.name];
      const ours = object.metadata.name === 'default' || object.metadata.name === 'kube-root-ca.crt';
      return ours ? [object.metadata.namespace ?? ''] : [];
    },
    reconcile(namespace) {
      const found = api.get('namespaces', undefined, namespace);
      if (found === undefined || found.metadata.deletionTimestamp !== undefined) return undefined;
      if (api.get('serviceaccounts', namespace, 'default') === undefined) {
        const account = {
          apiVersion: 'v1',
          kind: 'ServiceAccount',
          metadata: { name: 'default', namespace },
        };
        api.create('serviceaccounts', account, manager);
      }
      ensureConfigMap(api, namespace, 'kube-root-ca.crt', { 'ca.crt': clusterCertificate });
      return undefined;
    },
  };
}

function ensureConfigMap(
  api: Api,
  namespace: string,
  name: string,
  data: Readonly<Record<string, string>>,
): void {
  const resource: ResourceName = 'configmaps';
  const wanted: KubeObject = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data };
  const before = api.get(resource, namespace, name);
  if (before === undefined) api.create(resource, wanted, manager);
  else if (!equalJson(before.data, data)) api.update(resource, { ...before, data }, manager);
}
