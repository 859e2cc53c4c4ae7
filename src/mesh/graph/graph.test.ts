import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '../../istio/kubernetes.ts';
import { diffMeshes } from '../diff.ts';
import { buildMesh, type Mesh } from '../mesh.ts';
import type { Unseen } from '../snapshot.ts';
import { withChange } from '../what-if.ts';
import { chosenPolicy } from './choice.ts';
import { edgeDetail } from './details.ts';
import { seen, stateOf } from './edge-state.ts';
import { buildGraph } from './graph.ts';
import type { ObservedCall } from './observed.ts';
import { viewOf } from './view.ts';

function meshOf(yaml: string, unseen: readonly Unseen[] = []): Mesh {
  const objects = parseAllDocuments(yaml).map((document) => document.toJS() as KubeObject);
  const origin = { source: 'test.yaml' };
  return buildMesh({
    source: 'test.yaml',
    objects: objects.filter(Boolean).map((object) => ({ object, origin })),
    unseen,
  });
}

const deployment = (namespace: string, name: string, ports: string): string => `---
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name}, namespace: ${namespace} }
spec:
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec: { containers: [{ name: ${name}, image: x, ports: [${ports}] }] }
---
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: ${namespace} }
spec: { selector: { app: ${name} }, ports: [{ name: http, port: 80 }, { name: tcp-b, port: 90 }] }
`;
const two = '{ containerPort: 80 }, { containerPort: 90 }';
const inventory = `
apiVersion: v1
kind: Namespace
metadata: { name: shop, labels: { istio-injection: enabled } }
---
apiVersion: v1
kind: Namespace
metadata: { name: legacy }
${deployment('shop', 'web', two)}${deployment('shop', 'db', two)}${deployment('legacy', 'batch', two)}`;
const policy = (name: string, spec: string): string => `---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: ${name}, namespace: shop, creationTimestamp: "2026-01-01T00:00:00Z" }
spec: ${spec}
`;
const dbPort = '{ selector: { matchLabels: { app: db } }, portLevelMtls: { 90: { mode: DISABLE } } }';
const [web, db, batch] = ['shop/Deployment/web', 'shop/Deployment/db', 'legacy/Deployment/batch'];

function stateBetween(
  mesh: Mesh,
  client: string,
  server: string,
  observed: readonly ObservedCall[] = [],
): string {
  const graph = buildGraph(mesh, { observed, asked: ['shop'] });
  return edgeDetail(mesh, graph, client, server, { asked: ['shop'] })?.state ?? 'no edge';
}

test('a state is never rounded up: anything beside mutual TLS takes the closed padlock away', () => {
  for (let bits = 0; bits < 32; bits++) {
    const wholly = (bits & ~seen.refused) === seen.mtls;
    expect(stateOf(bits) === 'mtls', String(bits)).toBe(wholly);
    if ((bits & seen.plaintext) !== 0) expect(stateOf(bits)).toMatch(/^(plaintext|mixed)$/);
  }
});

test('an edge joins all ports of a pair: one plaintext port makes it mixed', () => {
  const strict = meshOf(inventory + policy('default', '{ mtls: { mode: STRICT } }'));
  expect(stateBetween(strict, web, db)).toBe('mtls');
  expect(stateBetween(strict, batch, db)).toBe('refused');
  expect(stateBetween(strict, web, batch)).toBe('plaintext');
  const mixed = meshOf(inventory + policy('default', '{ mtls: { mode: STRICT } }') + policy('db', dbPort));
  expect(stateBetween(mixed, web, db)).toBe('mixed');
  expect(stateBetween(mixed, web, batch)).toBe('plaintext');
});

test('one plaintext request among a million is mixed and names its sender', () => {
  const strict = meshOf(inventory + policy('default', '{ mtls: { mode: STRICT } }'));
  const call: ObservedCall = {
    client: web,
    server: db,
    mtls: 999_999,
    plaintext: 1,
    unknown: 0,
    refused: 0,
    by: 'access log',
  };
  expect(stateBetween(strict, web, db, [call])).toBe('mixed');
  const outsider = { ...call, client: 'outside:10.0.0.9', mtls: 0 };
  const graph = buildGraph(strict, { observed: [outsider] });
  expect(graph.nodes.at(-1)).toMatchObject({ id: 'outside:10.0.0.9', name: '10.0.0.9', namespace: '' });
  expect(stateBetween(strict, 'outside:10.0.0.9', db, [outsider])).toBe('plaintext');
});

