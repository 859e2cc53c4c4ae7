/** The lab: from `padlock lab up` typed to the first request over mutual TLS, and what fifty pods weigh. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from '../src/sources/cluster.ts';
import { connectCluster } from '../src/sources/kube/connect.ts';
import { bin, median } from './measure.ts';
import type { Part } from './part.ts';

const starts = 5;
const pods = 50;

export const labPart: Part = {
  name: 'lab',
  brief: 'padlock lab up to the first mutual TLS request, and the memory of 50 pods, as a user has them',
  async run(bench) {
    const times: number[] = [];
    for (let run = 0; run < starts; run += 1) {
      await withLab(async (cluster, started) => {
        await deploy(cluster);
        await firstMutualTls(cluster);
        times.push(performance.now() - started);
      });
    }
    bench.say(`runs: ${times.map((time) => `${(time / 1000).toFixed(2)} s`).join(', ')}`);
    bench.target('typed to the first mutual TLS request', median(times) / 1000, 3, 's');
    await withLab(async (cluster, _started, statusOf) => {
      // Beside them stand sleep and what istio-system has.
      const meshed = pods - Number((await statusOf()).pods);
      await deploy(cluster, meshed - 1);
      await until(
        async () => (await statusOf()).sidecars === meshed && (await readyPods(cluster)) === meshed,
      );
      for (let request = 0; request < 200; request += 1) await call(cluster);
      const { memoryBytes, pods: count } = await statusOf();
      bench.say(`${count} pods, ${meshed} of them with a proxy, after 200 requests`);
      bench.target('memory of 50 pods', Number(memoryBytes) / 1e6, 500, 'MB');
    });
  },
};

type Status = Readonly<Record<string, unknown>>;

async function withLab(
  use: (cluster: Cluster, started: number, status: () => Promise<Status>) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'padlock-bench-lab-'));
  const padlock = (...words: readonly string[]): Promise<string> => run(words, folder);
  const started = performance.now();
  try {
    await padlock('lab', 'up', '--kubeconfig', join(folder, 'kubeconfig'));
    const kubeconfig = join(folder, 'kubeconfig');
    const cluster = await connectCluster({ kubeconfig, env: {}, now: () => Date.now() });
    await use(cluster, started, async () => JSON.parse(await padlock('lab', 'status', '-o', 'json')));
  } finally {
    await padlock('lab', 'down');
    rmSync(folder, { recursive: true });
  }
}

function run(words: readonly string[], folder: string): Promise<string> {
  const child = spawn(process.execPath, [bin, ...words], {
    env: { ...process.env, PADLOCK_LAB_DIR: folder },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve(out) : reject(new Error(`padlock ${words.join(' ')}: ${code}`)),
    );
  });
}

async function patch(cluster: Cluster, path: string, body: object): Promise<void> {
  const answer = await cluster.raw({
    method: 'PATCH',
    path: `${path}?fieldManager=bench&force=true`,
    headers: { 'content-type': 'application/apply-patch+yaml' },
    body: JSON.stringify({ ...identity(path), ...body }),
  });
  if (answer.status >= 300) throw new Error(`${path}: ${answer.status} ${answer.body}`);
}

/** Server-side apply wants the object's kind and name beside the path. */
function identity(path: string): object {
  const [name = '', plural = ''] = path.split('/').reverse();
  const kinds: Readonly<Record<string, readonly [string, string]>> = {
    namespaces: ['v1', 'Namespace'],
    services: ['v1', 'Service'],
    deployments: ['apps/v1', 'Deployment'],
    peerauthentications: ['security.istio.io/v1', 'PeerAuthentication'],
  };
  const [apiVersion, kind] = kinds[plural] ?? [];
  return { apiVersion, kind, metadata: { name } };
}

async function deploy(cluster: Cluster, servers = 1): Promise<void> {
  const namespace = '/api/v1/namespaces/bench';
  await patch(cluster, namespace, {
    metadata: { name: 'bench', labels: { 'istio-injection': 'enabled' } },
  });
  await patch(cluster, '/apis/security.istio.io/v1/namespaces/bench/peerauthentications/default', {
    spec: { mtls: { mode: 'STRICT' } },
  });
  await patch(cluster, `${namespace}/services/httpbin`, {
    spec: { selector: { app: 'httpbin' }, ports: [{ name: 'http', port: 8000, targetPort: 80 }] },
  });
  const httpbin = { name: 'httpbin', image: 'kennethreitz/httpbin', ports: [{ containerPort: 80 }] };
  const client = { name: 'sleep', image: 'curlimages/curl', command: ['/bin/sleep', 'infinity'] };
  for (const [container, replicas] of [
    [httpbin, servers],
    [client, 1],
  ] as const) {
    await patch(cluster, `/apis/apps/v1/namespaces/bench/deployments/${container.name}`, {
      spec: {
        replicas,
        selector: { matchLabels: { app: container.name } },
        template: { metadata: { labels: { app: container.name } }, spec: { containers: [container] } },
      },
    });
  }
}

const podType = { group: '', version: 'v1', plural: 'pods', namespaced: true } as const;

async function readyPods(cluster: Cluster): Promise<number> {
  const { items } = await cluster.list(podType, { namespace: 'bench' });
  return items.filter((pod) => /"type":"Ready","status":"True"/.test(JSON.stringify(pod.status))).length;
}

/** The request's answer: with the caller's identity, or nothing of use yet. */
async function call(cluster: Cluster): Promise<string> {
  const { items } = await cluster.list(podType, { namespace: 'bench', labelSelector: 'app=sleep' });
  const name = items[0]?.metadata.name ?? '';
  const command = ['curl', '-s', 'http://httpbin.bench:8000/headers'];
  return (await cluster.exec('bench', name, command, { container: 'sleep' })).stdout;
}

async function firstMutualTls(cluster: Cluster): Promise<void> {
  await until(async () => (await readyPods(cluster)) === 2);
  const answer = await call(cluster);
  if (!answer.includes('URI=spiffe://cluster.local/ns/bench/sa/default')) {
    throw new Error(`no mutual TLS: ${answer}`);
  }
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(20);
}
