import { expect, test } from 'vitest';
import type { KubeObject } from '../istio/kubernetes.ts';
import { factsFrom } from './facts.ts';
import { chooseInjection } from './injection-choice.ts';
import { planRollout } from './planner.ts';
import { preflight, type Refusal } from './preflight.ts';
import {
  controlPlane,
  destinationRule,
  namespaceOf,
  peerAuthentication,
  shop,
  snapshotOf,
  workload,
} from './testing/small-cluster.ts';

interface Asked {
  readonly namespace?: string;
  readonly forceGitOps?: boolean;
  readonly exclude?: readonly string[];
  readonly workloads?: readonly string[];
  readonly until?: 'inject' | 'permissive' | 'strict';
}

function refusals(objects: readonly KubeObject[], asked: Asked = {}): readonly Refusal[] {
  const { namespace = shop, forceGitOps = false, exclude = [], workloads = [], until = 'strict' } = asked;
  const given = objects.some((object) => object.kind === 'Namespace' && object.metadata.name === namespace);
  const base = controlPlane().filter((object) => !(given && object.metadata.name === namespace));
  const known = given || namespace === 'istio-system' ? [] : [namespaceOf(namespace)];
  const facts = factsFrom(snapshotOf([...base, ...known, ...objects]), namespace);
  const choice = chooseInjection(facts.namespace.metadata.labels ?? {}, facts.webhooks, undefined);
  const planned = planRollout(facts, choice, {
    until,
    workloads,
    exclude,
    observeMs: 60_000,
    maxErrors: { kind: 'count', value: 0 },
    restartedAt: '2026-11-24T00:00:00Z',
  });
  return preflight({ facts, choice, planned, forceGitOps });
}

function rulesOf(objects: readonly KubeObject[], asked: Asked = {}): readonly string[] {
  return refusals(objects, asked).map((refusal) => refusal.rule);
}

const ordinary = [...workload('cart'), ...workload('web', { sidecar: true })];

test('an ordinary namespace may go', () => {
  expect(refusals(ordinary)).toEqual([]);
});

test('the root namespace and kube-system are out of the question, and nothing else is said', () => {
  expect(rulesOf([], { namespace: 'istio-system' })).toEqual(['mesh-wide-namespace']);
  expect(rulesOf([], { namespace: 'kube-system' })).toEqual(['mesh-wide-namespace']);
});

test('an ambient namespace has no sidecars to bring in', () => {
  const ambient = namespaceOf(shop, { 'istio.io/dataplane-mode': 'ambient' });
  expect(rulesOf([...ordinary, ambient])).toEqual(['ambient']);
});

test('injection that was switched off is not switched on behind someone’s back', () => {
  const off = namespaceOf(shop, { 'istio-injection': 'disabled' });
  expect(refusals([...ordinary, off])).toMatchObject([
    { rule: 'injection', sentence: expect.stringContaining('istio-injection=disabled') },
  ]);
});

test('a workload that can get no sidecar is named, and may be left out', () => {
  const opted = workload('cart').map((object) =>
    object.kind === 'Deployment'
      ? {
          ...object,
          spec: {
            selector: { matchLabels: { app: 'cart' } },
            template: { metadata: { labels: { app: 'cart', 'sidecar.istio.io/inject': 'false' } }, spec: {} },
          },
        }
      : object,
  );
  expect(refusals(opted)).toMatchObject([
    { rule: 'no-sidecar-possible', hint: expect.stringContaining('--exclude Deployment/cart') },
  ]);
  expect(rulesOf(opted, { exclude: ['cart'] })).toEqual([]);
});

test('an exception of one workload or port that would keep plaintext is named', () => {
  const exception = peerAuthentication(shop, 'legacy-web', 'PERMISSIVE', { selector: { app: 'web' } });
  expect(refusals([...ordinary, exception])).toMatchObject([
    {
      rule: 'exception',
      sentence: 'PeerAuthentication shop/legacy-web keeps Deployment web:8080 at PERMISSIVE',
      hint: expect.stringContaining('kubectl delete peerauthentication -n shop legacy-web'),
    },
  ]);
  expect(rulesOf([...ordinary, exception], { exclude: ['web'] })).toEqual([]);
  expect(rulesOf([...ordinary, exception], { until: 'permissive' })).toEqual([]);
});

