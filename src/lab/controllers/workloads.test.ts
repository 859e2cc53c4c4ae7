import { afterEach, beforeEach, expect, test } from 'vitest';
import type { KubeObject } from '../../istio/kubernetes.ts';
import { asPod } from '../kinds/pod.ts';
import { asEndpointSlice } from '../kinds/service.ts';
import {
  deploymentObject,
  httpbinContainer,
  namespaceObject,
  serviceObject,
  sleepContainer,
  startTestCore,
  type TestCore,
} from '../testing/core.ts';
import { eventually, isRolledOut, statusOf } from '../testing/wait.ts';

const namespace = 'shop';
let core: TestCore;
beforeEach(async () => {
  core = await startTestCore();
  core.create(namespaceObject(namespace));
});
afterEach(async () => {
  expect(core.problems).toEqual([]);
  await core.close();
});

const template = (
  labels: Record<string, string>,
  containers: readonly object[],
  spec: object = {},
): object => ({
  metadata: { labels },
  spec: { containers, ...spec },
});
const sleeper = { name: 'sleep', ...sleepContainer };
const pods = (): readonly KubeObject[] => core.api.list('pods', { namespace });
const names = (): readonly string[] => pods().map(({ metadata }) => metadata.name);

test('a stateful set starts its pods in order, names them by number and replaces them from the last', async () => {
  const web = { name: 'web', ...httpbinContainer };
  core.create({
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'db', namespace },
    spec: {
      replicas: 3,
      serviceName: 'db',
      selector: { matchLabels: { app: 'db' } },
      template: template({ app: 'db' }, [web]),
    },
  });
  const order: string[] = [];
  const unwatch = core.api.watch(['pods'], ({ type, object }) => {
    if (type !== 'MODIFIED') order.push(`${type} ${object.metadata.name}`);
  });
  const get = (): KubeObject | undefined => core.api.get('statefulsets.apps', namespace, 'db');
  await eventually(core.api, ['statefulsets.apps'], () => statusOf(get()).readyReplicas === 3);
  expect(order).toEqual(['ADDED db-0', 'ADDED db-1', 'ADDED db-2']);
  order.length = 0;
  const found = get() as KubeObject;
  const spec = { ...(found.spec as object), template: template({ app: 'db', version: '2' }, [web]) };
  core.api.update('statefulsets.apps', { ...found, spec }, 'test');
  await eventually(core.api, ['statefulsets.apps'], () => {
    const { observedGeneration, updatedReplicas, readyReplicas, updateRevision, currentRevision } = statusOf(
      get(),
    );
    if (observedGeneration !== get()?.metadata.generation) return false;
    return updatedReplicas === 3 && readyReplicas === 3 && updateRevision === currentRevision;
  });
  unwatch();
  expect(order.filter((line) => line.startsWith('ADDED'))).toEqual([
    'ADDED db-2',
    'ADDED db-1',
    'ADDED db-0',
  ]);
  // One number for each template, however often the controller has looked meanwhile.
  const revisions = core.api.list('controllerrevisions.apps', { namespace });
  expect(revisions.map(({ revision }) => revision).toSorted()).toEqual([1, 2]);
});

test('a daemon set has one pod on each node', async () => {
  core.create({
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'agent', namespace },
    spec: { selector: { matchLabels: { app: 'agent' } }, template: template({ app: 'agent' }, [sleeper]) },
  });
  await eventually(
    core.api,
    ['daemonsets.apps'],
    () => statusOf(core.api.get('daemonsets.apps', namespace, 'agent')).numberAvailable === 2,
  );
  expect(
    pods()
      .map((pod) => asPod(pod).spec.nodeName)
      .sort(),
  ).toEqual(['lab-node-1', 'lab-node-2']);
});

const job = (name: string, command: readonly string[], spec: object = {}): KubeObject => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name, namespace },
  spec: {
    template: template({}, [{ name: 'work', image: 'busybox', command }], { restartPolicy: 'Never' }),
    ...spec,
  },
});
const jobEnd = (name: string): Promise<string> =>
  eventually(core.api, ['jobs.batch'], () => {
    const conditions = statusOf(core.api.get('jobs.batch', namespace, name)).conditions;
    if (!Array.isArray(conditions)) return undefined;
    const end = conditions.find((item) => item.type === 'Complete' || item.type === 'Failed');
    return end === undefined ? undefined : `${end.type} ${end.reason}`;
  });

test('a job runs to its end as often as asked, and fails when it has failed too often', async () => {
  core.create(job('once', ['echo', 'done']), job('thrice', ['true'], { completions: 3, parallelism: 2 }));
  core.create(job('never', ['false'], { backoffLimit: 0 }));
  expect(await jobEnd('once')).toBe('Complete CompletionsReached');
  expect(await jobEnd('thrice')).toBe('Complete CompletionsReached');
  expect(statusOf(core.api.get('jobs.batch', namespace, 'thrice')).succeeded).toBe(3);
  expect(await jobEnd('never')).toBe('Failed BackoffLimitExceeded');
});

