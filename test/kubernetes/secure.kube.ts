/**
 * Whole rollouts on a real API server, by the command itself: under load, paused, killed, taken up, kept apart, against
 * other owners of the same fields, and through what an API server does on a bad day.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { KubeObject } from '../../src/istio/kubernetes.ts';
import { httpbinContainer, serviceObject, sleepContainer } from '../../src/lab/testing/core.ts';
import { ensureBuilt, padlock, type Result, type RunOptions } from '../built.ts';
import { client, namespaceObject, policy, servers, shop } from '../lab/rollout-scene.ts';
import { freshHttp, freshTcp, http2, keptHttp, type Load } from '../lab/steady-load.ts';
import { type RealMesh, startRealMesh } from './real-mesh.ts';

let mesh: RealMesh;
const folder = mkdtempSync(join(tmpdir(), 'padlock-real-secure-'));

/** It plays the nodes: not on a cluster that has its own. */
const isOwn = process.env.PADLOCK_TEST_KUBECONFIG === undefined;

beforeAll(async () => {
  if (!isOwn) return;
  const propagation = { min: 10, max: 400, seed: 11 };
  [mesh] = await Promise.all([startRealMesh({ propagation, drainSeconds: 3 }), ensureBuilt()]);
  await mesh.deploy(
    namespaceObject(shop, true),
    namespaceObject('clients', true),
    ...servers(shop),
    client('inside', shop),
    client('one', 'clients'),
    client('two', 'clients'),
  );
});

afterAll(async () => {
  await mesh?.close();
  rmSync(folder, { recursive: true, force: true });
  expect(mesh?.problems ?? []).toEqual([]);
});

afterEach(async () => {
  if (!isOwn) return;
  await mesh.kubectl(['delete', 'pa,dr', '-n', shop, '--all', '--wait']);
  await everywhere(0);
  await mesh.kubectl(['delete', 'configmap,lease', 'padlock-rollout', '-n', shop, '--ignore-not-found']);
});

const run = (args: readonly string[], options: RunOptions = {}): Promise<Result> =>
  padlock([...args, '--kubeconfig', mesh.kubeconfig], { cwd: folder, env: { USER: 'tester' }, ...options });

const apply = (...objects: readonly KubeObject[]): Promise<string> =>
  mesh.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));

/** What a rollout may change, as people wrote it. */
async function standing(): Promise<unknown> {
  const list: { items: KubeObject[] } = JSON.parse(
    await mesh.kubectl(['get', 'pa,dr,deployments', '-n', shop, '-o', 'json']),
  );
  return list.items.map(({ kind, metadata: { name, labels }, spec }) => ({ kind, name, labels, spec }));
}

/** Every proxy has it: the mesh itself is not what these tests are about. */
async function everywhere(policies: number): Promise<void> {
  const kind = 'peerauthentications.security.istio.io';
  await expect
    .poll(() => mesh.lab.api.list(kind, { namespace: shop }).length, { timeout: 20_000 })
    .toBe(policies);
  await mesh.lab.istiod.whenSynced();
}

async function modes(): Promise<unknown> {
  const list: { items: KubeObject[] } = JSON.parse(
    await mesh.kubectl(['get', 'pa', '-n', shop, '-o', 'json']),
  );
  return list.items.map(({ metadata, spec }) => [metadata.name, spec]);
}

const strict = [['default', { mtls: { mode: 'STRICT' } }]];

function traffic(): readonly Load[] {
  const to = (namespace: string, from: string, host: string, port: number) => () =>
    mesh.connectFrom(namespace, from, `${host}.shop`, port);
  return [
    freshHttp(to('clients', 'one', 'web', 80)),
    freshHttp(to('shop', 'inside', 'web', 80)),
    keptHttp(to('clients', 'two', 'web', 80)),
    http2(to('clients', 'two', 'web', 80)),
    freshTcp(to('clients', 'one', 'echo', 9000)),
  ];
}

