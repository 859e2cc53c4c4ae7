import { afterEach, beforeEach, expect, test } from 'vitest';
import type { KubeObject } from '../../istio/kubernetes.ts';
import { asPod, isPodReady } from '../kinds/pod.ts';
import { asDeployment, asReplicaSet } from '../kinds/workloads.ts';
import {
  deploymentObject,
  httpbinContainer,
  namespaceObject,
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

const watched = ['deployments.apps', 'replicasets.apps', 'pods'];
const get = (name = 'web'): KubeObject | undefined => core.api.get('deployments.apps', namespace, name);
const rolledOut = (name = 'web'): Promise<true> =>
  eventually(core.api, watched, () => isRolledOut(get(name)) || undefined);

/** Changes the deployment as a person would: reads it, writes it. */
function change(edit: (spec: Record<string, unknown>) => Record<string, unknown>): void {
  const found = get();
  if (found === undefined) throw new Error('no deployment');
  const spec = found.spec;
  core.api.update('deployments.apps', { ...found, spec: edit({ ...(spec as object) }) }, 'test');
}

function restart(mark: string): void {
  change((spec) => {
    const template = asDeployment({ ...(get() as KubeObject) }).spec.template;
    const annotations = { ...template.metadata?.annotations, 'kubectl.kubernetes.io/restartedAt': mark };
    return { ...spec, template: { ...template, metadata: { ...template.metadata, annotations } } };
  });
}

test('a deployment gets a replica set with a template hash, and pods named after it', async () => {
  core.create(deploymentObject({ name: 'web', namespace, replicas: 2, container: httpbinContainer }));
  await rolledOut();
  const pods = core.api.list('pods', { namespace });
  expect(pods).toHaveLength(2);
  for (const pod of pods) {
    expect(pod.metadata.name).toMatch(
      /^web-[bcdfghjklmnpqrstvwxz2456789]{7,10}-[bcdfghjklmnpqrstvwxz2456789]{5}$/,
    );
    expect(pod.metadata.name).toContain(pod.metadata.labels?.['pod-template-hash'] ?? '?');
  }
  const conditions = asDeployment(get() as KubeObject).status?.conditions ?? [];
  expect(conditions.map(({ type, status, reason }) => [type, status, reason])).toEqual(
    expect.arrayContaining([
      ['Available', 'True', 'MinimumReplicasAvailable'],
      ['Progressing', 'True', 'NewReplicaSetAvailable'],
    ]),
  );
  expect(get()?.metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('1');
});

test('a rollout never has fewer ready pods than allowed, nor more pods than the surge', async () => {
  const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } };
  core.create(
    deploymentObject({
      name: 'web',
      namespace,
      replicas: 3,
      container: httpbinContainer,
      spec: { strategy },
    }),
  );
  await rolledOut();
  let fewest = 3;
  let most = 3;
  const unwatch = core.api.watch(['pods'], () => {
    const pods = core.api.list('pods', { namespace }).map(asPod);
    const serving = pods.filter((pod) => isPodReady(pod) && pod.metadata.deletionTimestamp === undefined);
    fewest = Math.min(fewest, serving.length);
    most = Math.max(most, pods.filter((pod) => pod.metadata.deletionTimestamp === undefined).length);
  });
  restart('1');
  await rolledOut();
  await eventually(core.api, ['pods'], () => core.api.list('pods', { namespace }).length === 3);
  unwatch();
  expect([fewest, most]).toEqual([3, 4]);
  expect(get()?.metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('2');
});

test('going back to an earlier template takes its replica set up again, as the newest revision', async () => {
  core.create(deploymentObject({ name: 'web', namespace, container: httpbinContainer }));
  await rolledOut();
  const first = core.api.list('replicasets.apps', { namespace })[0]?.metadata.name;
  const template = asDeployment(get() as KubeObject).spec.template;
  restart('1');
  await rolledOut();
  change((spec) => ({ ...spec, template }));
  await rolledOut();
  const sets = core.api.list('replicasets.apps', { namespace }).map(asReplicaSet);
  expect(sets).toHaveLength(2);
  const active = sets.filter((set) => set.spec.replicas === 1);
  expect(active.map((set) => set.metadata.name)).toEqual([first]);
  expect(active[0]?.metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('3');
});

test('a broken template stops a rollout where the old pods are still needed', async () => {
  core.create(deploymentObject({ name: 'web', namespace, replicas: 2, container: httpbinContainer }));
  await rolledOut();
  change((spec) => ({
    ...spec,
    template: {
      metadata: { labels: { app: 'web' } },
      spec: { containers: [{ name: 'web', image: 'nowhere.invalid/web:2' }] },
    },
  }));
  await eventually(core.api, watched, () => {
    const waiting = core.api
      .list('pods', { namespace })
      .flatMap((pod) => asPod(pod).status?.containerStatuses ?? [])
      .filter((status) => 'waiting' in status.state && status.state.waiting.reason === 'ErrImagePull');
    return waiting.length > 0;
  });
  expect(statusOf(get()).availableReplicas).toBe(2);
});

test('scaling changes the pods and nothing else; zero is a number', async () => {
  core.create(deploymentObject({ name: 'web', namespace, replicas: 1, container: sleepContainer }));
  await rolledOut();
  for (const replicas of [3, 0, 2]) {
    change((spec) => ({ ...spec, replicas }));
    await eventually(core.api, watched, () => {
      const pods = core.api.list('pods', { namespace });
      return pods.length === replicas && (statusOf(get()).availableReplicas ?? 0) === replicas;
    });
  }
  expect(core.api.list('replicasets.apps', { namespace })).toHaveLength(1);
});

test('a paused deployment takes a new template up when it is resumed', async () => {
  core.create(
    deploymentObject({ name: 'web', namespace, container: sleepContainer, spec: { paused: false } }),
  );
  await rolledOut();
  change((spec) => ({ ...spec, paused: true }));
  restart('1');
  await eventually(
    core.api,
    watched,
    () => statusOf(get()).observedGeneration === get()?.metadata.generation,
  );
  expect(core.api.list('replicasets.apps', { namespace })).toHaveLength(1);
  change((spec) => ({ ...spec, paused: false }));
  await rolledOut();
  expect(core.api.list('replicasets.apps', { namespace })).toHaveLength(2);
});

test('Recreate ends all old pods before it starts a new one', async () => {
  core.create(
    deploymentObject({
      name: 'web',
      namespace,
      replicas: 2,
      container: sleepContainer,
      spec: { strategy: { type: 'Recreate' } },
    }),
  );
  await rolledOut();
  let most = 0;
  const unwatch = core.api.watch(['pods'], () => {
    most = Math.max(most, core.api.list('pods', { namespace }).length);
  });
  restart('1');
  await rolledOut();
  unwatch();
  expect(most).toBe(2);
});

test('a deleted deployment takes its replica sets and pods along', async () => {
  core.create(deploymentObject({ name: 'web', namespace, replicas: 2, container: sleepContainer }));
  await rolledOut();
  core.api.delete('deployments.apps', namespace, 'web');
  await eventually(core.api, watched, () => core.api.list('pods', { namespace }).length === 0);
  expect(core.api.list('replicasets.apps', { namespace })).toEqual([]);
});
