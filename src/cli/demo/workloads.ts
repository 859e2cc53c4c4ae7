/** What the demo deploys: a server, a client beside it, and a client of another namespace that stays outside the mesh. */
import type { KubeObject } from '../../istio/kubernetes.ts';

export const shop = 'shop';
export const outside = 'legacy';

/** Traffic all the while, so that the rollout has something to watch. */
const steadyCalls = [
  '/bin/sh',
  '-c',
  'while true; do curl -s -o /dev/null http://httpbin.shop:8000/get; sleep 0.5; done',
];

/** In the order in which they are applied. Nothing here asks for a sidecar. */
export const demoObjects: readonly KubeObject[] = [
  namespace(shop),
  namespace(outside),
  ...server('httpbin', shop),
  client('sleep', shop, steadyCalls),
  account('sleep', shop),
  client('batch', outside),
  account('batch', outside),
];

function namespace(name: string): KubeObject {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
}

/** An account of its own gives each workload an identity of its own. */
function account(name: string, namespaceName: string): KubeObject {
  return { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace: namespaceName } };
}

function server(name: string, namespaceName: string): readonly KubeObject[] {
  return [
    account(name, namespaceName),
    deployment(name, namespaceName, {
      name,
      image: 'docker.io/kennethreitz/httpbin',
      ports: [{ containerPort: 80 }],
    }),
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: namespaceName },
      spec: { selector: { app: name }, ports: [{ name: 'http', port: 8000, targetPort: 80 }] },
    },
  ];
}

function client(
  name: string,
  namespaceName: string,
  command: readonly string[] = ['/bin/sleep', 'infinity'],
): KubeObject {
  return deployment(name, namespaceName, {
    name,
    image: 'docker.io/curlimages/curl',
    command,
  });
}

function deployment(name: string, namespaceName: string, container: unknown): KubeObject {
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: namespaceName },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { serviceAccountName: name, terminationGracePeriodSeconds: 1, containers: [container] },
      },
    },
  };
}
