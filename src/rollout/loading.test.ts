import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { PadlockError } from '../errors.ts';
import { type ConfigDump, parseConfigDump } from '../evidence/envoy/config-dump.ts';
import type { KubeObject } from '../istio/kubernetes.ts';
import { buildMesh, type Mesh } from '../mesh/mesh.ts';
import { readManifests } from '../sources/manifests/read-manifests.ts';
import { clientExpectations, type Expectation, lookAt, serverExpectations } from './loading.ts';
import { namespaceOf, peerAuthentication, shop, snapshotOf, workload } from './testing/small-cluster.ts';

/** What a real mesh answered under several policies. */
const recorded = resolve(import.meta.dirname, '../../../shared/inputs/envoy');
const scenes = [
  'strict',
  'permissive',
  'disable',
  'none',
  'portlevel',
  'destinationrule-disable',
  'destinationrule-disable-strict',
];

async function meshOf(scene: string): Promise<Mesh> {
  return buildMesh(
    await readManifests([join(recorded, scene, 'objects')], { cwd: recorded, stdin: async () => '' }),
  );
}

function dumpOf(scene: string, side: 'server' | 'client'): ConfigDump {
  return parseConfigDump(readFileSync(join(recorded, scene, side, 'config_dump.json'), 'utf8'), scene);
}

/** Expectations of the one pod whose dump was recorded. */
function of(expectations: readonly Expectation[], app: string): readonly Expectation[] {
  return expectations.filter(({ pod }) => pod.startsWith(app));
}

for (const scene of scenes) {
  test(`${scene}: a real mesh at rest has loaded what it declares, servers and clients`, async (context) => {
    context.skip(!existsSync(recorded), 'the recorded mesh is not beside the repository');
    const mesh = await meshOf(scene);
    const servers = of(serverExpectations(mesh, 'secure-apps'), 'httpbin');
    const clients = of(clientExpectations(mesh, 'secure-apps'), 'sleep');
    expect(servers.length).toBeGreaterThan(0);
    expect(clients.length).toBeGreaterThan(0);
    for (const { behind } of servers) expect(behind(dumpOf(scene, 'server'))).toBeUndefined();
    for (const { behind } of clients) expect(behind(dumpOf(scene, 'client'))).toBeUndefined();
  });
}

test('a proxy that still has the policy before is behind, and says in what', async (context) => {
  context.skip(!existsSync(recorded), 'the recorded mesh is not beside the repository');
  const [server] = of(serverExpectations(await meshOf('strict'), 'secure-apps'), 'httpbin');
  expect(server?.behind(dumpOf('permissive', 'server'))).toMatch(
    /^port \d+ is PERMISSIVE still, STRICT is declared$/,
  );
  expect(server?.behind(dumpOf('disable', 'server'))).toMatch(/is DISABLE still/);
  const [client] = of(clientExpectations(await meshOf('destinationrule-disable'), 'secure-apps'), 'sleep');
  expect(client?.behind(dumpOf('permissive', 'client'))).toMatch(/^sends istio-mtls to httpbin\.secure-apps/);
});

test('a look asks only proxies that were behind, and reads the cluster anew when what it knows is old', async () => {
  let now = 0;
  const read = { meshes: 0, dumps: [] as string[] };
  const mesh = buildMesh(snapshotOf([namespaceOf(shop), ...workload('cart', { sidecar: true })]));
  const behind = new Set(['a', 'b']);
  const objects: readonly Expectation[] = ['a', 'b', 'c'].map((pod) => ({
    namespace: shop,
    pod,
    behind: () => (behind.has(pod) ? 'is behind' : undefined),
  }));
  const dump: ConfigDump = { kind: 'ztunnel', raw: {} };
  const look = lookAt(
    {
      now: () => now,
      readMesh: async () => {
        read.meshes++;
        return mesh;
      },
      readDump: async (_namespace, pod) => {
        read.dumps.push(pod);
        if (pod === 'b' && behind.has('b')) throw new PadlockError('CLUSTER_REQUEST_FAILED', 'not ready yet');
        return dump;
      },
    },
    () => objects,
  );
  const signal = new AbortController().signal;
  expect((await look(signal)).toSorted((a, b) => (a.pod < b.pod ? -1 : 1))).toEqual([
    { pod: 'shop/a', detail: 'is behind' },
    { pod: 'shop/b', detail: 'not ready yet' },
  ]);
  behind.delete('a');
  read.dumps.length = 0;
  expect(await look(signal)).toHaveLength(1);
  expect(read.dumps.toSorted()).toEqual(['a', 'b']);
  expect(read.meshes).toBe(1);
  now = 6_000;
  behind.clear();
  expect(await look(signal)).toEqual([]);
  expect(read.meshes).toBe(2);
});

test('not being allowed to look is no waiting', async () => {
  const objects: readonly KubeObject[] = [
    namespaceOf(shop),
    ...workload('cart', { sidecar: true }),
    peerAuthentication(shop, 'default', 'STRICT'),
  ];
  const look = lookAt(
    {
      now: () => 0,
      readMesh: async () => buildMesh(snapshotOf(objects)),
      readDump: async () => {
        throw new PadlockError('CLUSTER_FORBIDDEN', 'not allowed to get pods/portforward');
      },
    },
    (mesh) => serverExpectations(mesh, shop),
  );
  await expect(look(new AbortController().signal)).rejects.toMatchObject({ code: 'CLUSTER_FORBIDDEN' });
});