test('an exception for a workload that has no sidecar yet counts as well', () => {
  const exception = peerAuthentication(shop, 'legacy-cart', 'DISABLE', { selector: { app: 'cart' } });
  expect(rulesOf([...ordinary, exception])).toContain('exception');
});

test('a DestinationRule whose clients STRICT would refuse is named, also for servers without a sidecar yet', () => {
  for (const host of ['web', 'cart']) {
    const rule = destinationRule('plain', `${host}.shop.svc.cluster.local`, 'DISABLE');
    expect(refusals([...ordinary, rule])).toMatchObject([
      {
        rule: 'client-would-be-refused',
        sentence: expect.stringMatching(
          new RegExp(`sends plaintext to ${host}\\.shop.*DestinationRule shop/plain`),
        ),
        hint: expect.stringContaining('ISTIO_MUTUAL'),
      },
    ]);
  }
  expect(rulesOf([...ordinary, destinationRule('fine', 'web', 'ISTIO_MUTUAL')])).toEqual([]);
  expect(rulesOf([...ordinary, destinationRule('pool', 'web', undefined)])).toEqual([]);
});

test('objects that a GitOps tool would put back are named, unless one insists', () => {
  const managed = peerAuthentication(shop, 'default', 'PERMISSIVE', {
    annotations: {
      'argocd.argoproj.io/tracking-id': 'shop:security.istio.io/PeerAuthentication:shop/default',
    },
  });
  const flux = namespaceOf(shop, { 'kustomize.toolkit.fluxcd.io/name': 'apps' });
  const found = refusals([...ordinary, managed, flux]);
  expect(found.map((refusal) => refusal.sentence)).toEqual([
    'Namespace shop is managed by Flux (apps), which would put it back',
    'PeerAuthentication shop/default is managed by Argo CD (shop), which would put it back',
  ]);
  expect(rulesOf([...ordinary, managed, flux], { forceGitOps: true })).toEqual([]);
});

test('leaving DISABLE is refused where a rule keeps clients from being held on plaintext', () => {
  const disabled = peerAuthentication(shop, 'default', 'DISABLE');
  const injected = [...workload('web', { sidecar: true }), ...workload('cart', { sidecar: true })];
  expect(rulesOf([...injected, disabled])).toEqual([]);
  const pool = destinationRule('pool', 'web.shop.svc.cluster.local', undefined);
  expect(refusals([...injected, disabled, pool])).toMatchObject([
    { rule: 'leaving-disable', sentence: expect.stringContaining('web.shop.svc.cluster.local:80') },
  ]);
});

test('a single workload cannot be STRICT in a namespace at DISABLE', () => {
  const disabled = peerAuthentication(shop, 'default', 'DISABLE');
  expect(rulesOf([...ordinary, disabled], { workloads: ['web'] })).toContain('workload-in-disable');
});

test('a port that is kept from the sidecar is told of before anything is changed', () => {
  const annotated = workload('cart', { sidecar: true }).map(
    (object): KubeObject =>
      object.kind === 'Pod'
        ? {
            ...object,
            metadata: {
              ...object.metadata,
              annotations: {
                ...object.metadata.annotations,
                'traffic.sidecar.istio.io/excludeInboundPorts': '8080',
              },
            },
          }
        : object,
  );
  expect(refusals(annotated)).toMatchObject([
    { rule: 'port-past-sidecar', sentence: expect.stringContaining('8080 of Deployment shop/cart') },
  ]);
  expect(rulesOf(annotated, { until: 'permissive' })).toEqual([]);
  expect(rulesOf(annotated, { exclude: ['Deployment/cart'] })).toEqual([]);
});
