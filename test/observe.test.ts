/** What is observed of real traffic on a lab: counters as deltas, senders by name, connections that stay open. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Observation, ObservedPort } from '../src/evidence/observed/observation.ts';
import { beginObservation, type ObserveOptions } from '../src/evidence/observed/observe.ts';
import type { KubeObject } from '../src/istio/kubernetes.ts';
import { eventually, isRolledOut } from '../src/lab/testing/wait.ts';
import { asObjects, asText, dig } from '../src/sources/json-value.ts';
import { type LabCluster, namespace, startLabCluster, workload } from './lab-cluster.ts';

let lab: LabCluster;

beforeAll(async () => {
  lab = await startLabCluster();
  const twoPorts = [
    { name: 'tcp-a', port: 7000, target: 7000 },
    { name: 'tcp-b', port: 7001, target: 7001 },
  ];
  const web = workload('web', 'shop', 'kennethreitz/httpbin', [{ name: 'http', port: 8000, target: 80 }]);
  const quiet = workload('quiet', 'shop', 'kennethreitz/httpbin', [{ name: 'http', port: 80, target: 80 }]);
  const clients =
    workload('client', 'shop', 'curlimages/curl') + workload('batch', 'legacy', 'curlimages/curl');
  await lab.deploy(namespace('shop', true) + namespace('legacy', false));
  await lab.deploy(web + quiet + workload('db', 'shop', 'example/db', twoPorts) + clients);
});
afterAll(() => lab.close());

const get = (from: string, app: string, ...more: readonly string[]): Promise<string> =>
  lab.run(
    from,
    app,
    'curl',
    '-sS',
    '-o',
    '/dev/null',
    '-w',
    '%{http_code}',
    ...more,
    'http://web.shop:8000/get',
  );

async function during(traffic: () => Promise<unknown>, options: ObserveOptions = {}): Promise<Observation> {
  const open = await beginObservation(
    await lab.mesh('shop'),
    { namespaces: ['shop'], ...options },
    { cluster: lab.cluster, now: () => Date.now() },
  );
  await traffic();
  return open.finish(await lab.mesh('shop'));
}

function row(observation: Observation, name: string, port: number | undefined): ObservedPort {
  const found = observation.ports.find((one) => one.workload === `Deployment/${name}` && one.port === port);
  if (found === undefined) throw new Error(`no row of ${name}:${port}`);
  return found;
}

const senders = ({ senders: list }: ObservedPort): readonly string[] =>
  list.map((one) => `${one.security} ${one.requests}+${one.connections} ${one.namespace ?? ''}/${one.name}`);

async function podAddress(space: string, app: string): Promise<string> {
  const type = { group: '', version: 'v1', plural: 'pods', namespaced: true };
  const { items } = await lab.cluster.list(type, { namespace: space, labelSelector: `app=${app}` });
  return asText(dig(asObjects(items)[0], 'status', 'podIP')) ?? '';
}

test('plaintext and mutual TLS are told apart and their senders named; earlier requests do not count', async () => {
  expect(await get('shop', 'client')).toBe('200');
  expect(await get('legacy', 'batch')).toBe('200');
  const observation = await during(async () => {
    for (let turn = 0; turn < 3; turn++) await get('shop', 'client');
    for (let turn = 0; turn < 2; turn++) await get('legacy', 'batch');
  });
  const web = row(observation, 'web', 80);
  expect(web.mtls.requests).toBe(3);
  expect(web.plaintext.requests).toBe(2);
  expect(web.tallies.map((tally) => [tally.source, tally.mtls.requests, tally.plaintext.requests])).toEqual([
    ['proxy counters', 3, 2],
    ['access log', 3, 2],
  ]);
  expect(senders(web)).toEqual(['plaintext 2+0 legacy/Deployment batch', 'mtls 3+0 shop/Deployment client']);
  expect(web.senders[0]?.because).toMatch(/^10\.244\.\d+\.\d+ is pod legacy\/batch-/);
  const quiet = row(observation, 'quiet', 80);
  expect([quiet.mtls.requests, quiet.plaintext.requests, quiet.tallies.length]).toEqual([0, 0, 1]);
  expect(observation.sources.map(({ source, coverage }) => `${source}: ${coverage}`)).toEqual([
    'proxy counters: 4 of 4 proxies, by pod proxy',
    'access log: 2 of 4 proxies wrote entries',
  ]);
  expect(observation.unseen).toEqual([]);
});

test('what X-Forwarded-For says is not taken for the sender', async () => {
  const observation = await during(() => get('legacy', 'batch', '-H', 'X-Forwarded-For: 9.9.9.9'));
  const [sender] = row(observation, 'web', 80).senders;
  expect(sender).toMatchObject({ kind: 'forwarded', security: 'plaintext', requests: 1, addresses: [] });
  expect(sender?.because).toMatch(/X-Forwarded-For says 9\.9\.9\.9/);
});

test('a plaintext connection that stays open is seen though nothing new happens on it', async () => {
  const ip = await podAddress('shop', 'db');
  const socket = await lab.lab.network.dial(await podAddress('legacy', 'batch'), { ip, port: 7001 });
  const echoed = new Promise((resolve) => socket.once('data', resolve));
  socket.write('x');
  await echoed;
  const observation = await during(async () => undefined);
  socket.destroy();
  // Both ports are TCP ports of one Service: the counters do not say which of them it is.
  const db = row(observation, 'db', undefined);
  expect(db.plaintext).toEqual({ requests: 0, connections: 0, open: 1 });
  expect(db.senders.map(({ kind, open }) => [kind, open])).toEqual([['unknown', 1]]);
});

test('a sender that came and went within the window has a name', async () => {
  const { api } = lab.lab;
  const pods = (): readonly KubeObject[] =>
    api.list('pods', { namespace: 'legacy' }).filter(({ metadata }) => metadata.name === 'passer-by');
  const manifest = `
apiVersion: v1
kind: Pod
metadata: { name: passer-by, namespace: legacy, labels: { app: passer-by } }
spec: { terminationGracePeriodSeconds: 1, containers: [{ name: passer-by, image: curlimages/curl, command: [/bin/sleep, infinity] }] }
`;
  const visit = async (): Promise<void> => {
    await lab.deploy(manifest);
    await eventually(api, ['pods'], () => asText(dig(pods()[0], 'status', 'phase')) === 'Running');
    await get('legacy', 'passer-by');
    await lab.cluster.raw({ method: 'DELETE', path: '/api/v1/namespaces/legacy/pods/passer-by' });
    await eventually(api, ['pods'], () => pods().length === 0);
  };
  const observation = await during(visit, { watchesPods: true });
  expect(senders(row(observation, 'web', 80))).toEqual(['plaintext 1+0 legacy/Pod passer-by']);
});

test('an access log alone looks back before the window', async () => {
  await lab.run('legacy', 'batch', 'curl', '-sS', '-o', '/dev/null', 'http://quiet.shop/get');
  const observation = await during(async () => undefined, { lookBack: 60_000 });
  const quiet = row(observation, 'quiet', 80);
  const [counters, log] = quiet.tallies;
  expect(counters?.plaintext.requests).toBe(0);
  expect(log?.plaintext.requests).toBe(1);
  expect(senders(quiet)).toEqual(['plaintext 1+0 legacy/Deployment batch']);
});

test('a pod that came within the window counts from zero, one that went is told of', async () => {
  const scale = (replicas: number): Promise<unknown> =>
    lab.cluster.raw({
      method: 'PATCH',
      path: '/apis/apps/v1/namespaces/shop/deployments/quiet',
      headers: { 'content-type': 'application/merge-patch+json' },
      body: JSON.stringify({ spec: { replicas } }),
    });
  const { api } = lab.lab;
  const isQuiet = ({ metadata }: KubeObject): boolean => metadata.labels?.app === 'quiet';
  const gone = (): Promise<boolean> =>
    eventually(api, ['pods'], () => !api.list('pods', { namespace: 'shop' }).some(isQuiet));
  const there = (): Promise<boolean> =>
    eventually(api, ['deployments.apps'], () => isRolledOut(api.get('deployments.apps', 'shop', 'quiet')));
  await scale(0);
  await gone();
  const observation = await during(async () => {
    await scale(1);
    await there();
    await lab.run('legacy', 'batch', 'curl', '-sS', '-o', '/dev/null', 'http://quiet.shop/get');
  });
  expect(row(observation, 'quiet', 80).tallies[0]).toMatchObject({
    source: 'proxy counters',
    plaintext: { requests: 1 },
  });
  const after = await during(async () => {
    await scale(0);
    await gone();
  });
  expect(after.unseen).toMatchObject([
    { source: 'proxy counters', reason: expect.stringMatching(/pod ended/) },
  ]);
});
