/** The `kiali` Service that guides end with: in the lab it leads to the page that the lab was given. */
import type { KubeObject } from '../../istio/kubernetes.ts';

const namespace = 'istio-system';
const name = 'kiali';
const labels = { app: name, 'app.kubernetes.io/name': name };
const port = 20001;

export function consoleObjects(): readonly KubeObject[] {
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace, labels } },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace, labels },
      spec: { selector: { app: name }, ports: [{ name: 'http', port, targetPort: port }] },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace, labels },
      spec: {
        replicas: 1,
        selector: { matchLabels: { app: name } },
        template: {
          metadata: { labels: { ...labels, 'sidecar.istio.io/inject': 'false' } },
          spec: {
            serviceAccountName: name,
            containers: [
              { name, image: 'quay.io/kiali/kiali:padlock', ports: [{ name: 'http', containerPort: port }] },
            ],
          },
        },
      },
    },
  ];
}
