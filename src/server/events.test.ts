/** What becomes an event: changes of what decides about mutual TLS, by watch and by reading, and refusals of every proxy. */
import { expect, test } from 'vitest';
import type { KubeObject } from '../istio/kubernetes.ts';
import { buildMesh, type Mesh } from '../mesh/mesh.ts';
import type { Unseen } from '../mesh/snapshot.ts';
import { MemoryCluster } from '../sources/memory-cluster.ts';
import { clusterSource } from './cluster-source.ts';
import { MeshChanges } from './mesh-changes.ts';
import { Refusals } from './refusals.ts';
import { parseManifests } from './testing/manifests.ts';

const policy = (mode: string, labels = ''): string => `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: default, namespace: shop${labels} }
spec: { mtls: { mode: ${mode} } }
---`;
const meshConfig = (text: string): string => `
apiVersion: v1
kind: ConfigMap
metadata: { name: istio, namespace: istio-system }
data: { mesh: "${text}" }
---`;
const namespace = (labels: string): string => `
apiVersion: v1
kind: Namespace
metadata: { name: shop, labels: { ${labels} } }
---`;
const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: shop }
spec:
  selector: { matchLabels: { app: web } }
  template: { metadata: { labels: { app: web } }, spec: { containers: [{ name: web, image: x }] } }
