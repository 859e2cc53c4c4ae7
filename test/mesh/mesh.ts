/**
 * A whole mesh on one machine, all of it real: API server, controllers and kube-proxy of Kubernetes; istiod, its
 * injector and its agent; Envoy. Must run in a network and mount namespace of its own (see main.ts).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { createKubeletCertificates } from '../../src/lab/kubelet/server/kubelet-certificates.ts';
import { startKubeletServer } from '../../src/lab/kubelet/server/start-kubelet-server.ts';
import type { Cluster } from '../../src/sources/cluster.ts';
import { connectCluster } from '../../src/sources/kube/connect.ts';
import { binaryFolder, startControlPlane } from '../kubernetes/control-plane.ts';
import { type IstioOptions, installIstio, kubectl } from './istio-install.ts';
import { startDns } from './node/dns.ts';
import { nodeAddress, podRange, setUpNode } from './node/network.ts';
import { MeshNode, nodeName } from './node/node.ts';
import { watchNames } from './node/service-names.ts';

export interface Mesh {
  readonly kubeconfig: string;
  readonly cluster: Cluster;
  /** Logs of the processes that are no pods. */
  readonly folder: string;
  /** Runs kubectl. @returns what it printed */
  kubectl(args: readonly string[], input?: string): Promise<string>;
  /** What went wrong on the node; empty in a mesh that is well. */
  readonly problems: readonly unknown[];
  stop(): Promise<void>;
}

export interface MeshOptions extends IstioOptions {
  readonly log?: (line: string) => void;
}

/** Starts it and waits until istiod is ready and injects. */
export async function startMesh(options: MeshOptions = {}): Promise<Mesh> {
  const log = options.log ?? (() => undefined);
  const folder = mkdtempSync(join(tmpdir(), 'padlock-mesh-'));
  const problems: unknown[] = [];
  const onError = (error: unknown): void => {
    problems.push(error);
    log(error instanceof Error ? `${error.message}: ${String(error.cause ?? '')}` : String(error));
  };
  await setUpNode();
  const certificates = await createKubeletCertificates(new Date());
  const plane = await startControlPlane({ kubelet: certificates, podsSee: nodeAddress });
  const { kubeconfig } = plane;
  log(`API server ready: KUBECONFIG=${kubeconfig}`);
  const cluster = await connectCluster({ kubeconfig, env: process.env, now: () => Date.now() });
  const proxy = startProxy(folder, kubeconfig);
  const node = new MeshNode({ cluster, folder: join(folder, 'pods'), onError });
  const server = await startKubeletServer({
    runtime: node,
    certificates,
    now: () => new Date(),
    onInternalError: onError,
  });
  const watching = new AbortController();
  const dns = await startDns(watchNames(cluster, watching.signal, onError), nodeAddress);
  await node.start(server.port);
  await installIstio(kubeconfig, options);
  log('Istio installed, waiting for istiod');
  const ask = (args: readonly string[], input?: string): Promise<string> => kubectl(kubeconfig, args, input);
  await ask(['-n', 'istio-system', 'rollout', 'status', 'deployment/istiod', '--timeout=120s']);
  await injects(ask);
  log('istiod injects');
  return {
    kubeconfig,
    cluster,
    folder,
    problems,
    kubectl: ask,
    stop: async () => {
      watching.abort();
      await node.stop();
      await server.close();
      dns.close();
      proxy.kill();
      await plane.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function startProxy(folder: string, kubeconfig: string): ChildProcess {
  const log = createWriteStream(join(folder, 'kube-proxy.log'), { mode: 0o600 });
  const child = spawn(
    join(binaryFolder(), 'kube-proxy'),
    [
      `--kubeconfig=${kubeconfig}`,
      '--proxy-mode=iptables',
      `--cluster-cidr=${podRange}`,
      `--hostname-override=${nodeName}`,
      `--bind-address=${nodeAddress}`,
      '--healthz-bind-address=',
      '--metrics-bind-address=',
      '--conntrack-max-per-core=0',
      '--conntrack-tcp-timeout-established=0',
      '--conntrack-tcp-timeout-close-wait=0',
      '--iptables-min-sync-period=100ms',
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  child.stdout?.pipe(log, { end: false });
  child.stderr?.pipe(log, { end: false });
  return child;
}

/** istiod writes its certificate into the webhook a moment after it is ready. */
async function injects(ask: (args: readonly string[], input?: string) => Promise<string>): Promise<void> {
  const deadline = Date.now() + 60_000;
  const probe = JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'probe', namespace: 'default', labels: { 'sidecar.istio.io/inject': 'true' } },
    spec: { containers: [{ name: 'app', image: 'app' }] },
  });
  let last = '';
  while (Date.now() < deadline) {
    last = await ask(['create', '--dry-run=server', '-o', 'json', '-f', '-'], probe).catch(String);
    if (last.includes('istio-proxy')) return;
    await wait(200);
  }
  throw new Error(`istiod did not inject in time: ${last}`);
}
