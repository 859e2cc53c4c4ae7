/** Plaintext and refusals on the lab: told once, with the sender, and counted each time. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type LabCluster, startLabCluster } from '../../../test/lab-cluster.ts';
import type { KubeObject } from '../../istio/kubernetes.ts';
import type { Lab } from '../../lab/lab.ts';
import type { Cluster } from '../../sources/cluster.ts';
import { asObjects, dig } from '../../sources/json-value.ts';
import type { KeepEvent } from './fact.ts';
import type { Traffic } from './traffic-look.ts';
import { Watcher } from './watcher.ts';

const peerAuthentication = 'peerauthentications.security.istio.io';
let lab: Lab;
let cluster: Cluster;
let started: LabCluster;

beforeAll(async () => {
  started = await startLabCluster({ nodes: 1, drainSeconds: 0.1 });
  ({ lab, cluster } = started);
  create('namespaces', namespace('shop', { 'istio-injection': 'enabled' }));
  create('namespaces', namespace('plain', {}));
  create(peerAuthentication, policy('STRICT'));
  create('services', {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'server', namespace: 'shop' },
    spec: { selector: { app: 'server' }, ports: [{ name: 'http', port: 8000, targetPort: 80 }] },
  });
  create(
    'deployments.apps',
    deployment('shop', 'server', { image: 'kennethreitz/httpbin', ports: [{ containerPort: 80 }] }),
  );
  create(
    'deployments.apps',
    deployment('plain', 'batch', { image: 'curlimages/curl', command: ['sleep', '100000'] }),
  );
  const ready = (where: string): boolean => lab.api.list('pods', { namespace: where }).some(isReady);
  while (!ready('shop') || !ready('plain')) await sleep(20);
}, 30_000);

afterAll(async () => {
  await started.close();
});

it('names who is refused and who sends plaintext, once each, and counts every request', async (context) => {
  if (!lab.hasCurl) return context.skip('this machine has no curl');
  const events: KeepEvent[] = [];
  const counted: Traffic[] = [];
  const ended = new AbortController();
  const looked = Promise.withResolvers<void>();
  const running = new Watcher(
    { namespaces: ['shop'], trafficEveryMs: 50, proxiesEveryMs: 3_600_000, quietMs: 3_600_000 },
    {
      cluster,
      signal: ended.signal,
      store: undefined,
      now: Date.now,
      sleep: async (milliseconds, signal) => {
        await sleep(milliseconds, undefined, signal === undefined ? {} : { signal });
      },
      tell: async (told) => void events.push(...told),
      onBaseline: async () => undefined,
      onTrouble: () => undefined,
      onReading: (source, _reading, traffic) => {
        if (source === 'traffic') looked.resolve();
        counted.push(...traffic);
      },
    },
  ).run();
  await Promise.race([looked.promise, running]);
  const total = (kind: string): number =>
    counted.filter((one) => one.kind === kind).reduce((sum, { count }) => sum + count, 0);
  const until = (condition: () => boolean) =>
    Promise.race([running, expect.poll(condition, { timeout: 10_000, interval: 20 }).toBe(true)]);
  expect(await call()).toBe('000');
  await until(() => total('refused') === 1);
  const present = lab.api.get(peerAuthentication, 'shop', 'default');
  lab.api.update(
    peerAuthentication,
    { ...policy('PERMISSIVE'), metadata: { ...present?.metadata, name: 'default' } },
    'test',
  );
  await lab.istiod.whenSynced();
  for (const _ of [1, 2, 3]) expect(await call()).toBe('200');
  await until(() => total('plaintext') === 3);
  ended.abort();
  await running;
  const told = events.filter(({ event }) => event === 'refused' || event === 'plaintext');
  expect(told.map(({ event, subjects }) => [event, ...subjects])).toEqual([
    ['refused', 'shop/Deployment/server:80 from plain/Deployment batch'],
    ['plaintext', 'shop/Deployment/server:80 from plain/Deployment batch'],
  ]);
});

async function call(): Promise<string> {
  const pod = lab.api.list('pods', { namespace: 'plain' })[0]?.metadata.name ?? '';
  const command = [
    'curl',
    '-s',
    '-m',
    '3',
    '-o',
    '/dev/null',
    '-w',
    '%{http_code}',
    'http://server.shop:8000/get',
  ];
  return (await cluster.exec('plain', pod, command, { container: 'app' })).stdout;
}

function create(resource: string, object: KubeObject): void {
  lab.api.create(resource, object, 'test');
}

function namespace(name: string, labels: Record<string, string>): KubeObject {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
}

function policy(mode: string): KubeObject {
  return {
    apiVersion: 'security.istio.io/v1',
    kind: 'PeerAuthentication',
    metadata: { name: 'default', namespace: 'shop' },
    spec: { mtls: { mode } },
  };
}

function deployment(where: string, name: string, container: object): KubeObject {
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: where },
    spec: {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'app', ...container }] } },
    },
  };
}

function isReady(pod: KubeObject): boolean {
  return asObjects(dig(pod.status, 'conditions')).some(
    ({ type, status }) => type === 'Ready' && status === 'True',
  );
}
