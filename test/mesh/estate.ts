/** What runs on the mesh for the tests: servers of several kinds, callers in and outside the mesh. */

import { asPod, isPodReady, type PodObject } from '../../src/lab/kinds/pod.ts';
import type { Cluster } from '../../src/sources/cluster.ts';
import { connectCluster } from '../../src/sources/kube/connect.ts';
import { kubectl } from './istio-install.ts';
import { Truth } from './truth.ts';

export interface Estate {
  readonly kubeconfig: string;
  readonly cluster: Cluster;
  readonly truth: Truth;
  kubectl(args: readonly string[], input?: string): Promise<string>;
  apply(...objects: readonly object[]): Promise<void>;
  /** The one pod of an application. */
  pod(namespace: string, app: string): PodObject;
  pods(): readonly PodObject[];
  /** Removes every policy and rule that tests have written. */
  clear(): Promise<void>;
}

interface Server {
  readonly namespace: string;
  readonly name: string;
  /** As `app.mjs` takes them; none: a caller, with curl. */
  readonly serves?: readonly string[];
  readonly ports?: readonly { readonly name: string; readonly port: number; readonly targetPort?: number }[];
  readonly headless?: boolean;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

const http = { name: 'http', port: 80, targetPort: 8080 };

const servers: readonly Server[] = [
  { namespace: 'shop', name: 'web' },
  {
    namespace: 'shop',
    name: 'orders',
    serves: ['http:8080', 'tcp:9000', 'greet:3306', 'http:7070'],
    ports: [http, { name: 'tcp', port: 9000 }, { name: 'mysql', port: 3306 }],
  },
  {
    namespace: 'shop',
    name: 'ledger',
    serves: ['http:8080'],
    ports: [{ name: 'http', port: 8080 }],
    headless: true,
  },
  {
    namespace: 'shop',
    name: 'bare',
    serves: ['http:8080'],
    ports: [http],
    labels: { 'sidecar.istio.io/inject': 'false' },
  },
  {
    namespace: 'shop',
    name: 'hole',
    serves: ['http:8080', 'http:8081'],
    ports: [http, { name: 'http-admin', port: 8081 }],
    annotations: { 'traffic.sidecar.istio.io/excludeInboundPorts': '8081' },
  },
  { namespace: 'other', name: 'partner' },
  { namespace: 'legacy', name: 'batch' },
  { namespace: 'legacy', name: 'old', serves: ['http:8080'], ports: [http] },
];

/** Puts the estate on the mesh that the run has started, and waits until all of it is ready. */
export async function startEstate(): Promise<Estate> {
  const kubeconfig = process.env.PADLOCK_MESH_KUBECONFIG ?? '';
  if (kubeconfig === '') throw new Error('these tests are run by `npm run test:mesh`');
  const cluster = await connectCluster({ kubeconfig, env: process.env, now: () => Date.now() });
  const ask = (args: readonly string[], input?: string) => kubectl(kubeconfig, args, input);
  const apply = async (...objects: readonly object[]): Promise<void> => {
    await ask(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
  };
  await apply(
    namespaceOf('shop', true),
    namespaceOf('other', true),
    namespaceOf('legacy', false),
    ...servers.flatMap(objectsOf),
  );
  for (const { namespace, name, headless } of servers) {
    const kind = headless === true ? 'statefulset' : 'deployment';
    await ask(['-n', namespace, 'rollout', 'status', `${kind}/${name}`, '--timeout=90s']);
  }
  const { items } = await cluster.list({ group: '', version: 'v1', plural: 'pods', namespaced: true });
  const pods = items.map((item) => asPod({ ...item, kind: 'Pod' })).filter(isPodReady);
  const pod = (namespace: string, app: string): PodObject => {
    const found = pods.find(
      ({ metadata }) => metadata.namespace === namespace && metadata.labels?.app === app,
    );
    if (found === undefined) throw new Error(`no pod of ${namespace}/${app} is ready`);
    return found;
  };
  const outside = { namespace: 'legacy', pod: pod('legacy', 'batch').metadata.name };
  return {
    kubeconfig,
    cluster,
    truth: new Truth(cluster, outside),
    kubectl: ask,
    apply,
    pod,
    pods: () => pods,
    clear: async () => {
      await ask(['delete', 'peerauthentication,destinationrule,authorizationpolicy', '--all', '-A']);
    },
  };
}

function namespaceOf(name: string, injected: boolean): object {
  const labels = injected ? { 'istio-injection': 'enabled' } : {};
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
}

function objectsOf({
  namespace,
  name,
  serves,
  ports,
  headless,
  labels,
  annotations,
}: Server): readonly object[] {
  const metadata = { namespace, name };
  const container =
    serves === undefined
      ? { name: 'curl', image: 'docker.io/curlimages/curl:8', command: ['sleep', 'infinity'] }
      : {
          name: 'app',
          image: 'padlock.test/app:1',
          args: serves,
          ports: ports?.map((port) => ({ name: port.name, containerPort: port.targetPort ?? port.port })),
        };
  const workload = {
    apiVersion: 'apps/v1',
    kind: headless === true ? 'StatefulSet' : 'Deployment',
    metadata,
    spec: {
      ...(headless === true ? { serviceName: name } : {}),
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name, ...labels }, annotations },
        spec: { serviceAccountName: name, terminationGracePeriodSeconds: 5, containers: [container] },
      },
    },
  };
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata };
  if (ports === undefined) return [account, workload];
  const clusterIP = headless === true ? { clusterIP: 'None' } : {};
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata,
    spec: { ...clusterIP, selector: { app: name }, ports },
  };
  return [account, workload, service];
}
