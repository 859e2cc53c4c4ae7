import { expect, test } from 'vitest';
import { snapshotOf } from '../mesh/findings/testing/manifests.ts';
import { parseSavedSnapshot } from '../sources/saved-snapshot.ts';
import { savedSnapshotText } from './saved-snapshot-text.ts';

const text = `apiVersion: v1
kind: Secret
metadata: { name: token, namespace: shop }
stringData: { password: hunter2 }
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: cart
  namespace: shop
  annotations: { kubectl.kubernetes.io/last-applied-configuration: '{"password":"hunter2"}', keep: me }
  managedFields: [{ manager: kubectl }]
spec:
  template:
    spec:
      containers:
        - { name: cart, image: example/cart, env: [{ name: PASSWORD, value: hunter2 }], args: [--password=hunter2] }
---
apiVersion: v1
kind: Namespace
metadata: { name: shop }
`;

function saved(): string {
  const snapshot = {
    ...snapshotOf(text),
    takenAt: '2027-01-31T10:00:00Z',
    unseen: [{ resource: 'pods', reason: 'no' }],
  };
  return [...savedSnapshotText(snapshot)].join('');
}

test('what is saved can be read back, and nothing secret is in it', () => {
  expect(saved()).not.toContain('hunter2');
  const back = parseSavedSnapshot(JSON.parse(saved()), 'saved.json');
  expect(back).toMatchObject({
    source: 'test.yaml',
    takenAt: '2027-01-31T10:00:00Z',
    unseen: [{ resource: 'pods', reason: 'no' }],
  });
  expect(
    back.objects.map(({ object, origin }) => `${object.kind} ${object.metadata.name} ${origin.line}`),
  ).toEqual(['Deployment cart 6', 'Namespace shop 19']);
  expect(back.objects[0]?.object.metadata.annotations).toEqual({ keep: 'me' });
});

test('objects stand one a line in an order of their own, so that two snapshots can be compared', () => {
  const lines = saved()
    .split('\n')
    .filter((line) => line.startsWith('{"object"'));
  expect(lines).toHaveLength(2);
  const reversed = { ...snapshotOf(text.split('---\n').reverse().join('---\n')) };
  const again = [...savedSnapshotText(reversed)]
    .join('')
    .split('\n')
    .filter((line) => line.startsWith('{"object"'));
  const names = (all: readonly string[]) => all.map((line) => /"name":"([^"]+)"/.exec(line)?.[1]);
  expect(names(again)).toEqual(names(lines));
});
