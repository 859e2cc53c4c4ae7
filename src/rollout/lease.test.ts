import { expect, test } from 'vitest';
import { acquireLease, type LeaseHolder, releaseLease, renewLease } from './lease.ts';
import { FakeCluster } from './testing/fake-cluster.ts';

function holder(cluster: FakeCluster, name: string, now: () => number): LeaseHolder {
  return { cluster, namespace: 'shop', holder: name, now };
}

test('one run at a time; a run that died gives way when its time is over', async () => {
  let now = Date.parse('2026-01-01T00:00:00Z');
  const cluster = new FakeCluster([]);
  const first = holder(cluster, 'first', () => now);
  const second = holder(cluster, 'second', () => now);
  await acquireLease(first);
  now += 29_000;
  await expect(acquireLease(second)).rejects.toMatchObject({
    code: 'PREFLIGHT_REFUSED',
    message: expect.stringContaining('by first (renewed 29 s ago)'),
  });
  now += 2_000;
  await acquireLease(second);
  expect(await renewLease(first)).toBe(false);
  expect(await renewLease(second)).toBe(true);
});

test('a renewed Lease goes on, a released one is free at once, and nobody releases another’s', async () => {
  let now = 0;
  const cluster = new FakeCluster([]);
  const first = holder(cluster, 'first', () => now);
  const second = holder(cluster, 'second', () => now);
  await acquireLease(first);
  now += 25_000;
  expect(await renewLease(first)).toBe(true);
  now += 25_000;
  await expect(acquireLease(second)).rejects.toThrow(/running already/);
  await releaseLease(second);
  await expect(acquireLease(second)).rejects.toThrow(/running already/);
  await releaseLease(first);
  await acquireLease(second);
});

test('of two runs that start at the same moment one is refused', async () => {
  const cluster = new FakeCluster([]);
  const results = await Promise.allSettled(
    ['first', 'second'].map((name) => acquireLease(holder(cluster, name, () => 0))),
  );
  expect(results.map((result) => result.status).toSorted()).toEqual(['fulfilled', 'rejected']);
});
