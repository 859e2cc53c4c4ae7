/** Padlock's client on a real API server: who it is when it impersonates, and what it does when it is sent away by priority and fairness. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Cluster } from '../../src/sources/cluster.ts';
import { asTexts, dig } from '../../src/sources/json-value.ts';
import { connectCluster } from '../../src/sources/kube/connect.ts';
import { type RealServer, realServer } from './server-under-test.ts';

const user = 'conf-storm';
const namespace = 'conf-storm';
const level = '/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations';
const schemas = '/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas';
const bindings = '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings';
const configMaps = { group: '', version: 'v1', plural: 'configmaps', namespaced: true };

let real: RealServer;

beforeAll(async () => {
  real = await realServer();
});

afterAll(async () => {
  for (const path of [schemas, level, bindings])
    await real.cluster.raw({ method: 'DELETE', path: `${path}/${user}` });
  await real.cluster.raw({ method: 'DELETE', path: `/api/v1/namespaces/${namespace}` });
  await real.stop();
});

async function create(cluster: Cluster, path: string, object: object): Promise<void> {
  const { status, body } = await cluster.raw({
    method: 'POST',
    path,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(object),
  });
  if (status !== 201 && status !== 409) throw new Error(body);
}

/** A level of a few seats and no queue: whoever comes too many is refused at once. */
async function narrowTheWay(): Promise<void> {
  const { cluster } = real;
  const flow = 'flowcontrol.apiserver.k8s.io/v1';
  await create(cluster, level, {
    apiVersion: flow,
    kind: 'PriorityLevelConfiguration',
    metadata: { name: user },
    spec: {
      type: 'Limited',
      limited: {
        nominalConcurrencyShares: 1,
        lendablePercent: 0,
        borrowingLimitPercent: 0,
        limitResponse: { type: 'Reject' },
      },
    },
  });
  const all = { verbs: ['*'], apiGroups: ['*'], resources: ['*'], clusterScope: true, namespaces: ['*'] };
  await create(cluster, schemas, {
    apiVersion: flow,
    kind: 'FlowSchema',
    metadata: { name: user },
    spec: {
      priorityLevelConfiguration: { name: user },
      matchingPrecedence: 100,
      rules: [{ subjects: [{ kind: 'User', user: { name: user } }], resourceRules: [all] }],
    },
  });
  await create(cluster, bindings, {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: user },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }],
  });
  const meta = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } };
  await create(cluster, '/api/v1/namespaces', meta);
}

/** How many requests the level has refused so far. */
async function refusals(): Promise<number> {
  const { body } = await real.cluster.raw({ method: 'GET', path: '/metrics' });
  return body
    .split('\n')
    .filter((line) => line.startsWith('apiserver_flowcontrol_rejected_requests_total'))
    .filter((line) => line.includes(`priority_level="${user}"`))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

const connect = (more: object): Promise<Cluster> =>
  connectCluster({ kubeconfig: real.kubeconfig, env: process.env, now: () => Date.now(), ...more });

test('impersonation: user, groups and uid are what the API server takes them for', async () => {
  const cluster = await connect({ as: 'jane', asGroups: ['dev', 'ops', 'system:masters'], asUid: '17' });
  const answer = await cluster.raw({
    method: 'POST',
    path: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
    headers: { 'content-type': 'application/json' },
    body: '{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}',
  });
  const info = dig(JSON.parse(answer.body), 'status', 'userInfo');
  expect(info).toMatchObject({ username: 'jane', uid: '17' });
  expect(asTexts(dig(info, 'groups'))).toEqual(['dev', 'ops', 'system:masters', 'system:authenticated']);
});

test('several clients at once on a narrow way: many are sent away with 429, and all get through, reads and writes', {
  timeout: 120_000,
}, async () => {
  await narrowTheWay();
  const clients = await Promise.all(Array.from({ length: 4 }, () => connect({ as: user })));
  const one = await connect({ as: user });
  const path = `/api/v1/namespaces/${namespace}/configmaps`;
  // The level takes effect when the server's own informers have heard of it.
  await expect
    .poll(
      async () => {
        const { headers } = await one.raw({ method: 'GET', path });
        return headers['x-kubernetes-pf-prioritylevel-uid'];
      },
      { timeout: 20_000, interval: 200 },
    )
    .toBe(
      dig(
        JSON.parse((await real.cluster.raw({ method: 'GET', path: `${level}/${user}` })).body),
        'metadata',
        'uid',
      ),
    );
  const before = await refusals();
  const data = { filler: 'x'.repeat(50_000) };
  const writes = clients.flatMap((cluster, client) =>
    Array.from({ length: 15 }, (_, index) =>
      cluster.raw({
        method: 'POST',
        path,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { name: `c-${client}-${index}` },
          data,
        }),
      }),
    ),
  );
  const answers = await Promise.all(writes);
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
  const lists = await Promise.all(
    clients.flatMap((cluster) => Array.from({ length: 4 }, () => cluster.list(configMaps, { namespace }))),
  );
  for (const { items } of lists) expect(items.length).toBeGreaterThanOrEqual(60);
  expect((await refusals()) - before).toBeGreaterThan(20);
});
