/** A whole mesh on a real API server: its own control plane, the lab's nodes, network, istiod and sidecars. */
import { execFile } from 'node:child_process';
import type { Socket } from 'node:net';
import { promisify } from 'node:util';
import type { KubeObject } from '../../src/istio/kubernetes.ts';
import { openDoors, type RemoteLab, startRemoteLab } from '../../src/lab/remote/start-remote-lab.ts';
import type { Cluster } from '../../src/sources/cluster.ts';
import { connectCluster } from '../../src/sources/kube/connect.ts';
import { type ControlPlane, startControlPlane } from './control-plane.ts';
import { installIstioCrds } from './istio-crds.ts';

const run = promisify(execFile);

export interface RealMesh {
  readonly plane: ControlPlane;
  readonly cluster: Cluster;
  readonly lab: RemoteLab;
  readonly kubeconfig: string;
  /** What went wrong inside the lab's part, breaks of its watches left out. */
  readonly problems: readonly string[];
  kubectl(args: readonly string[], stdin?: string): Promise<string>;
  /** Applies objects, and waits until the Deployments among them are rolled out. */
  deploy(...objects: readonly KubeObject[]): Promise<void>;
  /** Connects from the first pod of a Deployment, as its application does. */
  connectFrom(namespace: string, deployment: string, host: string, port: number): Promise<Socket>;
  close(): Promise<void>;
}

export interface RealMeshOptions {
  readonly propagation?: { readonly min: number; readonly max: number; readonly seed: number };
  readonly drainSeconds?: number;
}

export async function startRealMesh(options: RealMeshOptions = {}): Promise<RealMesh> {
  const problems: string[] = [];
  const doors = await openDoors(new Date());
  const plane = await startControlPlane(doors);
  const closers: (() => Promise<void>)[] = [() => doors.proxy.close(), () => plane.stop()];
  const close = async (): Promise<void> => {
    for (const end of closers.splice(0).reverse()) await end();
  };
  try {
    const { kubeconfig } = plane;
    const cluster = await connectCluster({ kubeconfig, env: {}, now: () => Date.now() });
    await installIstioCrds(cluster);
    const lab = await startRemoteLab({
      client: cluster,
      doors,
      path: process.env.PATH ?? '',
      ...options,
      onProblem: (sentence, error) => {
        // The API server is restarted by some tests.
        if (!/broke off|the Lease of/.test(sentence)) problems.push(`${sentence}: ${String(error)}`);
      },
    });
    closers.push(() => lab.close());
    const kubectl = async (args: readonly string[], stdin = ''): Promise<string> => {
      const child = run('kubectl', [
        '--kubeconfig',
        kubeconfig,
        '--cache-dir',
        `${kubeconfig}.cache`,
        ...args,
      ]);
      child.child.stdin?.end(stdin);
      return (await child).stdout;
    };
    const deploy = async (...objects: readonly KubeObject[]): Promise<void> => {
      await kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
      for (const { kind, metadata } of objects) {
        if (kind !== 'Deployment') continue;
        const { namespace = '', name } = metadata;
        await kubectl(['rollout', 'status', `deployment/${name}`, '-n', namespace, '--timeout=60s']);
      }
    };
    for (const name of ['istiod', 'istio-ingressgateway'])
      await kubectl(['rollout', 'status', `deployment/${name}`, '-n', 'istio-system', '--timeout=60s']);
    const connectFrom = (namespace: string, app: string, host: string, port: number): Promise<Socket> => {
      const pod = lab.api
        .list('pods', { namespace, labels: { app } })
        .find(({ metadata }) => metadata.deletionTimestamp === undefined);
      if (pod === undefined) throw new Error(`no pod of ${namespace}/${app}`);
      return lab.kubelet.connect({ namespace, name: pod.metadata.name }, host, port);
    };
    return { connectFrom, plane, cluster, lab, kubeconfig, problems, kubectl, deploy, close };
  } catch (error) {
    await close();
    throw error;
  }
}
