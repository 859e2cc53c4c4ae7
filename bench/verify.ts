/** How long `padlock verify` takes for a namespace of many workloads, on the lab: real proxies, real probes. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Verification, verify } from '../src/evidence/verify/verify.ts';
import type { KubeObject } from '../src/istio/kubernetes.ts';
import { type Lab, startLab } from '../src/lab/lab.ts';
import { buildMesh } from '../src/mesh/mesh.ts';
import { readClusterSnapshot } from '../src/sources/cluster-snapshot.ts';
import { connectCluster } from '../src/sources/kube/connect.ts';
import type { Part } from './part.ts';

export const verifyPart: Part = {
  name: 'verify',
  brief: '`padlock verify` of 200 workloads with 3 ports each, on the lab, all four columns',
  async run(bench) {
    const figures = await benchVerify();
    bench.say(
      `${figures.rows} ports: ${figures.proven} PROVEN; snapshot ${figures.snapshotMs} ms, verify ${figures.verifyMs} ms (${figures.processorMs} ms of processor time)`,
    );
    bench.say('the lab’s API server, its 201 sidecars and their certificates run in the same process');
    bench.target('snapshot and verify', (figures.snapshotMs + figures.verifyMs) / 1000, 20, 's');
    bench.target('ports that are not PROVEN', figures.rows - figures.proven, 0, '');
  },
};

export interface VerifyBench {
  readonly workloads: number;
  readonly ports: number;
  readonly rows: number;
  readonly proven: number;
  readonly verdict: Verification['verdict'];
  readonly snapshotMs: number;
  readonly verifyMs: number;
  /** Processor time of this process meanwhile: client, API server and sidecars together. */
  readonly processorMs: number;
}

const namespace = 'bench';
const account = 'default';

/** Starts a lab of its own, fills it, makes it STRICT and verifies every port. */
export async function benchVerify(workloads = 200, ports = 3): Promise<VerifyBench> {
  const lab = await startLab({ path: process.env.PATH ?? '' });
  const folder = mkdtempSync(join(tmpdir(), 'padlock-bench-'));
  try {
    await fill(lab, workloads, ports);
    const kubeconfig = join(folder, 'kubeconfig');
    writeFileSync(kubeconfig, lab.kubeconfig, { mode: 0o600 });
    const now = (): number => Date.now();
    const cluster = await connectCluster({ kubeconfig, env: {}, now });
    const started = performance.now();
    const mesh = buildMesh(await readClusterSnapshot(cluster, { namespaces: [namespace], now }));
    const read = performance.now();
    const usage = process.cpuUsage();
    let count = 0;
    const verification = await verify(
      mesh,
      { namespaces: [namespace], observe: { lookBack: 60_000, atLeast: 0 }, proxyStatus: true },
      {
        cluster,
        now,
        sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
        nonce: () => String(++count),
      },
    );
    return {
      workloads,
      ports,
      rows: verification.rows.length,
      proven: verification.rows.filter(({ judgement }) => judgement.verdict === 'PROVEN').length,
      verdict: verification.verdict,
      snapshotMs: Math.round(read - started),
      verifyMs: Math.round(performance.now() - read),
      processorMs: Math.round((process.cpuUsage(usage).user + process.cpuUsage(usage).system) / 1000),
    };
  } finally {
    await lab.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function fill(lab: Lab, workloads: number, ports: number): Promise<void> {
  const create = (resource: string, object: KubeObject): void => {
    lab.api.create(resource, object, 'bench');
  };
  create('namespaces', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: namespace, labels: { 'istio-injection': 'enabled' } },
  });
  create('peerauthentications.security.istio.io', {
    apiVersion: 'security.istio.io/v1',
    kind: 'PeerAuthentication',
    metadata: { name: 'default', namespace },
    spec: { mtls: { mode: 'STRICT' } },
  });
  const numbers = Array.from({ length: ports }, (_none, index) => 8080 + index);
  for (let index = 0; index < workloads; index += 1) {
    const app = `app-${index}`;
    create('deployments.apps', deployment(app, 'mccutchen/go-httpbin', numbers));
    create('services', {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: app, namespace },
      spec: {
        selector: { app },
        ports: numbers.map((port) => ({ name: `http-${port}`, port, targetPort: port })),
      },
    });
  }
  create('deployments.apps', deployment('sleep', 'curlimages/curl', []));
  await allReady(lab, workloads + 1);
  await lab.istiod.whenSynced();
}

function deployment(app: string, image: string, ports: readonly number[]): KubeObject {
  const container =
    ports.length === 0
      ? { name: app, image, command: ['sleep', 'infinity'] }
      : { name: app, image, ports: ports.map((containerPort) => ({ containerPort })) };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: app, namespace },
    spec: {
      selector: { matchLabels: { app } },
      template: {
        metadata: { labels: { app } },
        spec: { serviceAccountName: account, terminationGracePeriodSeconds: 1, containers: [container] },
      },
    },
  };
}

function allReady(lab: Lab, count: number): Promise<void> {
  const isReady = (object: KubeObject): boolean =>
    JSON.stringify(object.status ?? {}).includes('"type":"Ready","status":"True"');
  return new Promise((resolve) => {
    const unwatch = lab.api.watch(
      ['pods'],
      () => {
        if (lab.api.list('pods', { namespace }).filter(isReady).length < count) return;
        unwatch();
        resolve();
      },
      { initial: true },
    );
  });
}