/** Nothing in it knows of Istio: a Deployment with a budget, a StatefulSet, a DaemonSet, and a CronJob that is not due. */
function plainNamespace(namespace: string): readonly KubeObject[] {
  const workload = (kind: string, name: string, container: object, spec: object): KubeObject => ({
    apiVersion: 'apps/v1',
    kind,
    metadata: { name, namespace },
    spec: {
      selector: { matchLabels: { app: name } },
      template: podTemplate(name, container),
      ...spec,
    },
  });
  const budget = { minAvailable: 2, selector: { matchLabels: { app: 'web' } } };
  const report = { ...podTemplate('report', sleepContainer).spec, restartPolicy: 'Never' };
  const readinessProbe = { httpGet: { path: '/get', port: 80 }, periodSeconds: 1 };
  return [
    namespaceObject(namespace, false),
    workload('Deployment', 'web', { ...httpbinContainer, readinessProbe }, { replicas: 3 }),
    serviceObject('web', namespace, 80, 80),
    {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'web', namespace },
      spec: budget,
    },
    workload('StatefulSet', 'db', sleepContainer, { replicas: 2, serviceName: 'db' }),
    workload('DaemonSet', 'agent', sleepContainer, {}),
    {
      apiVersion: 'batch/v1',
      kind: 'CronJob',
      metadata: { name: 'report', namespace },
      spec: { schedule: '0 0 1 1 *', jobTemplate: { spec: { template: { spec: report } } } },
    },
  ];
}

function podTemplate(name: string, container: object) {
  return {
    metadata: { labels: { app: name } },
    spec: { terminationGracePeriodSeconds: 2, containers: [{ name, ...container }] },
  };
}

async function lost(
  loads: readonly Load[],
): Promise<{ readonly sent: number; readonly failures: readonly string[] }> {
  const results = await Promise.all(loads.map((load) => load.stop()));
  return {
    sent: results.reduce((sum, { sent }) => sum + sent, 0),
    failures: results.flatMap(({ name, failures }) => failures.map((failure) => `${name}: ${failure}`)),
  };
}