test('endpoint slices follow readiness, named ports and the end of pods', async () => {
  const readinessProbe = { httpGet: { path: '/status/200', port: 'web' }, periodSeconds: 1 };
  const container = { ...httpbinContainer, ports: [{ name: 'web', containerPort: 80 }], readinessProbe };
  core.create(
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web', namespace },
      spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 8000, targetPort: 'web' }] },
    },
    deploymentObject({ name: 'web', namespace, replicas: 2, container }),
  );
  const slices = () =>
    core.api
      .list('endpointslices.discovery.k8s.io', { namespace, labels: { 'kubernetes.io/service-name': 'web' } })
      .map(asEndpointSlice);
  const ready = (): number =>
    slices().flatMap(({ endpoints }) => (endpoints ?? []).filter((item) => item.conditions?.ready === true))
      .length;
  await eventually(core.api, ['endpointslices.discovery.k8s.io'], () => ready() === 2);
  expect(slices().flatMap((slice) => slice.ports ?? [])).toEqual([
    { name: 'http', port: 80, protocol: 'TCP' },
  ]);
  const [first] = pods();
  core.api.delete('pods', namespace, first?.metadata.name ?? '');
  await eventually(core.api, ['endpointslices.discovery.k8s.io'], () =>
    slices().some(({ endpoints }) =>
      endpoints?.some((item) => item.conditions?.terminating === true && item.conditions.ready === false),
    ),
  );
  await eventually(core.api, ['endpointslices.discovery.k8s.io'], () => {
    const addresses = slices()
      .flatMap(({ endpoints }) => endpoints ?? [])
      .map(({ targetRef }) => targetRef?.name);
    return ready() === 2 && !addresses.includes(first?.metadata.name);
  });
  core.api.delete('services', namespace, 'web');
  await eventually(
    core.api,
    ['endpointslices.discovery.k8s.io', 'endpoints'],
    () => slices().length === 0 && core.api.get('endpoints', namespace, 'web') === undefined,
  );
});

test('a namespace that is deleted is emptied first and then gone', async () => {
  core.create(
    deploymentObject({ name: 'web', namespace, replicas: 2, container: httpbinContainer }),
    serviceObject('web', namespace, 80, 80),
  );
  await eventually(core.api, ['deployments.apps'], () =>
    isRolledOut(core.api.get('deployments.apps', namespace, 'web')),
  );
  core.api.delete('namespaces', undefined, namespace);
  await eventually(
    core.api,
    ['namespaces'],
    () => core.api.get('namespaces', undefined, namespace) === undefined,
  );
  expect(pods()).toEqual([]);
  expect(core.api.list('configmaps', { namespace })).toEqual([]);
});

test('every namespace has the default service account and the root certificate', async () => {
  await eventually(
    core.api,
    ['serviceaccounts', 'configmaps'],
    () =>
      core.api.get('serviceaccounts', namespace, 'default') !== undefined &&
      core.api.get('configmaps', namespace, 'kube-root-ca.crt') !== undefined,
  );
});

test('a pod that no node fits stays pending and says so', async () => {
  core.create({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'picky', namespace },
    spec: { nodeSelector: { disk: 'none' }, containers: [sleeper] },
  });
  await eventually(core.api, ['events'], () =>
    core.api.list('events', { namespace }).some((event) => event.reason === 'FailedScheduling'),
  );
  expect(names()).toEqual(['picky']);
  expect(statusOf(pods()[0]).phase).toBe('Pending');
});

test('a disruption budget counts what may be evicted', async () => {
  core.create(deploymentObject({ name: 'web', namespace, replicas: 3, container: sleepContainer }), {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: 'web', namespace },
    spec: { minAvailable: 2, selector: { matchLabels: { app: 'web' } } },
  });
  await eventually(core.api, ['poddisruptionbudgets.policy'], () => {
    const { disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods } = statusOf(
      core.api.get('poddisruptionbudgets.policy', namespace, 'web'),
    );
    return disruptionsAllowed === 1 && currentHealthy === 3 && desiredHealthy === 2 && expectedPods === 3;
  });
});

test('foreground deletion waits for the dependents, orphaning keeps them', async () => {
  core.create(deploymentObject({ name: 'web', namespace, container: sleepContainer }));
  await eventually(core.api, ['deployments.apps'], () =>
    isRolledOut(core.api.get('deployments.apps', namespace, 'web')),
  );
  const set = core.api.list('replicasets.apps', { namespace })[0] as KubeObject;
  const deployment = core.api.get('deployments.apps', namespace, 'web') as KubeObject;
  const { metadata } = deployment;
  core.api.update(
    'deployments.apps',
    { ...deployment, metadata: { ...metadata, finalizers: ['orphan'] } },
    'test',
  );
  core.api.delete('deployments.apps', namespace, 'web');
  await eventually(
    core.api,
    ['deployments.apps'],
    () => core.api.get('deployments.apps', namespace, 'web') === undefined,
  );
  const kept = core.api.get('replicasets.apps', namespace, set.metadata.name);
  expect(kept?.metadata.ownerReferences ?? []).toEqual([]);
  expect(pods()).toHaveLength(1);
});
