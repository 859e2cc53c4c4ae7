import { expect, test } from 'vitest';
import type { KubeObject } from '../istio/kubernetes.ts';
import { buildMesh } from '../mesh/mesh.ts';
import { awayAtOnce, budgetFor, whyNoDisruption } from './budgets.ts';
import { type Owner, ownersOf } from './owners.ts';
import { shop, snapshotOf, workload } from './testing/small-cluster.ts';

function owner(kind: string, spec: Readonly<Record<string, unknown>>): Owner {
  const objects = workload('cart').map(
    (object): KubeObject =>
      object.kind === 'Deployment' ? { ...object, kind, spec: { ...Object(object.spec), ...spec } } : object,
  );
  const [found] = ownersOf(buildMesh(snapshotOf(objects)), shop);
  if (found === undefined) throw new Error('no owner');
  return found;
}

const budget = (labels: Readonly<Record<string, string>>, status: unknown = {}): KubeObject => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { name: 'cart-budget', namespace: shop },
  spec: { minAvailable: 1, selector: { matchLabels: labels } },
  status,
});

test('how many pods a restart takes away at once', () => {
  expect(awayAtOnce(owner('Deployment', { replicas: 3 }))).toBe(0);
  expect(awayAtOnce(owner('Deployment', { replicas: 8 }))).toBe(2);
  expect(
    awayAtOnce(owner('Deployment', { replicas: 2, strategy: { rollingUpdate: { maxUnavailable: 1 } } })),
  ).toBe(1);
  const neither = { rollingUpdate: { maxUnavailable: 0, maxSurge: 0 } };
  expect(awayAtOnce(owner('Deployment', { replicas: 2, strategy: neither }))).toBe(1);
  expect(awayAtOnce(owner('Deployment', { replicas: 4, strategy: { type: 'Recreate' } }))).toBe(4);
  expect(awayAtOnce(owner('StatefulSet', { replicas: 3 }))).toBe(1);
  expect(awayAtOnce(owner('DaemonSet', {}))).toBe(1);
});

test('a restart waits for a budget that selects its pods, where it takes pods away', () => {
  const eight = owner('Deployment', { replicas: 8 });
  expect(budgetFor(eight, [budget({ app: 'cart' })])).toEqual({
    kind: 'PodDisruptionBudget',
    namespace: shop,
    name: 'cart-budget',
  });
  expect(budgetFor(eight, [budget({ app: 'other' })])).toBeUndefined();
  expect(budgetFor(owner('Deployment', { replicas: 3 }), [budget({ app: 'cart' })])).toBeUndefined();
});

test('a budget allows, does not allow, or is gone', () => {
  expect(whyNoDisruption(budget({}, { disruptionsAllowed: 1 }))).toBeUndefined();
  expect(whyNoDisruption(undefined)).toBeUndefined();
  expect(
    whyNoDisruption(budget({}, { disruptionsAllowed: 0, currentHealthy: 1, desiredHealthy: 2 })),
  ).toMatch(/1 healthy, 2 wanted/);
});