test('where the deciding policies were not seen the edge is unknown, and says why', () => {
  const unseen = {
    resource: 'peerauthentications.security.istio.io',
    namespace: 'shop',
    reason: 'forbidden',
  };
  const mesh = meshOf(inventory, [unseen]);
  expect(stateBetween(mesh, web, db)).toBe('unknown');
  const accepts = (of: Mesh) => buildGraph(of, { asked: ['shop'] }).nodes.map(({ id, state }) => [id, state]);
  expect(accepts(mesh)).toEqual([
    [batch, 'plaintext'],
    [db, 'unknown'],
    [web, 'unknown'],
  ]);
  const detail = edgeDetail(mesh, buildGraph(mesh, { asked: ['shop'] }), web, db, { asked: ['shop'] });
  expect(detail?.calls[0]).toMatchObject({ state: 'unknown', blind: expect.stringContaining('forbidden') });
  const everywhere = meshOf(inventory, [{ resource: unseen.resource, reason: 'forbidden' }]);
  expect(stateBetween(everywhere, web, db)).toBe('mtls');
  expect(stateBetween(everywhere, web, batch)).toBe('unknown');
});

test('a collapsed namespace is as open as its most open workload, and counts what is behind its edges', () => {
  const mesh = meshOf(inventory + policy('default', '{ mtls: { mode: STRICT } }') + policy('db', dbPort));
  const graph = buildGraph(mesh);
  const all = { shown: new Set(['shop', 'legacy']), only: 'all', observedOnly: false, limit: 100 } as const;
  const view = viewOf(graph, { ...all, collapsed: new Set(['shop', 'legacy']) });
  expect(view.nodes.map(({ id, state }) => [id, state])).toEqual([
    ['ns:legacy', 'plaintext'],
    ['ns:shop', 'mixed'],
  ]);
  expect(view.nodes[1]?.inside).toMatchObject({ mtls: 1, mixed: 1 });
  const open = viewOf(graph, { ...all, collapsed: new Set(), only: 'not-mtls' });
  expect(open.edges.map(({ state }) => state)).not.toContain('mtls');
  expect(viewOf(graph, { ...all, collapsed: new Set(), limit: 1 })).toMatchObject({
    left: open.edges.length,
  });
});

test('a what-if changes the policy that counts, because a younger one would be ignored', () => {
  const mesh = meshOf(inventory + policy('old', '{ mtls: { mode: PERMISSIVE } }') + policy('db', dbPort));
  const chosen = chosenPolicy(mesh, { level: 'namespace', namespace: 'shop', mode: 'STRICT' });
  expect(chosen).toMatchObject({
    changes: true,
    manifest: { metadata: { name: 'old' }, spec: { mtls: { mode: 'STRICT' } } },
  });
  const port = chosenPolicy(mesh, { level: 'port', workload: db, port: 80, mode: 'STRICT' });
  expect(port?.manifest.spec).toEqual({
    selector: { matchLabels: { app: 'db' } },
    portLevelMtls: { 80: { mode: 'STRICT' }, 90: { mode: 'DISABLE' } },
  });
  const own = chosenPolicy(mesh, { level: 'workload', workload: web, mode: 'STRICT' });
  expect(own).toMatchObject({ changes: false, manifest: { metadata: { name: 'web', namespace: 'shop' } } });
  expect(chosenPolicy(mesh, { level: 'mesh', mode: 'STRICT' })?.manifest.metadata).toEqual({
    name: 'default',
    namespace: 'istio-system',
  });
  expect(chosenPolicy(mesh, { level: 'workload', workload: 'gone', mode: 'STRICT' })).toBeUndefined();
});

test('what a what-if says is so once the policy is applied', () => {
  const mesh = meshOf(inventory + policy('old', '{ mtls: { mode: PERMISSIVE } }'));
  for (const choice of [
    { level: 'namespace', namespace: 'shop', mode: 'STRICT' },
    { level: 'workload', workload: db, mode: 'STRICT' },
    { level: 'port', workload: db, port: 90, mode: 'STRICT' },
  ] as const) {
    const chosen = chosenPolicy(mesh, choice);
    if (chosen === undefined) throw new Error('there is no such policy');
    const breaks = diffMeshes(mesh, withChange(mesh, { apply: [chosen.manifest] })).edges.filter(
      ({ change }) => change === 'BREAKS',
    );
    expect(new Set(breaks.flatMap(({ clients }) => clients))).toEqual(new Set(['legacy/batch']));
    expect(new Set(breaks.map(({ targetPort }) => targetPort))).toEqual(
      new Set(choice.level === 'port' ? [90] : [80, 90]),
    );
  }
});