---`;

const meshOf = (yaml: string, unseen: readonly Unseen[] = []): Mesh =>
  buildMesh({ ...parseManifests(yaml), unseen });
const first = (yaml: string): KubeObject => {
  const [entry] = parseManifests(yaml).objects;
  if (entry === undefined) throw new Error('there is no object');
  return entry.object;
};
const told = (events: ReturnType<MeshChanges['heard']>): readonly string[] =>
  events.map(({ kind, resource, change, says }) => `${kind} ${resource} ${change} ${says}`.trim());

test('changes that decide about mutual TLS are told once, whether a watch or a reading brings them', () => {
  const before = namespace('') + deployment + meshConfig('enableAutoMtls: true') + policy('PERMISSIVE');
  const changes = new MeshChanges(meshOf(before), () => 0);
  expect(told(changes.heard('MODIFIED', first(policy('PERMISSIVE', ', labels: { a: b }'))))).toEqual([]);
  expect(told(changes.heard('MODIFIED', first(policy('STRICT'))))).toEqual([
    'policy PeerAuthentication shop/default changed STRICT',
  ]);
  const after =
    namespace('istio-injection: enabled, team: a') +
    deployment +
    meshConfig('{ enableAutoMtls: false, trustDomain: secret }') +
    policy('STRICT');
  expect(told(changes.read(meshOf(after), changes.beginReading()))).toEqual([
    'mesh Namespace shop changed istio-injection=enabled',
    'mesh MeshConfig istio-system/istio changed enableAutoMtls, trustDomain',
    'mesh Deployment shop/web changed with a sidecar',
  ]);
  expect(told(changes.read(meshOf(after), changes.beginReading()))).toEqual([]);
});

test('a reading that began before a word of a watch does not take it back', () => {
  const changes = new MeshChanges(meshOf(policy('PERMISSIVE')), () => 0);
  const begun = changes.beginReading();
  changes.heard('MODIFIED', first(policy('STRICT')));
  expect(told(changes.read(meshOf(policy('PERMISSIVE')), begun))).toEqual([]);
  const again = changes.beginReading();
  changes.heard('DELETED', first(policy('STRICT')));
  expect(told(changes.read(meshOf(policy('STRICT')), again))).toEqual([]);
  expect(told(changes.read(meshOf(policy('STRICT')), changes.beginReading()))).toEqual([
    'policy PeerAuthentication shop/default added STRICT',
  ]);
});

test('what may not be read any more was not removed', () => {
  const changes = new MeshChanges(meshOf(policy('STRICT')), () => 0);
  const unseen = [{ resource: 'peerauthentications.security.istio.io', reason: 'forbidden' }];
  expect(told(changes.read(meshOf('', unseen), changes.beginReading()))).toEqual([]);
  expect(told(changes.read(meshOf(''), changes.beginReading()))).toEqual([
    'policy PeerAuthentication shop/default removed',
  ]);
});

const pod = (name: string, where: string): string => `
apiVersion: v1
kind: Pod
metadata: { name: ${name}, namespace: ${where} }
spec: { containers: [{ name: app, image: x }, { name: istio-proxy, image: istio/proxyv2, args: [proxy, sidecar] }] }
status: { phase: Running, podIP: 10.0.0.1 }
---`;

test('the logs of all proxies are read, some in each look, and what may not be read is told', async () => {
  const names = Array.from({ length: 90 }, (_one, index) => `p${index}`);
  const mesh = meshOf(names.map((name) => pod(name, 'shop')).join('') + pod('far', 'closed'));
  const asked: string[] = [];
  const cluster = new MemoryCluster({
    raw: ({ path }) => {
      const [, where, name] = /namespaces\/(\w+)\/pods\/(\w+)\/log/.exec(path) ?? [];
      asked.push(`${where}/${name}`);
      if (where === 'closed') return { status: 403, headers: {}, body: '{"message":"no"}' };
      const stamp = '2026-11-26T12:00:09.5';
      const fields = '"- - -" 0 NR filter_chain_not_found - "-" 0 0 0 - "-" "-" "-" "-" "-" - -';
      const line = `${stamp}Z [${stamp}00Z] ${fields} 10.0.0.1:80 ${name === 'p88' ? '[fd00::9]' : '10.9.9.9'}:4000 - -\n`;
      return { status: 200, headers: {}, body: name === 'p88' || name === 'p89' ? line : '' };
    },
  });
  let time = Date.parse('2026-11-26T12:00:10Z');
  const refusals = new Refusals(cluster, '2026-11-26T12:00:00Z');
  const look = () => refusals.look(mesh, undefined, () => time++, new AbortController().signal);
  const found = [...(await look()), ...(await look()), ...(await look())];
  expect(new Set(asked)).toEqual(new Set([...names.map((name) => `shop/${name}`), 'closed/far']));
  expect(found.toSorted((a, b) => (a.pod < b.pod ? -1 : 1))).toMatchObject([
    { pod: 'shop/p88', port: 80, sender: expect.stringMatching(/^fd00::9 /) },
    {
      pod: 'shop/p89',
      port: 80,
      text: 'shop/p89 refused a plaintext connection of 10.9.9.9 (no pod: a node, the API server, by which Padlock probes too, or somebody outside)',
    },
  ]);
  const before = asked.length;
  await look();
  expect(asked.length - before).toBeLessThanOrEqual(40);
  expect(asked.filter((one) => one === 'closed/far')).toHaveLength(1);
  expect(refusals.view()).toMatchObject({ proxies: 91, forbidden: [{ namespace: 'closed' }], failed: [] });
});

test('where watching is not allowed the cluster is read every few seconds, and that is said', async () => {
  const cluster = new MemoryCluster({
    objects: parseManifests(namespace('') + policy('STRICT')).objects.map(({ object }) => object),
    forbids: (verb, resource) => verb === 'watch' && resource === 'pods',
    raw: () => ({ status: 200, headers: {}, body: '{"metadata":{"resourceVersion":"1"},"items":[]}' }),
  });
  const clock = {
    now: () => 0,
    sleep: (_milliseconds: number, signal?: AbortSignal) =>
      new Promise<void>((_resolve, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
      }),
  };
  const source = await clusterSource({ cluster, clock });
  const heard = Promise.withResolvers<string>();
  source.start((event) => {
    if (event.kind === 'connection') heard.resolve(`${event.state}: ${event.says}`);
  });
  expect(await heard.promise).toBe('polling: not allowed to watch pods: reading every 5 s instead');
  await source.close();
});
