/** Rollouts where something cannot be seen or does not follow: access logs are off, a proxy never loads what it is sent. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { KubeObject } from '../src/istio/kubernetes.ts';
import { httpbinContainer } from '../src/lab/testing/core.ts';
import { eventually } from '../src/lab/testing/wait.ts';
import { ensureBuilt, padlock } from './built.ts';
import {
  client,
  driveFrom,
  namespaceObject,
  type Scene,
  secure,
  servers,
  shop,
  startScene,
} from './lab/rollout-scene.ts';
import { freshHttp } from './lab/steady-load.ts';

let scene: Scene;

beforeAll(async () => {
  await ensureBuilt();
  // Istio's own default: no access log.
  scene = await startScene({ drainSeconds: 1, meshConfig: 'rootNamespace: istio-system\n' });
  scene.create(namespaceObject(shop, true), namespaceObject('plain', false));
  scene.create(...servers(shop).slice(0, 2), client('sleep', shop), client('outsider', 'plain'));
  await scene.deploymentsReady(shop);
  await scene.deploymentsReady('plain');
}, 60_000);
afterAll(() => scene.close());

const slowly = 120_000;

function modes(): readonly unknown[] {
  return scene.lab.api
    .list('peerauthentications.security.istio.io', { namespace: shop })
    .map(({ metadata, spec }) => [metadata.name, spec]);
}

const telemetry: KubeObject = {
  apiVersion: 'telemetry.istio.io/v1',
  kind: 'Telemetry',
  metadata: { name: 'access-logs', namespace: shop },
  spec: { accessLogging: [{ providers: [{ name: 'envoy' }] }] },
};

test(
  'without access logs refusals are not counted as none: the plan says how to see them, each window that it does not',
  async () => {
    const env = { KUBECONFIG: scene.kubeconfig };
    const { stdout } = await padlock(['secure', shop, '--dry-run'], { env });
    expect(stdout).toMatch(/note: access logging is off at Deployment\/sleep, Deployment\/web, so plaintext/);
    expect(stdout).toContain(`metadata: {name: access-logs, namespace: ${shop}}`);
    // Control planes call no application.
    expect(stdout).toContain('should they call: Deployment');
    expect(stdout).not.toContain('istio-system/istiod');

    const plan = await padlock(['plan', shop, '--window', '100ms', '-o', 'json'], { env });
    expect(JSON.parse(plan.stdout)).toMatchObject({
      notes: expect.arrayContaining([
        expect.stringMatching(
          /^Access log of Deployment\/sleep and Deployment\/web: access logging is off .*: refused plaintext is not seen/,
        ),
      ]),
    });

    let load: ReturnType<typeof freshHttp> | undefined;
    const { state, told } = await secure(scene, {
      onProgress: (progress) => {
        if (progress.event === 'write' && progress.resource.name === 'padlock-canary-web') {
          load ??= freshHttp(() => scene.connectFrom('plain', 'outsider', 'web.shop', 80));
        }
      },
    });
    // Its requests fail, and nothing in the mesh's own records says so.
    expect((await load?.stop())?.failures.length).toBeGreaterThan(0);
    expect(state.status).toBe('done');
    const watched = told.filter((progress) => progress.event === 'watched');
    expect(watched.length).toBeGreaterThan(2);
    for (const { traffic } of watched) {
      expect(traffic.servers).toBe(2);
      expect(traffic.blind.map(({ server, reason }) => [server, reason.slice(0, 21)])).toEqual([
        ['Deployment/sleep', 'access logging is off'],
        ['Deployment/web', 'access logging is off'],
      ]);
    }
    const back = await driveFrom(scene, state, { kind: 'abort', reason: 'asked to' });
    expect(back.state.status).toBe('rolled-back');
  },
  slowly,
);

test(
  'a Telemetry turns access logs on: then the same refusal is seen and taken back',
  async () => {
    scene.create(telemetry);
    let load: ReturnType<typeof freshHttp> | undefined;
    const { state } = await secure(scene, {
      observeMs: 800,
      onProgress: (progress) => {
        if (progress.event === 'write' && progress.resource.name === 'padlock-canary-web') {
          load ??= freshHttp(() => scene.connectFrom('plain', 'outsider', 'web.shop', 80));
        }
      },
    });
    await load?.stop();
    expect(state).toMatchObject({
      status: 'rolled-back',
      reason: expect.stringContaining('plaintext was refused: Deployment plain/outsider to Deployment/web'),
    });
  },
  slowly,
);

test(
  'a proxy that never loads the policy stops the rollout, is named, and everything goes back',
  async () => {
    scene.create(deaf('stale'));
    await scene.deploymentsReady(shop);
    const before = modes();
    const { state, told } = await secure(scene, {
      drive: { limits: { rollout: 20_000, load: 1_500, drain: 20_000 } },
    });
    expect(state).toMatchObject({
      status: 'rolled-back',
      reason: expect.stringMatching(
        /not every proxy loaded the change in time: shop\/deaf-\S+: port 80 is PERMISSIVE still, STRICT is declared/,
      ),
    });
    // The namespace never became STRICT.
    const titles = told.flatMap((progress) => (progress.event === 'step' ? [progress.title] : []));
    expect(titles.filter((title) => title.endsWith('default to STRICT'))).toEqual([]);
    expect(modes()).toEqual(before);
    scene.lab.api.delete('deployments.apps', shop, 'deaf');
    await eventually(scene.lab.api, ['pods'], () =>
      scene.lab.api
        .list('pods', { namespace: shop })
        .every(({ metadata }) => metadata.labels?.app !== 'deaf'),
    );
  },
  slowly,
);

test(
  'a proxy that says it has loaded STRICT and takes plaintext all the same is found out by its proof',
  async () => {
    scene.create(deaf('ignores-policy', { 'lab.padlock.dev/hides-fault': 'true' }));
    await scene.deploymentsReady(shop);
    const before = modes();
    const { state } = await secure(scene);
    expect(state).toMatchObject({
      status: 'rolled-back',
      reason: expect.stringMatching(/^STRICT is not what happens: Deployment\/deaf:80 /),
    });
    expect(modes()).toEqual(before);
    expect(scene.problems).toEqual([]);
  },
  slowly,
);

/** A server whose sidecar does wrong. */
function deaf(fault: string, more: Readonly<Record<string, string>> = {}): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'deaf', namespace: shop },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: 'deaf' } },
      template: {
        metadata: { labels: { app: 'deaf' }, annotations: { 'lab.padlock.dev/fault': fault, ...more } },
        spec: { containers: [{ name: 'deaf', ...httpbinContainer }] },
      },
    },
  };
}
