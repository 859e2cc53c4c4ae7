/** Who is named as a caller from outside, and what is said before a rollout where access logs are off. */
import { expect, test } from 'vitest';
import type { KubeObject } from '../istio/kubernetes.ts';
import { buildMesh } from '../mesh/mesh.ts';
import { accessLogAdvice } from './access-log-note.ts';
import { factsFrom } from './facts.ts';
import { outsidersNote } from './outsiders.ts';
import { controlPlane, namespaceOf, shop, snapshotOf, workload } from './testing/small-cluster.ts';

/** A pod of its own kind: pods of one namespace that have nobody's name and differ in nothing count as one workload. */
function pod(namespace: string, name: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels: { app: name } },
    spec: { containers: [{ name: 'app' }] },
    status: { phase: 'Running' },
  };
}

test('of a thousand workloads outside the likeliest callers are named, the rest counted; control planes are none', () => {
  const many = Array.from({ length: 1000 }, (_one, index) => pod('legacy', `service-${index}`));
  const mesh = buildMesh(
    snapshotOf([
      ...controlPlane(),
      namespaceOf('legacy'),
      ...many,
      pod('legacy', 'ingress-nginx'),
      pod('monitoring', 'prometheus'),
      pod(shop, 'own'),
    ]),
  );
  expect(outsidersNote(mesh, shop)).toEqual([
    'without a sidecar, and refused by STRICT should they call: Pod legacy/ingress-nginx, Pod monitoring/prometheus, ' +
      'Pod legacy/service-0, Pod legacy/service-1, Pod legacy/service-10 and 997 more',
  ]);
  expect(outsidersNote(buildMesh(snapshotOf(controlPlane())), shop)).toEqual([]);
});

const nothingRead = { at: 0, pods: new Map(), unseen: [] };

function advice(...more: readonly KubeObject[]): ReturnType<typeof accessLogAdvice> {
  const objects = [...controlPlane(), namespaceOf(shop), ...workload('cart'), ...more];
  return accessLogAdvice(factsFrom(snapshotOf(objects), shop), nothingRead);
}

function meshConfig(mesh: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'istio', namespace: 'istio-system' },
    data: { mesh },
  };
}

function telemetry(name: string, spec: KubeObject['spec']): KubeObject {
  return {
    apiVersion: 'telemetry.istio.io/v1',
    kind: 'Telemetry',
    metadata: { name, namespace: shop },
    spec,
  };
}

test('workloads that have no sidecar yet are judged by what is declared', () => {
  expect(advice()?.sentence).toContain('access logging is off in shop');
  expect(advice()?.lines).toContain('metadata: {name: access-logs, namespace: shop}');
  expect(advice(meshConfig('accessLogFile: /dev/stdout\n'))).toBeUndefined();
  const logs = { accessLogging: [{ providers: [{ name: 'envoy' }] }] };
  expect(advice(telemetry('logs', logs))).toBeUndefined();
  expect(advice(telemetry('logs', { accessLogging: [{ disabled: true }] }))?.lines[0]).toBe(
    'kubectl patch telemetry logs -n shop --type merge \\',
  );
});

test('a Telemetry that is there already is added to: Istio reads only one for a namespace', () => {
  expect(advice(telemetry('metrics', { metrics: [] }))?.lines).toEqual([
    'kubectl patch telemetry metrics -n shop --type merge \\',
    `  -p '{"spec":{"accessLogging":[{"providers":[{"name":"envoy"}]}]}}'`,
  ]);
});
