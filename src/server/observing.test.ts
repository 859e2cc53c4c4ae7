/** From the counters of a busy proxy to the padlock in the picture: what is one in a million must arrive as one. */
import { expect, test } from 'vitest';
import { parsePrometheus } from '../evidence/envoy/prometheus.ts';
import { addressBook } from '../evidence/observed/address-book.ts';
import { counterDelta } from '../evidence/observed/counter-delta.ts';
import { counterRecords } from '../evidence/observed/counter-records.ts';
import { observedPorts } from '../evidence/observed/tally.ts';
import { stateOf } from '../mesh/graph/edge-state.ts';
import { buildGraph } from '../mesh/graph/graph.ts';
import { viewOf } from '../mesh/graph/view.ts';
import { portsOf } from '../mesh/inbound.ts';
import { buildMesh } from '../mesh/mesh.ts';
import { joinedCalls, observedView } from './observing.ts';
import { parseManifests } from './testing/manifests.ts';

const deployment = (namespace: string, name: string): string => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name}, namespace: ${namespace} }
spec:
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec: { containers: [{ name: ${name}, image: x, ports: [{ containerPort: 80 }] }] }
---`;
const mesh = buildMesh(
  parseManifests(
    `${deployment('shop', 'web')}${deployment('shop', 'cart')}${deployment('legacy', 'batch')}
apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec: { selector: { app: web }, ports: [{ name: http, port: 80 }] }
---
apiVersion: v1
kind: Namespace
metadata: { name: shop, labels: { istio-injection: enabled } }
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: default, namespace: shop }
spec: { mtls: { mode: PERMISSIVE } }
`,
  ),
);

const [second, million] = [1_000, 1_000_000];

/** One series of a proxy, as Envoy prints it. */
function series(source: string, policy: string, value: string): string {
  const [namespace, name] = source.split('/');
  const labels = [
    'reporter="destination"',
    `source_workload="${name}"`,
    `source_workload_namespace="${namespace}"`,
    'destination_service="web.shop.svc.cluster.local"',
    'request_protocol="http"',
    `connection_security_policy="${policy}"`,
  ];
  return `istio_requests_total{${labels.join(',')}} ${value}\n`;
}

function seen(before: string, after: string) {
  const reading = (at: number, text: string) =>
    ({ at, uptime: at / 1000 + 9_000, via: 'exec', samples: parsePrometheus(text) }) as const;
  const web = mesh.workloads.find(({ name }) => name === 'web');
  if (web === undefined) throw new Error('there is no web');
  const delta = counterDelta(reading(0, before), reading(60 * second, after));
  const source = 'proxy counters';
  const window = { from: new Date(0).toISOString(), to: new Date(60 * second).toISOString() };
  const records = counterRecords(source, mesh, web, addressBook([mesh]), delta.added, []);
  return observedView({
    context: 'test',
    window,
    sources: [],
    unseen: [],
    ports: observedPorts(web, portsOf(mesh, web), records, [{ source, window }]),
  });
}

test('one plaintext request beside a million by mutual TLS is mixed, on top of billions counted before', () => {
  const billions = 9_000_000_000_000;
  const before = series('shop/cart', 'mutual_tls', String(billions)) + series('shop/cart', 'none', '7');
  const after =
    series('shop/cart', 'mutual_tls', String(billions + million)) + series('shop/cart', 'none', '8');
  const { calls } = seen(before, after);
  expect(calls.map(({ client, mtls, plaintext }) => [client, mtls, plaintext]).toSorted()).toEqual([
    ['shop/Deployment/cart', 0, 1],
    ['shop/Deployment/cart', million, 0],
  ]);
  const graph = buildGraph(mesh, { observed: calls });
  const index = (id: string): number => graph.indexOf.get(id) ?? Number.NaN;
  const bits = graph.observed(index('shop/Deployment/cart'), index('shop/Deployment/web'));
  expect(stateOf(bits)).toBe('mixed');
});

test('a single plaintext request of another workload is a line of its own, and opens the collapsed namespace', () => {
  const mtls = (value: number) => series('shop/cart', 'mutual_tls', String(value));
  const { calls } = seen(mtls(0), mtls(million) + series('legacy/batch', 'none', '1'));
  const graph = buildGraph(mesh, { observed: calls });
  const options = { shown: new Set(['shop', 'legacy']), only: 'all', observedOnly: true, limit: 9 } as const;
  const open = viewOf(graph, { ...options, collapsed: new Set() });
  expect(open.edges.map(({ source, state }) => [source, state]).toSorted()).toEqual([
    ['legacy/Deployment/batch', 'plaintext'],
    ['shop/Deployment/cart', 'mtls'],
  ]);
  const closed = viewOf(graph, { ...options, collapsed: new Set(['shop', 'legacy']) });
  expect(closed.edges.map(({ source, state }) => [source, state])).toContainEqual(['ns:legacy', 'plaintext']);
});

test('what an earlier window saw is kept and added to', () => {
  const call = {
    client: 'a',
    server: 'b',
    port: 80,
    mtls: million,
    plaintext: 0,
    unknown: 0,
    refused: 0,
    by: 'x',
  };
  expect(joinedCalls([{ ...call, plaintext: 1 }, call, { ...call, port: 81 }])).toEqual([
    { ...call, mtls: 2 * million, plaintext: 1 },
    { ...call, port: 81 },
  ]);
});
