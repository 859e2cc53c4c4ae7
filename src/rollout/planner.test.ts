import { expect, test } from 'vitest';
import type { KubeObject } from '../istio/kubernetes.ts';
import { factsFrom } from './facts.ts';
import { chooseInjection } from './injection-choice.ts';
import { initialState } from './machine.ts';
import { type Plan, wayBack } from './plan.ts';
import { type Planned, type PlanOptions, planRollout } from './planner.ts';
import { recordWrite } from './record.ts';
import { parseRecord } from './record-parser.ts';
import {
  controlPlane,
  namespaceOf,
  peerAuthentication,
  shop,
  snapshotOf,
  workload,
} from './testing/small-cluster.ts';
import { describeWrite } from './write.ts';

const restartedAt = '2026-11-24T00:00:00Z';

function planned(objects: readonly KubeObject[], options: Partial<PlanOptions> = {}): Planned {
  const hasNamespace = objects.some((object) => object.kind === 'Namespace' && object.metadata.name === shop);
  const all = [...controlPlane(), ...(hasNamespace ? [] : [namespaceOf(shop)]), ...objects];
  const facts = factsFrom(snapshotOf(all), shop);
  const choice = chooseInjection(facts.namespace.metadata.labels ?? {}, facts.webhooks, undefined);
  return planRollout(facts, choice, {
    until: 'strict',
    workloads: [],
    exclude: [],
    observeMs: 60_000,
    maxErrors: { kind: 'count', value: 0 },
    restartedAt,
    ...options,
  });
}

function titles(plan: Plan): readonly string[] {
  return plan.steps.map((step) => step.title);
}

function writes(plan: Plan): readonly string[] {
  return plan.steps.flatMap((step) => step.writes.map(describeWrite));
}

/** Saved and read again, as the next run finds it. */
function reread(plan: Plan): Plan {
  const { manifest } = recordWrite(initialState(plan), restartedAt);
  const { data } = manifest as unknown as { data: Readonly<Record<string, string>> };
  return parseRecord(JSON.parse(data['state.json'] ?? ''), plan.namespace).state.plan;
}

test('a namespace in plaintext: label, restart what has no sidecar, PERMISSIVE, STRICT', () => {
  const { plan } = planned([
    ...workload('cart'),
    ...workload('sleep', { index: 9 }),
    ...workload('web', { sidecar: true }),
  ]);
  expect(titles(plan)).toEqual([
    'measure for 10 s how much fails today',
    'label namespace shop with istio-injection=enabled',
    'restart Deployment shop/cart so that its pods get a sidecar',
    'restart Deployment shop/sleep so that its pods get a sidecar',
    'set PeerAuthentication shop/default to PERMISSIVE',
    'observe live traffic for 60 s: nobody may send plaintext',
    'canary 1 of 3: set Deployment shop/cart to STRICT (no request seen so far)',
    'canary 2 of 3: set Deployment shop/sleep to STRICT (no request seen so far)',
    'canary 3 of 3: set Deployment shop/web to STRICT (no request seen so far)',
    'set PeerAuthentication shop/default to STRICT',
    'remove the canaries’ policies: the namespace’s own says the same',
    'wait until older connections have drained, and verify every port',
  ]);
  expect(plan.steps.flatMap(({ proof }) => proof?.workload?.name ?? proof?.mode ?? [])).toEqual([
    'PERMISSIVE',
    'cart',
    'sleep',
    'web',
    'STRICT',
  ]);
  expect(plan.leftOut).toEqual([]);
});

test('every plan survives being saved and read again', () => {
  const scenes: readonly (readonly [readonly KubeObject[], Partial<PlanOptions>])[] = [
    [[...workload('cart')], {}],
    [[...workload('cart'), ...workload('web', { sidecar: true })], { exclude: ['web'] }],
    [[...workload('cart')], { workloads: ['cart'] }],
    [[...workload('cart'), peerAuthentication(shop, 'all', 'DISABLE')], {}],
    [[...workload('cart'), peerAuthentication('istio-system', 'mesh', 'STRICT')], {}],
    [[...workload('cart'), { ...podOf('bare') }], {}],
  ];
  for (const [objects, options] of scenes) {
    const { plan } = planned(objects, options);
    expect(reread(plan)).toEqual(plan);
  }
});

function podOf(name: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: shop },
    spec: { containers: [{ name: 'app' }] },
    status: { phase: 'Running' },
  };
}

test('the policy that decides today is changed, and going back restores what it said', () => {
  const { plan } = planned([
    ...workload('cart', { sidecar: true }),
    peerAuthentication(shop, 'younger', 'STRICT', { createdAt: '2026-02-01T00:00:00Z' }),
    peerAuthentication(shop, 'older', 'PERMISSIVE'),
  ]);
  expect(writes(plan)).toEqual([
    'apply Namespace shop',
    'apply PeerAuthentication shop/older',
    'apply PeerAuthentication shop/padlock-canary-cart',
    'apply PeerAuthentication shop/older',
    'delete PeerAuthentication shop/padlock-canary-cart',
  ]);
  const back = wayBack(plan, plan.steps.length).flatMap((step) => step.writes);
  expect(back[0]).toMatchObject({
    kind: 'apply',
    manifest: { metadata: { name: 'older' }, spec: { mtls: { mode: 'PERMISSIVE' } } },
  });
});

