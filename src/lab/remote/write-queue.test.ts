import { expect, test } from 'vitest';
import { WriteQueue } from './write-queue.ts';

const delays = Array.from({ length: 20 }, (_, index) => index);

test.each(delays)('a write that comes %i microtasks after the last one’s end is sent', async (delay) => {
  const queue = new WriteQueue(new AbortController().signal);
  const sent: string[] = [];
  const second = Promise.withResolvers<void>();
  const addLater = (left: number): void => {
    if (left > 0) queueMicrotask(() => addLater(left - 1));
    else {
      queue.add('pod', { kind: 'status', run: async () => sent.push('second') > 0 });
      second.resolve();
    }
  };
  queue.add('pod', {
    kind: 'status',
    run: async () => {
      sent.push('first');
      addLater(delay);
      return true;
    },
  });
  await second.promise;
  await queue.idle();
  expect(sent).toEqual(['first', 'second']);
});

test('a write that waits gives way to a newer one of its kind, and one that the server could not take is sent again', async () => {
  const queue = new WriteQueue(new AbortController().signal);
  const sent: string[] = [];
  const refusals = [false, true];
  queue.add('pod', {
    kind: 'create',
    run: async () => {
      sent.push('create');
      return refusals.shift() ?? true;
    },
  });
  for (const name of ['older', 'newer'])
    queue.add('pod', { kind: 'status', run: async () => sent.push(name) > 0 });
  await queue.idle();
  expect(sent).toEqual(['create', 'create', 'newer']);
});
