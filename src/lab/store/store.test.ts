import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isCompacted, Store, type StoreEvent } from './store.ts';

const pods = new Set(['pods']);

test('revisions rise by one with each write and are handed to the writer', () => {
  const store = new Store<{ revision: number }>();
  const first = store.put('pods', 'a/x', (revision) => ({ revision }));
  const second = store.put('services', 'a/x', (revision) => ({ revision }));
  expect(second.revision).toBe(first.revision + 1);
  expect(store.revision).toBe(second.revision);
});

test('a watcher that starts at a list revision sees exactly what came after it', () => {
  const store = new Store<string>();
  store.put('pods', 'a/x', () => 'x1');
  const at = store.revision;
  store.put('services', 'a/s', () => 's');
  store.put('pods', 'a/x', () => 'x2');
  store.delete('pods', 'a/x', (previous) => previous);
  const events = store.since(pods, at);
  expect(isCompacted(events)).toBe(false);
  if (isCompacted(events)) return;
  expect(events.map((event) => [event.type, event.object])).toEqual([
    ['MODIFIED', 'x2'],
    ['DELETED', 'x2'],
  ]);
});

test('history is bounded: an old revision is answered with how far the log reaches', () => {
  const store = new Store<number>({ history: 10 });
  for (let n = 0; n < 100; n += 1) store.put('pods', 'a/x', (revision) => revision);
  expect(store.since(pods, 1)).toMatchObject({ oldest: expect.any(Number) });
  expect(isCompacted(store.since(pods, store.revision - 5))).toBe(false);
});

test('replaying the events of any writes onto nothing gives what list gives', () => {
  const write = fc.record({
    key: fc.constantFrom('a/x', 'a/y', 'b/x'),
    remove: fc.boolean(),
    value: fc.nat(),
  });
  fc.assert(
    fc.property(fc.array(write), (writes) => {
      const store = new Store<number>();
      const seen: StoreEvent<number>[] = [];
      store.subscribe((event) => seen.push(event));
      for (const { key, remove, value } of writes) {
        if (remove) store.delete('pods', key, (previous) => previous);
        else store.put('pods', key, () => value);
      }
      const replayed = new Map<string, number>();
      for (const event of seen) {
        if (event.type === 'DELETED') replayed.delete(event.key);
        else replayed.set(event.key, event.object);
      }
      expect(store.list('pods')).toEqual(
        [...replayed].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, object]) => ({ key, object })),
      );
    }),
  );
});
