/**
 * Padlock's commands on a real API server that holds the objects of a lab: what they print there is what they print
 * on the lab. No kubelet answers, so what needs one is tested in the lab.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Lab, startLab } from '../../src/lab/lab.ts';
import type { Cluster, ResourceType, WatchEvent } from '../../src/sources/cluster.ts';
import { connectCluster } from '../../src/sources/kube/connect.ts';
import { readStatus } from '../../src/sources/kube/status.ts';
import { ensureBuilt, padlock, type Result } from '../built.ts';
import { type ControlPlane, startControlPlane } from './control-plane.ts';
import { copyMesh } from './copy-mesh.ts';
import { installIstioCrds } from './istio-crds.ts';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'padlock-real-'));
const files = { lab: join(folder, 'lab'), real: join(folder, 'real') };
const pods: ResourceType = { group: '', version: 'v1', plural: 'pods', namespaced: true };
const configMaps: ResourceType = { ...pods, plural: 'configmaps' };

const workload = (name: string, image: string, namespace: string): string => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}, namespace: ${namespace}}
spec:
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}}
    spec: {containers: [{name: ${name}, image: ${image}, ports: [{containerPort: 80}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: ${namespace}}
spec: {selector: {app: ${name}}, ports: [{name: http, port: 8000, targetPort: 80}]}
`;

const mesh = `
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio-injection: enabled}}
---
apiVersion: v1
kind: Namespace
metadata: {name: legacy}
---${workload('web', 'kennethreitz/httpbin', 'shop')}---${workload('cart', 'kennethreitz/httpbin', 'shop')}---${workload('old', 'kennethreitz/httpbin', 'legacy')}---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: shop}
spec: {mtls: {mode: STRICT}}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: cart, namespace: shop}
spec: {selector: {matchLabels: {app: cart}}, mtls: {mode: PERMISSIVE}}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web, namespace: shop}
spec: {host: web, trafficPolicy: {tls: {mode: DISABLE}}}
`;

let lab: Lab;
let plane: ControlPlane;
let cluster: Cluster;

/** It needs a cluster without controllers, which it may restart: not one that was there before. */
const isOwn = process.env.PADLOCK_TEST_KUBECONFIG === undefined;

beforeAll(async () => {
  if (!isOwn) return;
  [lab, plane] = await Promise.all([startLab(), startControlPlane({ controllers: false }), ensureBuilt()]);
  writeFileSync(files.lab, lab.kubeconfig, { mode: 0o600 });
  await kubectl(files.lab, ['apply', '-f', '-'], mesh);
  for (const namespace of ['shop', 'legacy', 'istio-system']) {
    await kubectl(files.lab, [
      'wait',
      '-n',
      namespace,
      '--for=condition=Available',
      'deployment',
      '--all',
      '--timeout=60s',
    ]);
  }
  cluster = await connectCluster({ kubeconfig: plane.kubeconfig, env: {}, now: () => Date.now() });
  await installIstioCrds(cluster);
  await copyMesh(lab.api, cluster);
});