test('leaving DISABLE holds the clients on plaintext first, and going back does so too', () => {
  const { plan } = planned([
    ...workload('cart', { sidecar: true }),
    namespaceOf(shop, { 'istio-injection': 'enabled' }),
    peerAuthentication(shop, 'default', 'DISABLE'),
  ]);
  expect(writes(plan)).toEqual([
    'apply DestinationRule shop/padlock-hold-plaintext',
    'apply PeerAuthentication shop/default',
    'delete DestinationRule shop/padlock-hold-plaintext',
    'apply PeerAuthentication shop/padlock-canary-cart',
    'apply PeerAuthentication shop/default',
    'delete PeerAuthentication shop/padlock-canary-cart',
  ]);
  const written = plan.steps.filter((step) => step.writes.length > 0);
  expect(written.slice(0, 4).map((step) => step.until)).toEqual([
    { kind: 'loaded', clients: true },
    { kind: 'loaded', clients: true },
    { kind: 'loaded', clients: true },
    { kind: 'loaded', clients: false },
  ]);
  const back = wayBack(plan, plan.steps.length).flatMap((step) => step.writes);
  expect(back.map(describeWrite)).toEqual([
    'apply PeerAuthentication shop/default',
    'delete PeerAuthentication shop/padlock-canary-cart',
    'apply DestinationRule shop/padlock-hold-plaintext',
    'apply PeerAuthentication shop/default',
    'delete DestinationRule shop/padlock-hold-plaintext',
  ]);
  const modes = back
    .filter(({ kind, manifest }) => kind === 'apply' && manifest.kind === 'PeerAuthentication')
    .map(({ manifest }) => manifest.spec);
  expect(modes).toEqual([{ mtls: { mode: 'PERMISSIVE' } }, { mtls: { mode: 'DISABLE' } }]);
});

test('where STRICT holds already, workloads are injected under exceptions that end with it, and nothing is weakened', () => {
  const { plan } = planned([
    ...workload('cart'),
    ...workload('web', { sidecar: true }),
    peerAuthentication('istio-system', 'mesh', 'STRICT'),
  ]);
  expect(writes(plan)).toEqual([
    'apply Namespace shop',
    'apply PeerAuthentication shop/padlock-inject-cart',
    'apply Deployment shop/cart',
    'delete PeerAuthentication shop/padlock-inject-cart',
    'apply PeerAuthentication shop/default',
  ]);
  expect(JSON.stringify(plan.steps.at(-2)?.writes)).toContain('STRICT');
  expect(plan.steps.at(-1)).toMatchObject({ until: { kind: 'drained' }, proof: { mode: 'STRICT' } });
});

test('canaries go in rising inbound risk: what is exposed, or was sent plaintext, comes last', () => {
  const exposed = (name: string, type: string): KubeObject => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: `${name}-out`, namespace: shop },
    spec: { type, selector: { app: name }, ports: [{ port: 80 }] },
  });
  const names = ['door', 'busy', 'quiet', 'plain'];
  const { plan } = planned(
    [
      ...names.flatMap((name, index) => workload(name, { index: index + 1 })),
      exposed('door', 'LoadBalancer'),
    ],
    {
      received: new Map([
        ['Deployment/busy', { requests: 1204, plaintext: 0 }],
        ['Deployment/plain', { requests: 3, plaintext: 1 }],
      ]),
    },
  );
  expect(titles(plan).filter((title) => title.startsWith('canary'))).toEqual([
    'canary 1 of 4: set Deployment shop/quiet to STRICT (no request seen so far)',
    'canary 2 of 4: set Deployment shop/busy to STRICT (1,204 requests so far)',
    'canary 3 of 4: set Deployment shop/plain to STRICT (3 requests so far, 1 of them in plaintext)',
    'canary 4 of 4: set Deployment shop/door to STRICT (exposed by Service door-out (LoadBalancer), no request seen so far)',
  ]);
});

test('a workload that a policy of its own decides gets no canary: two policies would be one too many', () => {
  const { plan } = planned([
    ...workload('cart', { sidecar: true }),
    ...workload('web', { sidecar: true }),
    peerAuthentication(shop, 'own', 'STRICT', { selector: { app: 'web' } }),
  ]);
  expect(writes(plan)).toContain('apply PeerAuthentication shop/padlock-canary-cart');
  expect(writes(plan)).not.toContain('apply PeerAuthentication shop/padlock-canary-web');
});

