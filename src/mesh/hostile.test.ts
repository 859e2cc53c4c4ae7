/** Whatever the objects hold, the pure rooms answer: they never throw and never go on for ever. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { KubeObject } from '../istio/kubernetes.ts';
import { diffMeshes } from './diff.ts';
import { explainCall, explainPort } from './explain/explain.ts';
import { callQuestion } from './explain/question.ts';
import { runChecks } from './findings/checks.ts';
import { snapshotOf } from './findings/testing/manifests.ts';
import { buildMesh } from './mesh.ts';
import { posture } from './posture.ts';
import type { Snapshot } from './snapshot.ts';
import { withChange } from './what-if.ts';

/** One sound object of every kind that is read; the fuzzer breaks fields of them. */
const sound = `
apiVersion: v1
kind: Namespace
metadata: { name: shop, labels: { istio-injection: enabled }, annotations: { a: b } }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: istio, namespace: istio-system }
data: { mesh: "rootNamespace: istio-system\\nenableAutoMtls: true\\ntrustDomainAliases: [a]\\ndiscoverySelectors: [{matchLabels: {a: b}}]" }
---
apiVersion: v1
kind: Pod
metadata:
  name: cart-0
  namespace: shop
  labels: { app: cart, security.istio.io/tlsMode: istio }
  annotations: { sidecar.istio.io/status: '{}', traffic.sidecar.istio.io/excludeInboundPorts: '9090', traffic.sidecar.istio.io/excludeOutboundIPRanges: '10.0.0.0/8' }
  ownerReferences: [{ apiVersion: apps/v1, kind: ReplicaSet, name: cart-5d, uid: u, controller: true }]
spec:
  serviceAccountName: cart
  hostNetwork: false
  containers: [{ name: app, image: x, ports: [{ containerPort: 8080, name: http, protocol: TCP }], readinessProbe: { httpGet: { port: 8080 } } }, { name: istio-proxy, args: [proxy, sidecar] }]
  initContainers: [{ name: i, restartPolicy: Always }]
status: { podIP: 10.0.0.1, podIPs: [{ ip: 10.0.0.1 }], phase: Running, conditions: [{ type: Ready, status: 'True' }] }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: front, namespace: shop }
spec: { template: { metadata: { labels: { app: front } }, spec: { containers: [{ name: app, ports: [{ containerPort: 8080 }] }] } } }
---
apiVersion: v1
kind: Service
metadata: { name: cart, namespace: shop, annotations: { networking.istio.io/exportTo: '*' } }
spec: { selector: { app: cart }, clusterIP: 10.1.0.1, ports: [{ name: http, port: 80, targetPort: http, protocol: TCP, appProtocol: http }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: cart-1, namespace: shop, labels: { kubernetes.io/service-name: cart } }
addressType: IPv4
endpoints: [{ addresses: [10.0.0.1], conditions: { ready: true }, targetRef: { kind: Pod, name: cart-0, namespace: shop } }]
ports: [{ name: http, port: 8080, protocol: TCP }]
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: cart, namespace: shop, creationTimestamp: '2026-01-01T00:00:00Z' }
spec: { selector: { matchLabels: { app: cart } }, mtls: { mode: STRICT }, portLevelMtls: { 8080: { mode: DISABLE } } }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: cart, namespace: shop }
spec:
  host: cart
  exportTo: ['*']
  workloadSelector: { matchLabels: { app: front } }
  trafficPolicy: { tls: { mode: DISABLE }, portLevelSettings: [{ port: { number: 80 }, tls: { mode: SIMPLE } }], loadBalancer: { simple: PASSTHROUGH } }
  subsets: [{ name: v1, labels: { version: v1 }, trafficPolicy: { tls: { mode: ISTIO_MUTUAL } } }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: cart, namespace: shop }
spec:
  hosts: [cart]
  gateways: [mesh]
  http: [{ match: [{ sourceLabels: { app: front }, port: 80 }], route: [{ destination: { host: cart, subset: v1, port: { number: 80 } }, weight: 100 }] }]
  tcp: [{ route: [{ destination: { host: cart } }] }]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: e, namespace: shop }
spec: { hosts: [x.example], addresses: [240.0.0.1], ports: [{ number: 80, name: p, protocol: HTTP, targetPort: 8080 }], location: MESH_INTERNAL, resolution: STATIC, endpoints: [{ address: 10.0.0.1, ports: { p: 8080 }, labels: { a: b }, serviceAccount: s }], workloadSelector: { labels: { app: cart } } }
---
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: { name: w, namespace: shop }
spec: { address: 10.0.0.9, labels: { app: cart }, serviceAccount: s, ports: { p: 80 } }
---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: { name: s, namespace: shop }
spec: { workloadSelector: { labels: { app: front } }, egress: [{ hosts: ['./*', '~/x'], port: { number: 80 } }], ingress: [{ port: { number: 8080, protocol: HTTP, name: x } }], outboundTrafficPolicy: { mode: REGISTRY_ONLY } }
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: g, namespace: shop }
spec: { selector: { app: front }, servers: [{ port: { number: 443, protocol: HTTPS }, hosts: ['*'], tls: { mode: MUTUAL } }] }
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: a, namespace: shop }
spec: { action: DENY, selector: { matchLabels: { app: cart } }, rules: [{ from: [{ source: { principals: [x] } }], to: [{ operation: { ports: ['80'] } }], when: [{ key: source.namespace, values: [x] }] }] }
`;

