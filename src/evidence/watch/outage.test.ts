/** An outage of the lab's certificate authority, as `padlock certs` and `padlock watch` report it: before the end, after it, and healed. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type LabCluster, startLabCluster } from '../../../test/lab-cluster.ts';
import type { KubeObject } from '../../istio/kubernetes.ts';
import type { Lab } from '../../lab/lab.ts';
import { buildMesh } from '../../mesh/mesh.ts';
import type { Cluster } from '../../sources/cluster.ts';
import { readClusterSnapshot } from '../../sources/cluster-snapshot.ts';
import { asObjects, dig } from '../../sources/json-value.ts';
import { certificateInventory } from '../certificates/inventory.ts';
import type { KeepEvent } from './fact.ts';
import { Watcher } from './watcher.ts';

let lab: Lab;
let cluster: Cluster;
let started: LabCluster;

beforeAll(async () => {
  started = await startLabCluster({ certTtlSeconds: 4, nodes: 1 });
  ({ lab, cluster } = started);
  const labels = { 'istio-injection': 'enabled' };
  lab.api.create(
    'namespaces',
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', labels } },
    'test',
  );
  const template = {
    metadata: { labels: { app: 'cart' } },
    spec: { containers: [{ name: 'cart', image: 'kennethreitz/httpbin', ports: [{ containerPort: 80 }] }] },
  };
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'cart', namespace: 'shop' },
    spec: { selector: { matchLabels: { app: 'cart' } }, template },
  };
  lab.api.create('deployments.apps', deployment, 'test');
  while (!lab.api.list('pods', { namespace: 'shop' }).some(isReady)) await sleep(20);
});

afterAll(async () => {
  await started.close();
});

it('tells of a certificate that was not renewed, that ended, and that it was renewed after all', async () => {
  const events: KeepEvent[] = [];
  const ended = new AbortController();
  const watcher = new Watcher(
    { namespaces: ['shop'], trafficEveryMs: 3_600_000, proxiesEveryMs: 150, quietMs: 1000 },
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
    },
  );
  const running = watcher.run();
  expect(await problems()).toEqual([]);
  lab.istiod.ca.setAvailable(false);
  await told(running, events, 'certificate', 'not-rotated');
  // On a busy machine the four seconds may be over by now.
  expect(await problems()).toContainEqual(expect.stringMatching(/^(not-rotated|expired)$/));
  await told(running, events, 'certificate', 'expired');
  expect(await problems()).toContain('expired');
  lab.istiod.ca.setAvailable(true);
  await told(running, events, 'certificate-mended', 'expired');
  expect(await problems()).toEqual([]);
  ended.abort();
  await running;
  // Each problem once, however often the proxy was asked.
  const subjects = events.filter(({ event }) => event === 'certificate').flatMap((event) => event.subjects);
  expect(subjects).toHaveLength(new Set(subjects).size);
}, 30_000);

/** What `padlock certs` finds at the moment. */
async function problems(): Promise<readonly string[]> {
  const snapshot = await readClusterSnapshot(cluster, { namespaces: ['shop'] });
  const { entries } = await certificateInventory(buildMesh(snapshot), ['shop'], { cluster, now: Date.now });
  expect(entries).not.toHaveLength(0);
  return entries.flatMap(({ findings }) => findings.map(({ problem }) => problem));
}

function told(
  running: Promise<void>,
  events: readonly KeepEvent[],
  name: string,
  problem: string,
): Promise<unknown> {
  const found = (): boolean =>
    events.some(
      ({ event, subjects }) => event === name && subjects.some((subject) => subject.endsWith(problem)),
    );
  return Promise.race([running, expect.poll(found, { timeout: 25_000, interval: 20 }).toBe(true)]);
}

function isReady(pod: KubeObject): boolean {
  return asObjects(dig(pod.status, 'conditions')).some(
    ({ type, status }) => type === 'Ready' && status === 'True',
  );
}