afterAll(async () => {
  await lab?.close();
  await plane?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function kubectl(kubeconfig: string, args: readonly string[], stdin = ''): Promise<string> {
  const child = run('kubectl', ['--kubeconfig', kubeconfig, '--cache-dir', `${kubeconfig}.cache`, ...args]);
  child.child.stdin?.end(stdin);
  return (await child).stdout;
}

const on = (kubeconfig: string, ...args: readonly string[]): Promise<Result> =>
  padlock([...args, '--kubeconfig', kubeconfig], { cwd: folder });

/** Without what two clusters cannot have in common. */
function comparable(text: string): unknown {
  const plain = text
    .replaceAll(/padlock-lab|\breal\b/g, 'CONTEXT')
    .replaceAll(/https:\/\/127\.0\.0\.1:\d+/g, 'SERVER');
  return JSON.parse(plain, (key, value: unknown) =>
    ['uid', 'resourceVersion', 'creationTimestamp', 'takenAt', 'generatedAt'].includes(key)
      ? undefined
      : value,
  );
}

describe.skipIf(!isOwn)('reads', () => {
  test.each([
    ['posture', '-n', 'shop'],
    ['posture', '-A'],
    ['posture', '-n', 'shop', '-l', 'app=cart'],
    ['check', '-n', 'shop'],
    ['check', '-A'],
  ])('padlock %s %s says what it says on the lab', async (...args) => {
    const [expected, found] = [
      await on(files.lab, ...args, '-o', 'json'),
      await on(plane.kubeconfig, ...args, '-o', 'json'),
    ];
    expect(found.stderr).toBe(expected.stderr);
    expect(found.code).toBe(expected.code);
    expect(comparable(found.stdout)).toEqual(comparable(expected.stdout));
    expect(expected.stdout).toContain('shop');
  });

  test('what padlock snapshot saves is read back to the same posture', async () => {
    const saved = join(folder, 'saved.json');
    const { code, stderr } = await on(plane.kubeconfig, 'snapshot', '-A', '-o', saved);
    expect(code, stderr).toBe(0);
    const [live, read] = [
      await on(plane.kubeconfig, 'posture', '-n', 'shop', '-o', 'json'),
      await padlock(['posture', '-f', saved, '-n', 'shop', '-o', 'json'], { cwd: folder }),
    ];
    expect(JSON.parse(read.stdout).inbound).toEqual(JSON.parse(live.stdout).inbound);
  });
});

describe.skipIf(!isOwn)('padlock secure', () => {
  const facts = (kubeconfig: string): Promise<string> =>
    Promise.all(
      ['shop', 'legacy'].flatMap((name) => [
        kubectl(kubeconfig, ['get', 'pa,dr,deployment,configmap,lease', '-n', name, '-o', 'json']),
        kubectl(kubeconfig, ['get', 'namespace', name, '-o', 'json']),
      ]),
    ).then((texts) => texts.join(''));

  test('a dry run plans the same on both', async () => {
    const [expected, found] = [
      await on(files.lab, 'secure', 'shop', '--dry-run'),
      await on(plane.kubeconfig, 'secure', 'shop', '--dry-run'),
    ];
    const plain = (text: string): string =>
      text.replaceAll(/padlock-lab|\breal\b/g, 'CONTEXT').replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME');
    // No kubelet answers there, and the plan says what cannot be seen without logs.
    const blind = /note: plaintext that STRICT refuses will not be seen[\s\S]*?cannot be read[\s\S]*?\n\n/;
    expect(plain(found.stdout)).toMatch(blind);
    expect(plain(found.stderr)).toBe(plain(expected.stderr));
    expect(plain(found.stdout).replace(blind, '')).toBe(plain(expected.stdout));
    expect(found.code).toBe(expected.code);
    expect(found.stdout).toContain('PeerAuthentication');
  });

  test('a dry run on the server sends every write and leaves nothing', async () => {
    const before = await facts(plane.kubeconfig);
    const { stdout } = await on(plane.kubeconfig, 'secure', 'legacy', '--server-dry-run', '--yes');
    expect(stdout).toMatch(/it kept nothing:/);
    expect(stdout).toMatch(/^step \d+: Namespace legacy (configured|serverside-applied|changed)/m);
    expect(stdout).toMatch(/^step \d+: PeerAuthentication legacy\/default created/m);
    expect(await facts(plane.kubeconfig)).toBe(before);
  });

  test('what Argo CD would put back is not touched', async () => {
    await kubectl(plane.kubeconfig, [
      ...['annotate', 'namespace', 'legacy'],
      'argocd.argoproj.io/tracking-id=shop:/Namespace:legacy',
    ]);
    const refused = await on(plane.kubeconfig, 'secure', 'legacy', '--dry-run');
    expect(refused.code).toBe(1);
    expect(refused.stdout + refused.stderr).toMatch(/Argo CD/);
    expect(refused.stdout + refused.stderr).toContain('--force-gitops');
  });
});

describe.skipIf(!isOwn)('padlock rbac', () => {
  test('its rights are enough for posture and check, and no more than asked for', async () => {
    const { stdout } = await padlock(['rbac', 'shop', '--for', 'posture', '--user', 'jane'], { cwd: folder });
    await kubectl(plane.kubeconfig, ['apply', '-f', '-'], stdout);
    const asJane = await on(plane.kubeconfig, 'posture', '-n', 'shop', '--as', 'jane', '-o', 'json');
    const asAdmin = await on(plane.kubeconfig, 'posture', '-n', 'shop', '-o', 'json');
    expect(asJane.code, asJane.stderr).toBe(asAdmin.code);
    expect(JSON.parse(asJane.stdout).inbound).toEqual(JSON.parse(asAdmin.stdout).inbound);
    const elsewhere = await on(plane.kubeconfig, 'posture', '-n', 'legacy', '--as', 'jane');
    expect(elsewhere.code).not.toBe(0);
    expect(elsewhere.stderr).toMatch(/not allowed to list .* in namespace legacy as jane/);
    const can = (...args: string[]) =>
      kubectl(plane.kubeconfig, ['auth', 'can-i', ...args, '--as=jane']).catch(() => 'no');
    expect(await can('patch', 'peerauthentications', '-n', 'shop')).toMatch(/no/);
    expect(await can('get', 'secrets', '-n', 'shop')).toMatch(/no/);
  });
});

describe.skipIf(!isOwn)('size and restarts', () => {
  test('5,000 pods are listed in pages of 500, in bounded memory', async () => {
    await send('POST', '/api/v1/namespaces', { metadata: { name: 'many' } });
    await send('POST', '/api/v1/namespaces/many/serviceaccounts', { metadata: { name: 'default' } });
    const spec = { schedulerName: 'nobody', containers: [{ name: 'c', image: 'example.com/c' }] };
    const make = async (lane: number): Promise<void> => {
      for (let n = lane; n < 5000; n += 20)
        await send('POST', '/api/v1/namespaces/many/pods', { metadata: { name: `p${n}` }, spec });
    };
    await Promise.all(Array.from({ length: 20 }, (_unused, lane) => make(lane)));
    const { items } = await cluster.list(pods, { namespace: 'many' });
    expect(items).toHaveLength(5000);
    expect(new Set(items.map((item) => item.metadata.name)).size).toBe(5000);
    // A heap of 256 MB: a client that held the answers beside the objects would not get through.
    const { code, stderr } = await padlock(
      ['posture', '-n', 'many', '--kubeconfig', plane.kubeconfig, '-o', 'json'],
      {
        cwd: folder,
        env: { NODE_OPTIONS: '--max-old-space-size=256' },
      },
    );
    expect(code, stderr).toBeLessThan(2);
  });

  test('a watch goes on after the API server was restarted: it ends, and begins again where it was', async () => {
    const { resourceVersion } = await cluster.list(configMaps, { namespace: 'shop' });
    const told: WatchEvent[] = [];
    const ended = (async () => {
      for await (const event of cluster.watch(configMaps, resourceVersion, { namespace: 'shop' }))
        told.push(event);
    })().then(
      () => 'ended',
      (error: unknown) => (error instanceof Error && 'code' in error ? String(error.code) : 'failed'),
    );
    await send('POST', '/api/v1/namespaces/shop/configmaps', { metadata: { name: 'before' } });
    await expect.poll(() => told.length).toBe(1);
    await plane.restartApiServer();
    expect(['ended', 'CLUSTER_UNREACHABLE']).toContain(await ended);
    await send('POST', '/api/v1/namespaces/shop/configmaps', { metadata: { name: 'after' } });
    const last = told.at(-1);
    const from = last?.type === 'ADDED' ? (last.object.metadata.resourceVersion ?? '') : '';
    const next = await firstEvent(from);
    // The API server's cache begins at its restart: it either knows what came after, or says 410 in the ordinary way.
    if (next?.type === 'ERROR')
      expect(readStatus(next.status)).toMatchObject({ code: 410, reason: 'Expired' });
    else expect(next?.object.metadata.name).toBe('after');
    const { items } = await cluster.list(configMaps, { namespace: 'shop' });
    expect(items.map((item) => item.metadata.name)).toEqual(expect.arrayContaining(['before', 'after']));
    // A version from before all that: 410 as an ERROR event, never silence.
    const forgotten = await firstEvent('1');
    expect(forgotten?.type === 'ERROR' ? readStatus(forgotten.status) : forgotten).toMatchObject({
      code: 410,
      reason: 'Expired',
    });
  });

  test('reads that meet a restart are tried again', async () => {
    const restarted = plane.restartApiServer();
    const answers: number[] = [];
    let failed = 0;
    const done = restarted.then(() => true);
    while (!(await Promise.race([done, Promise.resolve(false)]))) {
      await cluster.list(pods, { namespace: 'shop' }).then(
        ({ items }) => answers.push(items.length),
        (error: unknown) => {
          failed += 1;
          expect(error).toMatchObject({ code: 'CLUSTER_UNREACHABLE' });
        },
      );
    }
    expect((await cluster.list(pods, { namespace: 'shop' })).items).toHaveLength(2);
    expect(new Set(answers).size, `${failed} reads found nothing listening`).toBeLessThanOrEqual(1);
  });
});

/** The first event of a watch that is no bookmark. */
async function firstEvent(from: string): Promise<WatchEvent | undefined> {
  const ending = new AbortController();
  try {
    for await (const event of cluster.watch(configMaps, from, { namespace: 'shop', signal: ending.signal })) {
      if (event.type !== 'BOOKMARK') return event;
    }
    return undefined;
  } finally {
    ending.abort();
  }
}

async function send(method: 'POST', path: string, body: unknown): Promise<void> {
  const answer = await cluster.raw({
    method,
    path,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (answer.status !== 201) throw new Error(`${path}: ${answer.status} ${answer.body}`);
}
