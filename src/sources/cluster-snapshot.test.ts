import { expect, test } from 'vitest';
import { PadlockError } from '../errors.ts';
import type { KubeObject } from '../istio/kubernetes.ts';
import { readClusterSnapshot } from './cluster-snapshot.ts';
import { MemoryCluster } from './memory-cluster.ts';

const object = (
  apiVersion: string,
  kind: string,
  namespace: string | undefined,
  name: string,
): KubeObject => ({
  apiVersion,
  kind,
  metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
});

const objects: readonly KubeObject[] = [
  object('v1', 'Namespace', undefined, 'shop'),
  object('v1', 'Namespace', undefined, 'istio-system'),
  {
    ...object('v1', 'Pod', 'shop', 'cart'),
    spec: {
      containers: [
        { name: 'app', image: 'a', env: [{ name: 'PASSWORD', value: 'hunter2' }], args: ['--token=x'] },
        { name: 'istio-proxy', args: ['proxy', 'sidecar'] },
      ],
    },
  },
  object('v1', 'Pod', 'other', 'client'),
  object('v1', 'ConfigMap', 'istio-system', 'istio'),
  object('v1', 'ConfigMap', 'istio-system', 'unrelated'),
  object('security.istio.io/v1', 'PeerAuthentication', 'istio-system', 'default'),
  object('networking.istio.io/v1', 'Gateway', 'shop', 'gate'),
];

const names = (snapshot: { objects: readonly { object: KubeObject }[] }): readonly string[] =>
  snapshot.objects.map(
    ({ object: { kind, metadata } }) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`,
  );

test('everything that the model reads is there, and nothing that may be a secret', async () => {
  const snapshot = await readClusterSnapshot(new MemoryCluster({ objects }), {
    namespaces: ['shop'],
    needsIstio: true,
    now: () => 0,
  });
  expect(names(snapshot).toSorted()).toEqual([
    'ConfigMap istio-system/istio',
    'Gateway shop/gate',
    'Namespace /istio-system',
    'Namespace /shop',
    'PeerAuthentication istio-system/default',
    'Pod other/client',
    'Pod shop/cart',
  ]);
  expect(snapshot.takenAt).toBe('1970-01-01T00:00:00.000Z');
  expect(JSON.stringify(snapshot)).not.toMatch(/hunter2|--token/);
  expect(JSON.stringify(snapshot)).toContain('"proxy","sidecar"');
  expect(snapshot.unseen).toEqual([]);
});

test('with rights in one namespace only, the rest is unseen and named', async () => {
  const cluster = new MemoryCluster({
    objects,
    forbids: (verb, resource, namespace) =>
      namespace !== 'shop' && !(verb === 'get' && resource === 'namespaces'),
  });
  const snapshot = await readClusterSnapshot(cluster, { namespaces: ['shop'] });
  expect(names(snapshot)).toContain('Pod shop/cart');
  expect(names(snapshot)).not.toContain('Pod other/client');
  const unseen = snapshot.unseen.map(({ resource, namespace }) => `${resource} ${namespace ?? '*'}`);
  expect(unseen).toContain('pods *');
  expect(unseen).toContain('peerauthentications.security.istio.io istio-system');
  expect(unseen).toContain('configmaps istio-system');
  expect(unseen).not.toContain('nodes *');
});

test('a namespace that is not there, pods that may not be seen, and a cluster without Istio end it', async () => {
  const code = (promise: Promise<unknown>) =>
    promise.then(
      () => 'none',
      (error: unknown) => (error instanceof PadlockError ? error.code : String(error)),
    );
  expect(await code(readClusterSnapshot(new MemoryCluster({ objects }), { namespaces: ['shopp'] }))).toBe(
    'NAMESPACE_NOT_FOUND',
  );
  const noPods = new MemoryCluster({ objects, forbids: (_verb, resource) => resource === 'pods' });
  expect(await code(readClusterSnapshot(noPods, { namespaces: ['shop'] }))).toBe('CLUSTER_FORBIDDEN');
  const noIstio = new MemoryCluster({
    objects: objects.filter((one) => !one.apiVersion.includes('istio.io')),
  });
  expect(await code(readClusterSnapshot(noIstio, { needsIstio: true }))).toBe('ISTIO_NOT_FOUND');
});
