/** Access logs as an API server hands them out: cut to pieces and whole seconds, rotated, and by container. */
import { expect, test } from 'vitest';
import { MemoryCluster } from '../../sources/memory-cluster.ts';
import { type LogPart, type LogTarget, readAccessLog } from './log.ts';

const start = Date.parse('2026-11-24T03:00:00Z');

interface Line {
  /** Nanoseconds after the start. */
  readonly at: number;
  readonly path: string;
}

function text({ at, path }: Line): string {
  const stamp = `${new Date(start + Math.floor(at / 1e6)).toISOString().slice(0, 19)}.${String(at % 1e9).padStart(9, '0')}Z`;
  const words = `"GET ${path} HTTP/1.1" 200 - via_upstream - "-" 0 0 1 1 "-" "curl" "id" "host" "10.0.0.2:80"`;
  return `${stamp} [${stamp.slice(0, 23)}Z] ${words} inbound|80|| 127.0.0.6:1 10.0.0.2:80 10.0.0.1:5 - default\n`;
}

/** Serves logs as the kubelet does: lines from a whole second on, cut at the limit wherever that is. */
function serving(current: readonly Line[], previous?: readonly Line[]) {
  const asked: string[] = [];
  const cluster = new MemoryCluster({
    raw: ({ path }) => {
      const query = new URL(path, 'http://api').searchParams;
      asked.push([...query].map(([name, value]) => `${name}=${value}`).join(' '));
      const lines = query.get('previous') === 'true' ? previous : current;
      if (lines === undefined) return { status: 400, headers: {}, body: '{"message":"no such container"}' };
      const since = Date.parse(query.get('sinceTime') ?? '') || Number.NEGATIVE_INFINITY;
      const tail = Number(query.get('tailLines') ?? lines.length);
      const kept = lines.filter(({ at }) => start + at / 1e6 >= since).slice(-tail);
      const limit = Number(query.get('limitBytes') ?? Number.POSITIVE_INFINITY);
      return { status: 200, headers: {}, body: kept.map(text).join('').slice(0, limit) };
    },
  });
  return { cluster, asked };
}

async function read(cluster: MemoryCluster, part: LogPart, target: Partial<LogTarget> = {}) {
  const paths: string[] = [];
  const answer = await readAccessLog(
    cluster,
    { namespace: 'shop', pod: 'cart', ...target },
    part,
    (entries) => paths.push(...entries.map(({ entry }) => entry.request?.split(' ')[1] ?? '')),
  );
  return { answer, paths };
}

const second = 1e9;

test('what comes after a line begins with the next one, however close the two are', async () => {
  const lines = [
    { at: 5, path: '/a' },
    { at: 6, path: '/b' },
    { at: second, path: '/c' },
  ];
  const { cluster } = serving(lines);
  const first = await read(cluster, { newest: 2 });
  expect(first.paths).toEqual(['/b', '/c']);
  expect(await read(cluster, { after: '2026-11-24T03:00:00.000000005Z' })).toMatchObject({
    paths: ['/b', '/c'],
    answer: { entries: 2, last: '2026-11-24T03:00:01.000000000Z' },
  });
  // Some servers leave trailing zeros out: .00000001 is later than .000000006.
  expect((await read(cluster, { after: '2026-11-24T03:00:00.00000001Z' })).paths).toEqual(['/c']);
  expect(await read(cluster, { after: '2026-11-24T03:00:01Z' })).toEqual({
    paths: [],
    answer: { read: true, entries: 0, last: '2026-11-24T03:00:01Z' },
  });
});

test('a long log is read in pieces, each line once, none left out where a piece cuts through it', async () => {
  const padding = 'x'.repeat(2_000);
  const lines = Array.from({ length: 5_000 }, (_none, index) => ({
    at: index * 5e6,
    path: `/${index}?${padding}`,
  }));
  const { cluster, asked } = serving(lines);
  for (const part of [{ since: start }, { seconds: 3_600 }] satisfies LogPart[]) {
    const { answer, paths } = await read(cluster, part);
    expect(answer).toMatchObject({ read: true, entries: 5_000 });
    expect(answer).not.toHaveProperty('gap');
    expect(paths.map((path) => path.split('?')[0])).toEqual(lines.map((_line, index) => `/${index}`));
  }
  expect(asked.filter((query) => query.includes('sinceSeconds=3600'))).toHaveLength(1);
  expect(asked.length).toBeLessThan(10);
});

test('a second with more log than a piece holds is passed over, and said to be', async () => {
  const padding = 'x'.repeat(2_000);
  const busy = Array.from({ length: 3_000 }, (_none, index) => ({ at: index, path: `/${index}?${padding}` }));
  const { cluster } = serving([...busy, { at: 1.5 * second, path: '/later' }]);
  const { answer, paths } = await read(cluster, { after: '2026-11-24T02:59:59Z' });
  expect(paths.at(-1)).toBe('/later');
  expect(answer).toMatchObject({
    read: true,
    gap: 'more log in one second than can be read (2026-11-24T03:00:00Z)',
  });
});

test('where the proxy restarted, the log of the container before belongs to it', async () => {
  const current = [{ at: 10 * second, path: '/after' }];
  const target = { proxyStartedAt: start + 9_000, proxyRestarts: 1 };
  const both = serving(current, [
    { at: 0, path: '/long-ago' },
    { at: 5 * second, path: '/before' },
  ]);
  const part = { since: start + 1_000 };
  expect((await read(both.cluster, part, target)).paths).toEqual(['/after', '/before']);
  expect((await read(both.cluster, { after: '2026-11-24T03:00:09.5Z' }, target)).paths).toEqual(['/after']);
  const gone = serving(current);
  expect((await read(gone.cluster, part, { ...target, proxyRestarts: 2 })).answer).toMatchObject({
    gap: 'the log of the sidecar before its restart is gone; only the log before the last restart is kept',
  });
});

test('a log that begins later than its proxy was rotated: since when it is kept is said', async () => {
  const { cluster } = serving([{ at: 600 * second, path: '/late' }]);
  const target = { proxyStartedAt: start - 3_600_000 };
  expect((await read(cluster, { since: start }, target)).answer).toMatchObject({
    gap: 'the node keeps this log since 2026-11-24T03:10:00Z only',
  });
  expect((await read(cluster, { since: start + 601_000 }, target)).answer).not.toHaveProperty('gap');
  expect(
    (await read(cluster, { since: start }, { proxyStartedAt: start + 590_000 })).answer,
  ).not.toHaveProperty('gap');
});

test('what may not be read names the right', async () => {
  const message = 'pods "cart" is forbidden: User "jane" cannot get resource "pods/log" in API group ""';
  const cluster = new MemoryCluster({
    raw: () => ({ status: 403, headers: {}, body: JSON.stringify({ message }) }),
  });
  expect((await read(cluster, { newest: 1 })).answer).toEqual({
    read: false,
    reason: 'not allowed to get pods/log "cart" in namespace shop as jane',
    right: 'get pods/log',
  });
});
