/** What may not be read: with the pods of the asked namespace missing a watch would be silent, and silence looks like calm. */
import { expect, test } from 'vitest';
import { MemoryCluster } from '../../sources/memory-cluster.ts';
import { ObjectFeed } from './object-feed.ts';

const shop = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } };
const policy = {
  apiVersion: 'security.istio.io/v1',
  kind: 'PeerAuthentication',
  metadata: { name: 'default', namespace: 'shop' },
};

function feed(
  asked: readonly string[] | undefined,
  mayNotList: (namespace: string | undefined) => boolean,
): ObjectFeed {
  const cluster = new MemoryCluster({
    objects: [shop, policy],
    forbids: (verb, resource, namespace) => verb === 'list' && resource === 'pods' && mayNotList(namespace),
  });
  const signal = new AbortController().signal;
  const nothing = async (): Promise<void> => undefined;
  return new ObjectFeed(asked, {
    cluster,
    signal,
    now: () => 0,
    sleep: nothing,
    onChange: () => undefined,
    onTrouble: () => undefined,
    onRecovered: () => undefined,
  });
}

test.each([
  ['pods of the asked namespace', ['shop']],
  ['pods of the cluster, for all namespaces', undefined],
] as const)('no right to list %s is a mistake', async (_what, asked) => {
  await expect(feed(asked, () => true).open()).rejects.toMatchObject({ code: 'CLUSTER_FORBIDDEN' });
});

test('pods of other namespaces are named as unseen', async () => {
  const opened = feed(['shop'], (namespace) => namespace !== 'shop');
  await opened.open();
  expect(opened.snapshot().unseen).toContainEqual(expect.objectContaining({ resource: 'pods' }));
});
