import { expect, test } from 'vitest';
import type { KubeObject } from '../istio/kubernetes.ts';
import { podSelector, rolledOut } from './rolled-out.ts';

function deployment(status: unknown, generation = 2): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'cart', namespace: 'shop', generation },
    spec: { replicas: 2, selector: { matchLabels: { app: 'cart', tier: 'web' } } },
    status,
  };
}

function pod(
  name: string,
  options: { sidecar?: 'container' | 'init'; deleting?: boolean; waiting?: string } = {},
): KubeObject {
  const proxy = [{ name: 'istio-proxy' }];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'shop',
      ...(options.deleting === true ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}),
    },
    spec: {
      containers: [{ name: 'app' }, ...(options.sidecar === 'container' ? proxy : [])],
      ...(options.sidecar === 'init' ? { initContainers: proxy } : {}),
    },
    status:
      options.waiting === undefined
        ? {}
        : { containerStatuses: [{ name: 'app', state: { waiting: { reason: options.waiting } } }] },
  };
}

const settled = { observedGeneration: 2, replicas: 2, updatedReplicas: 2, availableReplicas: 2 };
const injected = [pod('a', { sidecar: 'container' }), pod('b', { sidecar: 'init' })];

test('a settled Deployment whose pods have their sidecar is rolled out; native sidecars count', () => {
  expect(rolledOut(deployment(settled), injected, true)).toEqual({ kind: 'yes' });
});

test('each stage of a rollout is not yet, with what is missing', () => {
  const cases: readonly (readonly [unknown, RegExp])[] = [
    [{ ...settled, observedGeneration: 1 }, /has not seen the change/],
    [{ ...settled, updatedReplicas: 1 }, /1 of 2 pods are updated/],
    [{ ...settled, replicas: 3 }, /1 old pod is still ending/],
    [{ ...settled, availableReplicas: 1 }, /1 of 2 updated pods are ready/],
    [undefined, /has not seen the change/],
  ];
  for (const [status, detail] of cases) {
    expect(rolledOut(deployment(status), injected, true)).toEqual({
      kind: 'not-yet',
      detail: expect.stringMatching(detail),
    });
  }
  const ending = [...injected, pod('c', { deleting: true })];
  expect(rolledOut(deployment(settled), ending, true)).toMatchObject({
    kind: 'not-yet',
    detail: expect.stringContaining('ending'),
  });
});

test('a container that cannot start is named', () => {
  const pods = [pod('a', { waiting: 'ImagePullBackOff' })];
  expect(rolledOut(deployment({ ...settled, availableReplicas: 0 }), pods, true)).toMatchObject({
    detail: expect.stringContaining('a: app is in ImagePullBackOff'),
  });
  const starting = [pod('a', { waiting: 'ContainerCreating' })];
  expect(rolledOut(deployment({ ...settled, availableReplicas: 0 }), starting, true)).toMatchObject({
    detail: expect.not.stringContaining('ContainerCreating'),
  });
});

test('waiting ends where the progress deadline is exceeded, or new pods got no sidecar', () => {
  const conditions = [
    { type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded', message: 'has timed out' },
  ];
  expect(rolledOut(deployment({ ...settled, conditions }), [], true)).toEqual({
    kind: 'never',
    reason: 'has timed out',
  });
  expect(rolledOut(deployment(settled), [pod('a')], true)).toMatchObject({
    kind: 'never',
    reason: expect.stringContaining('no sidecar: a'),
  });
  expect(rolledOut(deployment(settled), [pod('a')], false)).toEqual({ kind: 'yes' });
});

test('StatefulSets and DaemonSets are read by their own fields', () => {
  const set = (status: unknown): KubeObject => ({ ...deployment(status), kind: 'StatefulSet' });
  const stateful = {
    observedGeneration: 2,
    replicas: 2,
    readyReplicas: 2,
    currentRevision: 'a',
    updateRevision: 'b',
  };
  expect(rolledOut(set({ ...stateful, updatedReplicas: 1 }), injected, true).kind).toBe('not-yet');
  expect(rolledOut(set({ ...stateful, currentRevision: 'b' }), injected, true).kind).toBe('yes');
  const daemon = (status: unknown): KubeObject => ({ ...deployment(status), kind: 'DaemonSet' });
  const everywhere = {
    observedGeneration: 2,
    desiredNumberScheduled: 2,
    updatedNumberScheduled: 2,
    numberAvailable: 2,
  };
  expect(rolledOut(daemon({ ...everywhere, updatedNumberScheduled: 1 }), injected, true).kind).toBe(
    'not-yet',
  );
  expect(rolledOut(daemon(everywhere), injected, true).kind).toBe('yes');
});

test('the pods of a workload are selected by its own labels', () => {
  expect(podSelector(deployment({}))).toBe('app=cart,tier=web');
});
