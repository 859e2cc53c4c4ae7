/** `padlock secure` on a mesh with traffic: what it proves, whom it spares, and that it loses nothing. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Estate, startEstate } from './estate.ts';
import { policyObjects } from './policies.ts';
import { padlock } from './run-padlock.ts';

interface Load {
  readonly sent: number;
  readonly ok: number;
  readonly failures: readonly unknown[];
}

let estate: Estate;

beforeAll(async () => {
  estate = await startEstate();
  // What no rollout may take along: the one without a sidecar, and the one with a port past its sidecar.
  await estate.kubectl([
    '-n',
    'shop',
    'delete',
    'deployment/bare',
    'deployment/hole',
    'service/bare',
    'service/hole',
  ]);
});
beforeEach(async () => {
  await estate.clear();
  await estate.kubectl(['-n', 'shop', 'delete', 'configmap', 'padlock-rollout', '--ignore-not-found']);
});
afterAll(() => estate.clear());

/** Steady requests from a pod until they are stopped. */
function startLoad(namespace: string, app: string, rate: number): () => Promise<Load> {
  const { name } = estate.pod(namespace, app).metadata;
  const command = ['node', '/usr/local/lib/load.mjs', String(rate), '240', 'http://orders.shop/'];
  const done = estate.cluster.exec(namespace, name, command, { container: 'curl' });
  return async () => {
    await estate.cluster.exec(namespace, name, ['pkill', '-TERM', '-f', 'load.mjs'], { container: 'curl' });
    const { stdout } = await done;
    return JSON.parse(stdout);
  };
}

test('to STRICT and proven, under load, without a lost request', async () => {
  const stops = [startLoad('shop', 'web', 20), startLoad('other', 'partner', 20)];
  const { code, stdout, stderr } = await padlock(
    estate.kubeconfig,
    'secure',
    'shop',
    '--yes',
    '--observe',
    '10s',
  );
  const loads = await Promise.all(stops.map((stop) => stop()));
  expect({ code, stderr }, stdout).toMatchObject({ code: 0 });
  expect(stdout).toContain('Namespace shop is STRICT, and that is proven.');
  for (const load of loads) {
    expect(load.sent).toBeGreaterThan(500);
    expect(load).toMatchObject({ ok: load.sent, failures: [] });
  }
  const ip = estate.pod('shop', 'orders').status?.podIP ?? '';
  const asked = [8080, 9000, 7070].map((port) => ({ ip, port }));
  const refusing = { plaintext: false, mtls: true, withoutCertificate: false, strange: false };
  expect(await estate.truth.ports(asked)).toEqual(asked.map(() => refusing));
});

test('out of DISABLE, under load, without a lost request', async () => {
  await estate.apply(...policyObjects({ 'shop/default': { mtls: { mode: 'DISABLE' } } }));
  const stops = [startLoad('shop', 'web', 20), startLoad('other', 'partner', 20)];
  const words = ['secure', 'shop', '--yes', '--until', 'permissive'] as const;
  const { code, stdout, stderr } = await padlock(estate.kubeconfig, ...words);
  const loads = await Promise.all(stops.map((stop) => stop()));
  expect({ code, stderr }, stdout).toMatchObject({ code: 0 });
  for (const load of loads) expect(load).toMatchObject({ ok: load.sent, failures: [] });
});

test('who sends plaintext is named, and spared', async () => {
  const stop = startLoad('legacy', 'batch', 2);
  const { code, stdout } = await padlock(estate.kubeconfig, 'secure', 'shop', '--yes', '--observe', '10s');
  const load = await stop();
  expect(code, stdout).toBe(3);
  expect(stdout.replaceAll(/\s+/g, ' ')).toContain(
    'STRICT would refuse who sends plaintext still: Deployment legacy/batch to Deployment/orders',
  );
  expect(load).toMatchObject({ ok: load.sent, failures: [] });
});
