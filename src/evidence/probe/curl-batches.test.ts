/** Requests that wait for one container go together, and none is lost, doubled or mixed up by it. */
import { expect, test } from 'vitest';
import { PadlockError } from '../../errors.ts';
import type { ExecResult } from '../../sources/cluster.ts';
import { MemoryCluster } from '../../sources/memory-cluster.ts';
import { NoCurl } from './curl.ts';
import { curlInBatches } from './curl-batches.ts';
import { Pace } from './pace.ts';

const sleep = async (): Promise<void> => undefined;
const where = { namespace: 'shop', pod: 'a', container: 'c' };

/** Answers each request of a run with its own URL; `exits` overrides the exit code of a URL when it is not alone. */
function cluster(
  options: {
    readonly exits?: Readonly<Record<string, number | ''>>;
    readonly fail?: (count: number) => void;
  } = {},
) {
  const runs: string[][] = [];
  const memory = new MemoryCluster({
    exec: (_namespace, _pod, command): ExecResult => {
      const urls = command.filter((word) => /^\w+:\/\//.test(word));
      runs.push(urls);
      options.fail?.(urls.length);
      const stdout = urls.map((url, index) => {
        const exit = urls.length > 1 ? (options.exits?.[url] ?? 0) : 0;
        return `body of ${url}\n\n\npadlock-end ${index} 200 ${exit} \n`;
      });
      return { stdout: stdout.join(''), stderr: '', exitCode: 0 };
    },
  });
  return { memory, runs };
}

const urls = Array.from({ length: 20 }, (_none, index) => `http://10.0.0.1:${index}/`);

test('twenty requests take two runs, and each gets its own answer', async () => {
  const { memory, runs } = cluster();
  const curl = curlInBatches(memory, { sleep });
  const results = await Promise.all(urls.map((url) => curl(where, url, { userAgent: 'x' })));
  expect(results.map(({ body }) => body)).toEqual(urls.map((url) => `body of ${url}`));
  expect(runs.map((run) => run.length)).toEqual([12, 8]);
});

test('requests that come one by one go together, unless the others keep them waiting too long', async () => {
  const { memory, runs } = cluster();
  let wake = (): void => undefined;
  const waits: number[] = [];
  const curl = curlInBatches(memory, {
    sleep: (milliseconds) => {
      waits.push(milliseconds);
      return new Promise((resolve) => {
        wake = resolve;
      });
    },
  });
  const asked: Promise<unknown>[] = [];
  for (const url of urls.slice(0, 13)) {
    asked.push(curl(where, url, { userAgent: 'x' }));
    await new Promise((resolve) => setImmediate(resolve));
  }
  // Twelve are enough for a run; the thirteenth waits until its time is up.
  expect(runs.map((run) => run.length)).toEqual([12]);
  wake();
  await Promise.all(asked);
  expect(runs.map((run) => run.length)).toEqual([12, 1]);
  expect(waits).toEqual([60]);
});

test('a wait that is broken off ends those that wait, and a later request can go', async () => {
  const { memory, runs } = cluster();
  const sleeps = [() => Promise.reject(new Error('broken off')), sleep];
  const curl = curlInBatches(memory, { sleep: () => sleeps.shift()?.() ?? sleep() });
  const both = urls.slice(0, 2).map((url) => curl(where, url, { userAgent: 'x' }));
  for (const one of both) await expect(one).rejects.toThrow('broken off');
  expect(runs).toEqual([]);
  expect((await curl(where, urls[2] ?? '', { userAgent: 'x' })).status).toBe(200);
});

test('what one run could not tell is asked for again alone: no exit code, no connection', async () => {
  const [first = '', second = '', third = ''] = urls;
  const { memory, runs } = cluster({ exits: { [first]: 7, [second]: '' } });
  const curl = curlInBatches(memory, { sleep });
  const asked = [first, second, third].map((url) => curl(where, url, { userAgent: 'x' }));
  const results = await Promise.all(asked);
  expect(results.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0]);
  expect(runs).toEqual([[first, second, third], [first], [second]]);
});

test('a run that fails as a whole is taken apart; a container without curl is not asked twice', async () => {
  const tooMuch = cluster({
    fail: (count) => {
      if (count > 1) throw new PadlockError('CLUSTER_REQUEST_FAILED', 'more output than 3 bytes');
    },
  });
  const curl = curlInBatches(tooMuch.memory, { sleep });
  const both = urls.slice(0, 2).map((url) => curl(where, url, { userAgent: 'x' }));
  expect((await Promise.all(both)).map(({ status }) => status)).toEqual([200, 200]);
  const bare = cluster({
    fail: () => {
      throw new PadlockError('CLUSTER_REQUEST_FAILED', 'exec: "curl": executable file not found in $PATH');
    },
  });
  const none = curlInBatches(bare.memory, { sleep });
  await expect(none(where, urls[0] ?? '', { userAgent: 'x' })).rejects.toThrow(NoCurl);
  await expect(none(where, urls[1] ?? '', { userAgent: 'x' })).rejects.toThrow(NoCurl);
  expect(bare.runs).toHaveLength(1);
});

test('the pace holds the rate over all pods, and a tenth of a second between probes of one', async () => {
  let now = 0;
  const waits: number[] = [];
  const pace = new Pace(100, {
    now: () => now,
    sleep: async (milliseconds) => {
      waits.push(milliseconds);
    },
  });
  for (const pod of ['a', 'b', 'a', 'c']) await pace.turn(pod);
  // b waits its 10 ms, the second a its 100 ms, c the 30 ms that three others took.
  expect(waits).toEqual([10, 100, 30]);
  now = 10_000;
  await pace.turn('a');
  expect(waits).toHaveLength(3);
});
