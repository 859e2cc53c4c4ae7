/** The rollout's commands as processes of their own on a lab: paused, killed, taken up, taken back; and who sends plaintext. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { KubeObject } from '../src/istio/kubernetes.ts';
import { ensureBuilt, padlock, type Result, type RunOptions } from './built.ts';
import {
  client,
  driveFrom,
  namespaceObject,
  type Scene,
  secure,
  servers,
  shop,
  sleep,
  startScene,
} from './lab/rollout-scene.ts';
import { freshHttp } from './lab/steady-load.ts';

let scene: Scene;

beforeAll(async () => {
  await ensureBuilt();
  scene = await startScene({ propagation: { min: 5, max: 50, seed: 5 }, drainSeconds: 1 });
  scene.create(namespaceObject(shop, true), namespaceObject('plain', false));
  scene.create(...servers(shop).slice(0, 2), client('sleep', shop), client('outsider', 'plain'));
  await scene.deploymentsReady(shop);
  await scene.deploymentsReady('plain');
}, 60_000);
afterAll(() => scene.close());

/** Waits out what other processes of the machine may take. */
const slowly = 120_000;

function run(args: readonly string[], options: RunOptions = {}): Promise<Result> {
  const env = { KUBECONFIG: scene.kubeconfig, USER: 'tester' };
  return padlock(args, { ...options, env });
}

/** What a rollout may change, as people wrote it. */
function standing(): unknown {
  const { api } = scene.lab;
  const kinds = [
    'peerauthentications.security.istio.io',
    'destinationrules.networking.istio.io',
    'deployments.apps',
  ];
  return [
    ...kinds.flatMap((kind) => api.list(kind, { namespace: shop })),
    api.get('namespaces', undefined, shop),
  ].map((object) => written(object));
}

function written(object: KubeObject | undefined): unknown {
  if (object === undefined) return undefined;
  const { name, labels, annotations } = object.metadata;
  return { name, labels, annotations, spec: object.spec };
}

function modes(): readonly unknown[] {
  return scene.lab.api
    .list('peerauthentications.security.istio.io', { namespace: shop })
    .map(({ metadata, spec }) => [metadata.name, spec]);
}

const strict = [['default', { mtls: { mode: 'STRICT' } }]];

/** The API server would let the dead run's Lease stand for 30 s. */
function expireLease(): void {
  scene.lab.api.delete('leases.coordination.k8s.io', shop, 'padlock-rollout');
}

test(
  'asked to pause, killed, taken up again: it ends STRICT and proven; taken back, everything is as it was',
  async () => {
    const before = standing();
    const none = await run(['rollout', 'status', shop]);
    expect(none).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('there is no record of a rollout of shop'),
    });

    let asked: Promise<Result> | undefined;
    const paused = await run(['secure', shop, '--yes', '--observe', '10m'], {
      interruptWhen: (output) => {
        // The first window is ten seconds long; pausing there is quick enough.
        if (output.includes('watching for')) asked ??= run(['rollout', 'pause', shop]);
        return false;
      },
    });
    expect(paused.stdout).toContain('Paused: pause, asked for by tester@');
    expect(paused.stdout).toContain('To go on:        padlock rollout resume shop');
    expect(await asked).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Rollout of shop: paused'),
    });

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
    expireLease();
    const died = await run(['rollout', 'status', shop]);
    expect(died.stdout).toContain('No run holds the Lease: the run that began it ended without a word.');

    const done = await run(['rollout', 'resume', shop, '--yes', '-o', 'json']);
    const events = done.stdout
      .trim()
      .split('\n')
      .map((line): { event: string } => JSON.parse(line));
    expect(events.at(-1)).toMatchObject({ event: 'end', status: 'done' });
    expect(events.findLast(({ event }) => event === 'proof')).toMatchObject({
      result: { verdict: 'PROVEN' },
    });
    expect(done.code).toBe(0);
    expect(modes()).toEqual(strict);

    const history = await run(['rollout', 'history', shop]);
    expect(history.stdout).toMatch(
      /begun [\s\S]*paused: pause, asked for by[\s\S]*taken up again[\s\S]*canary[\s\S]*done/,
    );
    const back = await run(['rollout', 'abort', shop, '--yes']);
    expect(back.code).toBe(0);
    expect(standing()).toEqual(before);
  },
  slowly,
);

test(
  'who sends plaintext while it is observed is named, and taken back nothing has changed for them',
  async () => {
    const before = standing();
    const load = freshHttp(() => scene.connectFrom('plain', 'outsider', 'web.shop', 80));
    const { state } = await secure(scene, { observeMs: 300 });
    expect(state).toMatchObject({
      status: 'paused',
      phase: { name: 'watch' },
      reason: expect.stringContaining('Deployment plain/outsider to Deployment/web'),
    });
    const back = await driveFrom(scene, state, { kind: 'abort', reason: 'asked to' });
    expect((await load.stop()).failures).toEqual([]);
    expect(back.state.status).toBe('rolled-back');
    expect(standing()).toEqual(before);
  },
  slowly,
);

test(
  'a plaintext client that appears once its server is STRICT is noticed, and gets its way back at once',
  async () => {
    const before = standing();
    let load: ReturnType<typeof freshHttp> | undefined;
    const { state } = await secure(scene, {
      observeMs: 800,
      onProgress: (progress) => {
        if (progress.event === 'write' && progress.resource.name === 'padlock-canary-web') {
          load = freshHttp(() => scene.connectFrom('plain', 'outsider', 'web.shop', 80));
        }
      },
    });
    expect(state).toMatchObject({
      status: 'rolled-back',
      reason: expect.stringContaining('plaintext was refused: Deployment plain/outsider to Deployment/web'),
    });
    expect(standing()).toEqual(before);
    const answered = load?.sent ?? 0;
    while ((load?.sent ?? 0) < answered + 5) await sleep(10);
    const result = await load?.stop();
    expect(result?.failures.length).toBeGreaterThan(0);
    // The last ones were answered again.
    expect(result?.sent).toBeGreaterThan(result?.failures.length ?? 0);
    expect(scene.problems).toEqual([]);
  },
  slowly,
);