describe.skipIf(!isOwn)('padlock secure on a real API server', () => {
  test('from DISABLE to proven STRICT under load no request is lost; taken back, all is as it was', async () => {
    await apply(policy(shop, 'DISABLE'));
    await everywhere(1);
    const before = await standing();
    const loads = traffic();
    const done = await run(['secure', shop, '--yes', '--observe', '500ms']);
    const { sent, failures } = await lost(loads);
    expect(failures).toEqual([]);
    expect(done.code, done.stdout + done.stderr).toBe(0);
    expect(done.stdout).toContain('Done. Namespace shop is STRICT, and that is proven.');
    expect(sent).toBeGreaterThan(1_000);
    expect(await modes()).toEqual(strict);
    const back = await run(['rollout', 'abort', shop, '--yes']);
    expect(back.code, back.stderr).toBe(0);
    expect(await standing()).toEqual(before);
  });

  test('a namespace without sidecars gets them by the real controllers, workload by workload, and no request is lost', async () => {
    await mesh.deploy(...plainNamespace('store'));
    await mesh.kubectl(['rollout', 'status', '-n', 'store', 'statefulset/db', '--timeout=60s']);
    await mesh.kubectl(['rollout', 'status', '-n', 'store', 'daemonset/agent', '--timeout=60s']);
    const to = () => mesh.connectFrom('clients', 'one', 'web.store', 80);
    const loads = [freshHttp(to), keptHttp(to)];
    const done = await run(['secure', 'store', '--yes', '--until', 'inject']);
    const { failures } = await lost(loads);
    expect(done.code, done.stdout + done.stderr).toBe(0);
    expect(failures).toEqual([]);
    expect(done.stdout).toContain('the next pods of CronJob store/report get a');
    const pods: { items: KubeObject[] } = JSON.parse(
      await mesh.kubectl(['get', 'pods', '-n', 'store', '-o', 'json']),
    );
    const injected = pods.items.map(({ metadata }) => metadata.annotations?.['sidecar.istio.io/status']);
    expect(injected).toHaveLength(7);
    expect(injected).not.toContain(undefined);
    await mesh.kubectl(['delete', 'namespace', 'store', '--wait=false']);
  });

  test('paused from elsewhere, killed, a second run kept out, and taken up again', async () => {
    let asked: Promise<Result> | undefined;
    const paused = await run(['secure', shop, '--yes', '--observe', '10m'], {
      interruptWhen: (output) => {
        if (output.includes('watching for')) asked ??= run(['rollout', 'pause', shop]);
        return false;
      },
    });
    expect(paused.stdout).toContain('Paused: pause, asked for by tester@');
    expect((await asked)?.code).toBe(0);
    const killed = await run(['rollout', 'resume', shop, '--yes', '--observe', '200ms'], {
      interruptWhen: (output) => output.includes('apply PeerAuthentication shop/padlock-canary-web'),
      interruptBy: 'SIGKILL',
    });
    expect(killed.code).toBeNull();
    const second = await run(['rollout', 'resume', shop, '--yes']);
    expect(second).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('is running already, by tester@'),
    });
    // The dead run's Lease would stand for 30 s.
    await mesh.kubectl(['delete', 'lease', '-n', shop, 'padlock-rollout']);
    const done = await run(['rollout', 'resume', shop, '--yes']);
    expect(done.code, done.stdout + done.stderr).toBe(0);
    expect(await modes()).toEqual(strict);
  });

  test('the API server restarts and etcd forgets its past in the middle: no request is lost, and it ends proven', async () => {
    await apply(policy(shop, 'PERMISSIVE'));
    await everywhere(1);
    const loads = traffic();
    let bad: Promise<void> | undefined;
    const done = await run(['secure', shop, '--yes', '--observe', '500ms'], {
      interruptWhen: (output) => {
        if (output.includes('apply PeerAuthentication shop/padlock-canary-'))
          bad ??= mesh.plane.compact().then(() => mesh.plane.restartApiServer());
        return false;
      },
    });
    await bad;
    const { failures } = await lost(loads);
    expect(done.code, done.stdout + done.stderr).toBe(0);
    expect(done.stdout).toContain('nothing\n      listens there');
    expect(failures).toEqual([]);
    expect(await modes()).toEqual(strict);
  });

  test('fields of another manager are taken over, its next apply is told so, and taken back they are its own', async () => {
    const theirs = JSON.stringify(policy(shop, 'PERMISSIVE'));
    const applyTheirs = (): Promise<string> =>
      mesh.kubectl(['apply', '--server-side', '--field-manager=platform', '-f', '-'], theirs);
    await applyTheirs();
    await everywhere(1);
    const done = await run(['secure', shop, '--yes', '--observe', '0']);
    expect(done.code, done.stdout + done.stderr).toBe(0);
    await expect(applyTheirs()).rejects.toThrow(/conflict with "padlock": \.spec\.mtls\.mode/);
    expect(await modes()).toEqual(strict);
    const back = await run(['rollout', 'abort', shop, '--yes']);
    expect(back.code, back.stdout + back.stderr).toBe(0);
    expect(await modes()).toEqual([['default', { mtls: { mode: 'PERMISSIVE' } }]]);
  });

  test.each([
    ['Flux', { labels: { 'kustomize.toolkit.fluxcd.io/name': 'apps' } }],
    [
      'Argo CD',
      { annotations: { 'argocd.argoproj.io/tracking-id': 'shop:security.istio.io/x:shop/default' } },
    ],
  ])('what %s would put back is not touched, unless that is asked for', async (tool, mark) => {
    const before = policy(shop, 'PERMISSIVE');
    const owned = { ...before, metadata: { ...before.metadata, ...mark } };
    await apply(owned);
    await everywhere(1);
    const refused = await run(['secure', shop, '--yes', '--observe', '0']);
    expect(refused.code).toBe(1);
    const said = refused.stdout + refused.stderr;
    expect(said).toContain(tool);
    expect(said).toContain('--force-gitops');
    expect(await modes()).toEqual([['default', { mtls: { mode: 'PERMISSIVE' } }]]);
    const planned = await run(['secure', shop, '--dry-run', '--force-gitops']);
    expect(planned.code, planned.stderr).toBe(0);
  });
});