test('without a window nothing is observed, and harm is looked for once', () => {
  const { plan } = planned([...workload('cart', { sidecar: true })], { observeMs: 0 });
  expect(titles(plan).join()).not.toMatch(/observe|measure/);
  expect(plan.steps.flatMap(({ watch }) => watch ?? [])).toEqual([
    { kind: 'harm', forMs: 0 },
    { kind: 'harm', forMs: 0 },
    { kind: 'harm', forMs: 0 },
  ]);
});

test('an excluded workload is not restarted and stays PERMISSIVE by a policy of its own', () => {
  const { plan } = planned([...workload('cart'), ...workload('legacy')], { exclude: ['Deployment/legacy'] });
  expect(titles(plan).join('\n')).not.toContain('restart Deployment shop/legacy');
  expect(writes(plan)).toContain('apply PeerAuthentication shop/padlock-exclude-legacy');
  expect(plan.leftOut).toEqual([
    {
      workload: { kind: 'Deployment', namespace: shop, name: 'legacy' },
      reason: 'excluded by --exclude',
      byChoice: true,
    },
  ]);
});

test('one workload is injected by its own label and made STRICT by a policy of its own', () => {
  const { plan } = planned([...workload('cart'), ...workload('web')], { workloads: ['cart'] });
  expect(writes(plan)).toEqual(['apply Deployment shop/cart', 'apply PeerAuthentication shop/padlock-cart']);
  expect(JSON.stringify(plan.steps[0]?.writes)).toContain('"sidecar.istio.io/inject":"true"');
  expect(plan.workloads).toEqual(['Deployment/cart']);
});

test('--until stops after its stage', () => {
  const objects = [...workload('cart')];
  expect(planned(objects, { until: 'inject' }).plan.steps.map((step) => step.stage)).toEqual([
    'inject',
    'inject',
  ]);
  expect(planned(objects, { until: 'permissive' }).plan.steps.at(-1)?.stage).toBe('permissive');
});

test('pods without a controller are named and left; by choice where --exclude names them', () => {
  const objects = [...workload('cart'), podOf('bare')];
  expect(planned(objects).plan.leftOut).toMatchObject([
    { workload: { kind: 'Pod', name: 'bare' }, byChoice: false },
  ]);
  expect(planned(objects, { exclude: ['bare'] }).plan.leftOut).toMatchObject([{ byChoice: true }]);
});

test('a workload that can get no sidecar is told apart', () => {
  const objects = workload('cart').map((object) =>
    object.kind === 'Deployment'
      ? {
          ...object,
          spec: {
            selector: { matchLabels: { app: 'cart' } },
            template: { metadata: { labels: { app: 'cart' } }, spec: { hostNetwork: true } },
          },
        }
      : object,
  );
  const { impossible, injected } = planned(objects);
  expect(injected).toEqual([]);
  expect(impossible).toMatchObject([
    { workload: { name: 'cart' }, reason: expect.stringContaining('host’s network') },
  ]);
});

test('a record that asks for anything a rollout would not write is refused', () => {
  const { plan } = planned([...workload('cart')]);
  const saved = { version: 1, savedAt: restartedAt, state: initialState(plan) };
  const forged = (write: unknown): unknown =>
    JSON.parse(
      JSON.stringify({
        ...saved,
        state: { ...saved.state, plan: { ...plan, steps: [{ ...plan.steps[0], writes: [write] }] } },
      }),
    );
  const forgeries: readonly unknown[] = [
    { kind: 'apply', manifest: { kind: 'ClusterRoleBinding', metadata: { name: 'me' } } },
    { kind: 'apply', manifest: { kind: 'Namespace', metadata: { name: 'kube-system', labels: {} } } },
    {
      kind: 'apply',
      manifest: {
        kind: 'Namespace',
        metadata: { name: shop, labels: { 'pod-security.kubernetes.io/enforce': 'privileged' } },
      },
    },
    { kind: 'delete', manifest: { kind: 'Deployment', metadata: { name: 'cart', namespace: shop } } },
    {
      kind: 'apply',
      manifest: {
        kind: 'PeerAuthentication',
        metadata: { name: 'default', namespace: 'istio-system' },
        spec: { mtls: { mode: 'DISABLE' } },
      },
    },
    {
      kind: 'apply',
      manifest: {
        kind: 'DestinationRule',
        metadata: { name: 'mine', namespace: shop },
        spec: { host: '*', trafficPolicy: { tls: { mode: 'DISABLE' } } },
      },
    },
  ];
  for (const forgery of forgeries) expect(() => parseRecord(forged(forgery), shop)).toThrow(/it would/);
  const smuggled = parseRecord(
    forged({
      kind: 'apply',
      manifest: {
        kind: 'Deployment',
        metadata: { name: 'cart', namespace: shop },
        spec: { template: { metadata: { annotations: {} }, spec: { serviceAccountName: 'admin' } } },
      },
    }),
    shop,
  );
  expect(JSON.stringify(smuggled.state.plan.steps)).not.toContain('serviceAccountName');
  expect(() => parseRecord(JSON.parse(JSON.stringify(saved)), 'other')).toThrow(/another namespace/);
});
