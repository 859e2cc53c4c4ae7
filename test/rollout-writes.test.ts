/** The rollout's writes against a real API server: what is done is undone to the letter, and repeated writes change nothing. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '../src/istio/kubernetes.ts';
import { send } from '../src/rollout/carry-out.ts';
import { factsFrom } from '../src/rollout/facts.ts';
import { chooseInjection } from '../src/rollout/injection-choice.ts';
import { acquireLease, releaseLease, renewLease } from '../src/rollout/lease.ts';
import { initialState } from '../src/rollout/machine.ts';
import { type Plan, wayBack } from '../src/rollout/plan.ts';
import { planRollout } from '../src/rollout/planner.ts';
import { readRecord, recordWrite } from '../src/rollout/record.ts';
import {
  controlPlane,
  namespaceOf,
  peerAuthentication,
  shop,
  snapshotOf,
  workload,
} from '../src/rollout/testing/small-cluster.ts';
import { requestFor, resourceOf, type Write } from '../src/rollout/write.ts';
import type { Cluster } from '../src/sources/cluster.ts';
import { connectCluster } from '../src/sources/kube/connect.ts';
import { type ControlPlane, isBuilt, istioCrds, startControlPlane } from './kubernetes/control-plane.ts';

let plane: ControlPlane | undefined;
let cluster: Cluster;

beforeAll(async () => {
  if (!isBuilt()) return;
  plane = await startControlPlane();
  cluster = await connectCluster({ kubeconfig: plane.kubeconfig, env: {}, now: () => Date.now() });
  for (const document of parseAllDocuments(readFileSync(await istioCrds(), 'utf8'))) {
    const crd: unknown = document.toJS();
    if (JSON.stringify(crd).match(/"kind":"(PeerAuthentication|DestinationRule)"/)) {
      await create('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', crd);
    }
  }
  // A CRD takes a moment until it is served.
  const everywhere = ['security.istio.io/v1/peerauthentications', 'networking.istio.io/v1/destinationrules'];
  for (const path of everywhere) {
    const served = async () => (await cluster.raw({ method: 'GET', path: `/apis/${path}` })).status;
    await vi.waitUntil(async () => (await served()) === 200, { timeout: 30_000 });
  }
}, 180_000);
afterAll(() => plane?.stop());

async function create(path: string, object: unknown): Promise<void> {
  const answer = await cluster.raw({
    method: 'POST',
    path,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(object),
  });
  expect(answer.status, answer.body).toBe(201);
}

/** Creates an object of a kind that rollouts write. */
async function put(object: KubeObject): Promise<void> {
  const type = resourceOf(object.kind);
  const root = type.group === '' ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`;
  const scope = type.namespaced ? `/namespaces/${object.metadata.namespace}` : '';
  const { creationTimestamp: _made, uid: _uid, ...metadata } = object.metadata;
  await create(`${root}${scope}/${type.plural}`, { ...object, metadata });
}

const world = {
  clock: { now: () => Date.now(), sleep: async () => undefined },
  signal: new AbortController().signal,
  tell: () => undefined,
};

async function write(writes: readonly Write[]): Promise<void> {
  for (const one of writes) await send(one, { ...world, cluster });
}

/** What people wrote: without what the server counts and who manages which field. */
async function standing(namespace: string): Promise<unknown> {
  const found: unknown[] = [];
  for (const kind of ['Deployment', 'PeerAuthentication', 'DestinationRule']) {
    const { items } = await cluster.list(resourceOf(kind), { namespace });
    found.push(...items);
  }
  found.push(await cluster.get(resourceOf('Namespace'), undefined, namespace));
  // From the inside out, so that what is empty once it is clean is dropped as well.
  return JSON.parse(JSON.stringify(found), (name, value: unknown) =>
    dropped.has(name) || (isEmpty(value) && name !== 'spec' && name !== 'mtls') ? undefined : value,
  );
}

const dropped = new Set([
  'managedFields',
  'resourceVersion',
  'generation',
  'uid',
  'status',
  'creationTimestamp',
  // The Deployment controller's own count.
  'deployment.kubernetes.io/revision',
]);

function isEmpty(value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0
  );
}

function planFor(namespace: string, objects: readonly KubeObject[]): Plan {
  const renamed: readonly KubeObject[] = JSON.parse(
    JSON.stringify(objects).replaceAll(`"${shop}"`, `"${namespace}"`),
  );
  const facts = factsFrom(snapshotOf([...controlPlane(), ...renamed]), namespace);
  const choice = chooseInjection(facts.namespace.metadata.labels ?? {}, facts.webhooks, undefined);
  return planRollout(facts, choice, {
    until: 'strict',
    workloads: [],
    exclude: [],
    observeMs: 60_000,
    maxErrors: { kind: 'count', value: 0 },
    restartedAt: '2026-11-24T00:00:00Z',
  }).plan;
}

/** A Deployment that a real API server takes. */
function deployment(namespace: string): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'cart', namespace },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: 'cart' } },
      template: {
        metadata: { labels: { app: 'cart' } },
        spec: { containers: [{ name: 'app', image: 'example.test/app' }] },
      },
    },
  };
}

const scenes: Readonly<Record<string, readonly KubeObject[]>> = {
  'no-policy': [],
  permissive: [peerAuthentication(shop, 'default', 'PERMISSIVE')],
  disable: [peerAuthentication(shop, 'mine', 'DISABLE')],
  'without-mtls': [{ ...peerAuthentication(shop, 'bare', 'STRICT'), spec: {} }],
  'without-a-mode': [{ ...peerAuthentication(shop, 'empty', 'STRICT'), spec: { mtls: {} } }],
};

for (const [name, policies] of Object.entries(scenes)) {
  test(`${name}: done twice changes nothing more, and the way back restores it`, async (context) => {
    context.skip(plane === undefined, 'no real API server: see test/kubernetes');
    const namespace = `shop-${name}`;
    await put(namespaceOf(namespace, { team: 'a' }));
    await put(deployment(namespace));
    for (const policy of policies) await put({ ...policy, metadata: { ...policy.metadata, namespace } });
    const before = await standing(namespace);
    const plan = planFor(namespace, [namespaceOf(shop, { team: 'a' }), ...workload('cart'), ...policies]);
    for (const { writes } of plan.steps) {
      for (const one of writes) {
        const dry = await cluster.raw(requestFor(one, true));
        expect(dry.status, dry.body).toBeLessThan(405);
      }
    }
    expect(await standing(namespace)).toEqual(before);
    for (const { writes } of plan.steps) {
      await write(writes);
      const once = await standing(namespace);
      await write(writes);
      expect(await standing(namespace)).toEqual(once);
    }
    expect(JSON.stringify(await standing(namespace))).toContain('"mode":"STRICT"');
    for (const { writes } of wayBack(plan, plan.steps.length)) {
      await write(writes);
      await write(writes);
    }
    expect(await standing(namespace)).toEqual(before);
  });
}

test('a record is saved and read again; a Lease keeps two runs apart', async (context) => {
  context.skip(plane === undefined, 'no real API server: see test/kubernetes');
  const namespace = 'shop-record';
  await put(namespaceOf(namespace));
  const state = initialState(planFor(namespace, [namespaceOf(shop), ...workload('cart')]));
  expect(await readRecord(cluster, namespace)).toBeUndefined();
  await write([recordWrite(state, '2026-11-24T00:00:00Z')]);
  await write([recordWrite({ ...state, status: 'paused', reason: 'Ctrl-C' }, '2026-11-24T00:00:01Z')]);
  const saved = await readRecord(cluster, namespace);
  expect(saved?.state).toEqual({ ...state, status: 'paused', reason: 'Ctrl-C' });
  const holder = (name: string) => ({ cluster, namespace, holder: name, now: () => Date.now() });
  await acquireLease(holder('first'));
  await expect(acquireLease(holder('second'))).rejects.toMatchObject({ code: 'PREFLIGHT_REFUSED' });
  expect(await renewLease(holder('first'))).toBe(true);
  expect(await renewLease(holder('second'))).toBe(false);
  await releaseLease(holder('first'));
  await acquireLease(holder('second'));
});