const base = snapshotOf(sound);

/** Readers let no object through without these: see sources/manifests/objects.ts. */
const readersPromise: ReadonlySet<string> = new Set([
  'apiVersion',
  'kind',
  'metadata',
  'metadata.name',
  'metadata.namespace',
]);

/** Every path into a value: the fuzzer puts something else there. */
function paths(value: unknown, path: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, item]) => paths(item, [...path, key]))];
}

const places = base.objects.flatMap(({ object }, index) =>
  paths(object)
    .filter((path) => path.length > 0 && !readersPromise.has(path.join('.')))
    .map((path) => ({ index, path })),
);

const hostile: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    undefined,
    '',
    0,
    -1,
    65536,
    1e308,
    Number.NaN,
    true,
    [],
    {},
    [[]],
    [null],
    { '': null },
    '__proto__',
    'constructor',
    '*',
    '~',
    '.',
    '/',
    '//',
    '*.*',
    '\u0000',
    '💥',
    'a'.repeat(5000),
    [{}],
    { mode: 'STRICT' },
    { matchLabels: { app: 7 } },
    '10.0.0.0/99',
    ':::',
    '0,,-1,*',
  ),
  fc.jsonValue({ maxDepth: 4 }),
  fc.dictionary(
    fc.constantFrom('__proto__', 'toString', 'mode', 'matchLabels', 'number', 'host', '8080'),
    fc.jsonValue({ maxDepth: 2 }),
  ),
);

function broken(
  changes: readonly (readonly [{ readonly index: number; readonly path: readonly string[] }, unknown])[],
): Snapshot {
  const objects = structuredClone(base.objects) as {
    object: KubeObject;
    origin: { source: string; line: number };
  }[];
  for (const [{ index, path }, value] of changes) {
    let parent: unknown = objects[index]?.object;
    for (const key of path.slice(0, -1))
      parent = typeof parent === 'object' && parent !== null ? Reflect.get(parent, key) : undefined;
    if (typeof parent === 'object' && parent !== null) Reflect.set(parent, path.at(-1) ?? '', value);
  }
  return { ...base, objects };
}

/** Everything that commands ask of a mesh. */
function askEverything(snapshot: Snapshot): void {
  const mesh = buildMesh(snapshot);
  const { inbound, edges } = posture(mesh, { ports: [4321] });
  JSON.stringify({ inbound, edges });
  const { findings } = runChecks(mesh, { rules: [], today: '2026-01-01' });
  for (const { message, fix } of findings) {
    expect(message).toEqual(expect.any(String));
    expect(fix.text).not.toBe('');
  }
  const before = buildMesh(base);
  diffMeshes(before, mesh);
  diffMeshes(mesh, before);
  withChange(before, { apply: snapshot.objects.map(({ object }) => object) });
  for (const workload of mesh.workloads.slice(0, 3)) explainPort(mesh, workload, 8080);
  const question = callQuestion(mesh, 'shop/front', 'cart.shop:80');
  if (question.kind === 'call') explainCall(mesh, question);
}

test('the sound objects are all read, and none of them is a problem', () => {
  const mesh = buildMesh(base);
  expect(mesh.problems).toEqual([]);
  expect(places.length).toBeGreaterThan(200);
  expect(posture(mesh).edges.length).toBeGreaterThan(2);
  askEverything(base);
});

test('any value in any field', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom(...places), hostile), { minLength: 1, maxLength: 4 }),
      (changes) => {
        askEverything(broken(changes));
      },
    ),
    { numRuns: 300 },
  );
}, 60_000);

const junk = fc.record({
  apiVersion: fc.constantFrom('v1', 'security.istio.io/v1', 'networking.istio.io/v9', '/', 'x/y/z'),
  kind: fc.constantFrom(
    'Pod',
    'PeerAuthentication',
    'DestinationRule',
    'Service',
    'Widget',
    '__proto__',
    'Secret',
  ),
  metadata: fc.record({
    name: fc.constantFrom('', 'cart', '__proto__'),
    namespace: fc.constantFrom('', 'shop', '__proto__', undefined),
    labels: hostile,
  }),
  spec: hostile,
  status: hostile,
  data: hostile,
});

test('objects of unknown kinds, twice the same, and of nothing but junk', () => {
  fc.assert(
    fc.property(fc.array(junk, { maxLength: 5 }), (more) => {
      const objects = [
        ...base.objects,
        ...base.objects,
        ...more.map((object) => ({ object: object as unknown as KubeObject, origin: { source: 'x' } })),
      ];
      const mesh = buildMesh({ ...base, objects });
      posture(mesh);
      runChecks(mesh, { rules: [], today: '2026-01-01' });
    }),
    { numRuns: 100 },
  );
}, 60_000);
