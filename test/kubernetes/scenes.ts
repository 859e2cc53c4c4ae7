/** Conversations that take more than one request: watches, bookmarks, pages, and a client library's day. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CoreV1Api,
  CustomObjectsApi,
  KubeConfig,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
} from '@kubernetes/client-node';
import type { ResourceType, WatchEvent } from '../../src/sources/cluster.ts';
import { asObjects, asText, dig } from '../../src/sources/json-value.ts';
import type { Tested } from './run-steps.ts';

export interface Scene {
  readonly name: string;
  /** Tells what happened, without what differs between any two runs. */
  readonly play: (tested: Tested, namespace: string) => Promise<unknown>;
}

const configMaps: ResourceType = { group: '', version: 'v1', plural: 'configmaps', namespaced: true };

async function write(tested: Tested, method: 'POST' | 'PATCH' | 'DELETE', path: string, body: unknown) {
  const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
  const answer = await tested.cluster.raw({
    method,
    path,
    headers: { 'content-type': type },
    body: JSON.stringify(body),
  });
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.body}`);
  return answer;
}

const pathOf = (namespace: string, name = ''): string =>
  `/api/v1/namespaces/${namespace}/configmaps${name === '' ? '' : `/${name}`}`;

const configMap = (name: string, labels: Readonly<Record<string, string>>, data = {}): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, labels },
  data,
});

/** Collects so many events of a watch that was opened before `act` writes. */
async function watched(
  tested: Tested,
  namespace: string,
  labelSelector: string,
  count: number,
  act: () => Promise<void>,
): Promise<readonly unknown[]> {
  const { resourceVersion } = await tested.cluster.list(configMaps, { namespace, labelSelector });
  const ending = new AbortController();
  const signal = AbortSignal.any([ending.signal, AbortSignal.timeout(30_000)]);
  const events: WatchEvent[] = [];
  const watching = (async () => {
    for await (const event of tested.cluster.watch(configMaps, resourceVersion, {
      namespace,
      labelSelector,
      signal,
    })) {
      if (event.type !== 'BOOKMARK') events.push(event);
      if (events.length === count) return;
    }
  })();
  await act();
  await watching;
  ending.abort();
  let last = Number(resourceVersion);
  return events.map((event) => {
    if (event.type === 'ERROR') return event;
    const version = Number(event.object.metadata.resourceVersion);
    const isLater = version > last;
    last = version;
    return [
      event.type,
      event.object.metadata.name,
      dig(event.object, 'data'),
      isLater ? 'later' : 'NOT LATER',
    ];
  });
}

const watchOrder: Scene = {
  name: 'a watch tells of writes in their order',
  play: (tested, namespace) =>
    watched(tested, namespace, 'scene=order', 5, async () => {
      const labels = { scene: 'order' };
      await write(tested, 'POST', pathOf(namespace), configMap('o1', labels));
      await write(tested, 'POST', pathOf(namespace), configMap('o2', labels));
      await write(tested, 'PATCH', pathOf(namespace, 'o1'), { data: { a: '1' } });
      await write(tested, 'PATCH', pathOf(namespace, 'o1'), { data: { a: '1' } });
      await write(tested, 'DELETE', pathOf(namespace, 'o2'), {});
      await write(tested, 'PATCH', pathOf(namespace, 'o1'), { data: { a: '2' } });
    }),
};

const watchSelector: Scene = {
  name: 'what leaves a selector is DELETED, what enters is ADDED',
  play: (tested, namespace) =>
    watched(tested, namespace, 'scene=in', 3, async () => {
      await write(tested, 'POST', pathOf(namespace), configMap('s1', { scene: 'in' }));
      await write(tested, 'PATCH', pathOf(namespace, 's1'), { metadata: { labels: { scene: 'out' } } });
      await write(tested, 'PATCH', pathOf(namespace, 's1'), { data: { unseen: 'yes' } });
      await write(tested, 'PATCH', pathOf(namespace, 's1'), { metadata: { labels: { scene: 'in' } } });
    }),
};

const initialEvents: Scene = {
  name: 'a watch that begins with what is there ends that with a bookmark',
  play: async (tested, namespace) => {
    for (const name of ['i1', 'i2']) {
      await write(tested, 'POST', pathOf(namespace), configMap(name, { scene: 'initial' }));
    }
    const query =
      'watch=1&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan&timeoutSeconds=2';
    const answer = await tested.cluster.raw({
      method: 'GET',
      path: `${pathOf(namespace)}?${query}&labelSelector=scene%3Dinitial`,
    });
    const lines = answer.body
      .trim()
      .split('\n')
      .map((line): unknown => JSON.parse(line));
    const end = lines.findIndex((line) => asText(dig(line, 'type')) === 'BOOKMARK');
    return lines
      .slice(0, end + 1)
      .map((line) => [
        dig(line, 'type'),
        dig(line, 'object', 'kind'),
        dig(line, 'object', 'metadata', 'name'),
        dig(line, 'object', 'metadata', 'annotations'),
      ]);
  },
};

const pages: Scene = {
  name: 'pages show one moment, whatever is written between them',
  play: async (tested, namespace) => {
    const labels = { scene: 'pages' };
    for (const name of ['p1', 'p2', 'p3', 'p4', 'p5']) {
      await write(tested, 'POST', pathOf(namespace), configMap(name, labels));
    }
    const told: unknown[] = [];
    let token = '';
    do {
      const query = new URLSearchParams({ limit: '2', labelSelector: 'scene=pages', continue: token });
      const answer = await tested.cluster.raw({ method: 'GET', path: `${pathOf(namespace)}?${query}` });
      const list: unknown = JSON.parse(answer.body);
      const names = asObjects(dig(list, 'items')).map((item) => dig(item, 'metadata', 'name'));
      told.push([names, dig(list, 'metadata', 'remainingItemCount')]);
      token = asText(dig(list, 'metadata', 'continue')) ?? '';
      if (told.length === 1) {
        await write(tested, 'POST', pathOf(namespace), configMap('p31', labels));
        await write(tested, 'DELETE', pathOf(namespace, 'p4'), {});
      }
    } while (token !== '');
    return told;
  },
};

const library: Scene = {
  name: 'a client library creates, patches, lists, informs itself and deletes',
  play: async (tested, namespace) => {
    const config = new KubeConfig();
    config.loadFromFile(tested.kubeconfig);
    const core = config.makeApiClient(CoreV1Api);
    const told: unknown[] = [];
    const labelSelector = 'scene=library';
    const informer = makeInformer(
      config,
      pathOf(namespace),
      () => core.listNamespacedConfigMap({ namespace, labelSelector }),
      labelSelector,
    );
    const seen: string[] = [];
    for (const verb of ['add', 'update', 'delete'] as const) {
      informer.on(verb, (object) => void seen.push(`${verb} ${object.metadata?.name} ${object.data?.a}`));
    }
    informer.on('error', (error: unknown) => void seen.push(`error ${String(error)}`));
    await informer.start();
    const body = { metadata: { name: 'l1', labels: { scene: 'library' } }, data: { a: '1' } };
    told.push((await core.createNamespacedConfigMap({ namespace, body })).data);
    const patched = await core.patchNamespacedConfigMap(
      { namespace, name: 'l1', body: { data: { a: '2' } } },
      setHeaderOptions('Content-Type', PatchStrategy.MergePatch),
    );
    told.push(patched.data);
    told.push(
      (await core.listNamespacedConfigMap({ namespace, labelSelector })).items.map((one) => one.data),
    );
    told.push((await core.deleteNamespacedConfigMap({ namespace, name: 'l1' })).status);
    const custom = config.makeApiClient(CustomObjectsApi);
    const policies = { group: 'security.istio.io', version: 'v1', namespace, plural: 'peerauthentications' };
    const policy = {
      apiVersion: 'security.istio.io/v1',
      kind: 'PeerAuthentication',
      metadata: { name: 'default' },
    };
    const refused: unknown = await custom
      .createNamespacedCustomObject({ ...policies, body: { ...policy, spec: { mtls: { mode: 'NO' } } } })
      .then(String, (error: unknown) => dig(error, 'code'));
    told.push(refused);
    const made: unknown = await custom.createNamespacedCustomObject({
      ...policies,
      body: { ...policy, spec: { mtls: { mode: 'STRICT' } } },
    });
    told.push(dig(made, 'spec'));
    const deadline = Date.now() + 20_000;
    while (seen.length < 3 && Date.now() < deadline) await sleep(20);
    // What it hears while it stops is the library's own business.
    const heard = [...seen];
    await informer.stop();
    return [...told, heard];
  },
};

export const scenes: readonly Scene[] = [watchOrder, watchSelector, initialEvents, pages, library];
