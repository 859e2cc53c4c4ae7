import { expect, test } from 'vitest';
import { PadlockError } from '../errors.ts';
import { MemoryCluster } from '../sources/memory-cluster.ts';
import { outOfReachMs, patientCluster } from './patient-cluster.ts';
import type { Progress } from './progress.ts';

const pods = { group: '', version: 'v1', plural: 'pods', namespaced: true };

/** A cluster that answers after so long a silence, and what is told meanwhile. */
function after(silenceMs: number, refusal?: PadlockError) {
  let time = 0;
  const told: Progress[] = [];
  const away = new MemoryCluster();
  const list = away.list.bind(away);
  away.list = async (type, options) => {
    if (time < silenceMs) throw new PadlockError('CLUSTER_UNREACHABLE', 'nothing listens there');
    if (refusal !== undefined) throw refusal;
    return list(type, options);
  };
  const clock = {
    now: () => time,
    sleep: async (milliseconds: number) => {
      time += milliseconds;
    },
  };
  const signal = new AbortController().signal;
  return { told, cluster: patientCluster(away, { clock, signal, tell: (one) => told.push(one) }) };
}

test('many reads wait for one silence, and it is told once', async () => {
  const { told, cluster } = after(10_000);
  const lists = await Promise.all([cluster.list(pods), cluster.list(pods), cluster.list(pods)]);
  expect(lists.map(({ items }) => items)).toEqual([[], [], []]);
  expect(told).toEqual([{ event: 'waiting', detail: 'nothing listens there' }]);
});

test('a longer silence than a Lease allows is an error', async () => {
  const { cluster } = after(outOfReachMs + 5_000);
  await expect(cluster.list(pods)).rejects.toMatchObject({ code: 'CLUSTER_UNREACHABLE' });
});

test('what the server refuses is not asked again', async () => {
  const { told, cluster } = after(0, new PadlockError('CLUSTER_FORBIDDEN', 'no'));
  await expect(cluster.list(pods)).rejects.toMatchObject({ code: 'CLUSTER_FORBIDDEN' });
  expect(told).toEqual([]);
});
