/** A lab in this process with Padlock's ordinary client on it, for tests that need real traffic. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '../src/istio/kubernetes.ts';
import { resourceOf } from '../src/lab/cluster-core.ts';
import { type Lab, type LabOptions, startLab } from '../src/lab/lab.ts';
import { eventually, isRolledOut } from '../src/lab/testing/wait.ts';
import { buildMesh, type Mesh } from '../src/mesh/mesh.ts';
import type { Cluster } from '../src/sources/cluster.ts';
import { readClusterSnapshot } from '../src/sources/cluster-snapshot.ts';
import { connectCluster } from '../src/sources/kube/connect.ts';
import { isKubeObject } from '../src/sources/kube/kube-object.ts';

export interface LabCluster {
  readonly lab: Lab;
  readonly cluster: Cluster;
  readonly kubeconfig: string;
  /** Applies manifests and waits until the Deployments among them are rolled out; a minute at most where no time is given. */
  deploy(yaml: string, withinMs?: number): Promise<void>;
  mesh(...namespaces: readonly string[]): Promise<Mesh>;
  /** Runs a command in the first running pod with the label `app`. */
  run(namespace: string, app: string, ...command: readonly string[]): Promise<string>;
  close(): Promise<void>;
}

export async function startLabCluster(options: LabOptions = {}): Promise<LabCluster> {
  const lab = await startLab({ path: process.env.PATH ?? '', ...options });
  const folder = mkdtempSync(join(tmpdir(), 'padlock-test-'));
  const kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, lab.kubeconfig, { mode: 0o600 });
  const cluster = await connectCluster({ kubeconfig, env: {}, now: () => Date.now() });
  return {
    lab,
    cluster,
    kubeconfig,
    deploy: (yaml, withinMs = 60_000) => deploy(lab, yaml, withinMs),
    mesh: async (...namespaces) =>
      buildMesh(await readClusterSnapshot(cluster, namespaces.length === 0 ? {} : { namespaces })),
    run: (namespace, app, ...command) => run(cluster, namespace, app, command),
    close: async () => {
      await lab.close();
      rmSync(folder, { recursive: true });
    },
  };
}

async function deploy(lab: Lab, yaml: string, withinMs: number): Promise<void> {
  const objects = parseAllDocuments(yaml)
    .map((document): unknown => document.toJS())
    .filter(isKubeObject);
  for (const object of objects) lab.api.create(resourceOf(lab.api, object), object, 'test');
  for (const object of objects.filter(({ kind }) => kind === 'Deployment')) {
    const { namespace, name } = object.metadata;
    await eventually(
      lab.api,
      ['deployments.apps'],
      () => isRolledOut(lab.api.get('deployments.apps', namespace, name)),
      withinMs,
    );
  }
}

async function run(
  cluster: Cluster,
  namespace: string,
  app: string,
  command: readonly string[],
): Promise<string> {
  const { items } = await cluster.list(podsType, { namespace, labelSelector: `app=${app}` });
  const pod = items.find((one: KubeObject) => one.metadata.deletionTimestamp === undefined);
  if (pod === undefined) throw new Error(`there is no pod of ${namespace}/${app}`);
  const { stdout, stderr } = await cluster.exec(namespace, pod.metadata.name, command, { container: app });
  return stdout + stderr;
}

const podsType = { group: '', version: 'v1', plural: 'pods', namespaced: true };

/** A Deployment of one pod with a Service before it, as YAML documents. */
export function workload(
  name: string,
  namespace: string,
  image: string,
  ports: readonly { readonly name: string; readonly port: number; readonly target: number }[] = [],
): string {
  const containerPorts = ports.map(({ target }) => `{ containerPort: ${target} }`).join(', ');
  const servicePorts = ports
    .map((port) => `{ name: ${port.name}, port: ${port.port}, targetPort: ${port.target} }`)
    .join(', ');
  const command = ports.length === 0 ? 'command: [/bin/sleep, infinity]' : `ports: [${containerPorts}]`;
  const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name}, namespace: ${namespace} }
spec:
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{ name: ${name}, image: ${image}, ${command} }]
---`;
  const service = `
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: ${namespace} }
spec: { selector: { app: ${name} }, ports: [${servicePorts}] }
---`;
  return ports.length === 0 ? deployment : deployment + service;
}

export function namespace(name: string, injected: boolean): string {
  const labels = injected ? ', labels: { istio-injection: enabled }' : '';
  return `
apiVersion: v1
kind: Namespace
metadata: { name: ${name}${labels} }
---`;
}
