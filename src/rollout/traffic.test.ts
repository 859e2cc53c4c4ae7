import { expect, test } from 'vitest';
import type { MaxErrors, Watch } from './plan.ts';
import { judgeTraffic, type PodReading, type Reading, trafficBetween } from './traffic.ts';

const none: MaxErrors = { kind: 'count', value: 0 };
const harm: Watch = { kind: 'harm', forMs: 10_000 };

function pod(changes: Partial<PodReading> = {}): PodReading {
  return {
    server: 'Deployment/cart',
    ready: true,
    tallies: {},
    plaintext: {},
    open: 0,
    senders: [],
    logged: undefined,
    ...changes,
  };
}

function reading(at: number, pods: Readonly<Record<string, PodReading>>): Reading {
  return { at, pods: new Map(Object.entries(pods)), unseen: [] };
}

function served(requests: number, failed = 0): PodReading {
  return pod({ tallies: { 'Deployment/cart': { requests, failed } } });
}

test('what happened lies between two readings: totals do not count, new pods and restarted proxies count from zero', () => {
  const before = reading(0, { a: served(1_000, 7), b: served(50) });
  const after = reading(5_000, { a: served(1_010, 8), b: served(5, 1), c: served(3) });
  expect(trafficBetween(before, after)).toMatchObject({ seconds: 5, requests: 18, failed: 2 });
});

test('what fails as often as before is not the rollout’s doing; more of it is harm', () => {
  const baseline = { 'Deployment/cart': { requests: 1_000, failed: 20 } };
  const judged = (failed: number) =>
    judgeTraffic(
      harm,
      trafficBetween(reading(0, {}), reading(1, { a: served(1_000, failed) })),
      baseline,
      none,
    );
  expect(judged(20).kind).toBe('good');
  // Twenty are expected, and 3 x sqrt(20) more may be chance.
  expect(judged(34).kind).toBe('good');
  expect(judged(35)).toMatchObject({
    kind: 'harm',
    reason: '35 of 1,000 requests failed at Deployment/cart (--max-errors 0)',
  });
});

test('without failures before, one is too many, unless that many are allowed', () => {
  const traffic = trafficBetween(reading(0, {}), reading(1, { a: served(1_000, 1) }));
  expect(judgeTraffic(harm, traffic, {}, none).kind).toBe('harm');
  expect(judgeTraffic(harm, traffic, {}, { kind: 'count', value: 1 }).kind).toBe('good');
  expect(judgeTraffic(harm, traffic, {}, { kind: 'percent', value: 0.1 }).kind).toBe('good');
  expect(judgeTraffic(harm, traffic, {}, { kind: 'percent', value: 0.09 }).kind).toBe('harm');
});

test('a failing workload does not hide behind a busy one', () => {
  const busy = pod({
    server: 'Deployment/web',
    tallies: { 'Deployment/web': { requests: 1_000_000, failed: 900 } },
  });
  const baseline = { 'Deployment/web': { requests: 1_000_000, failed: 1_000 } };
  const traffic = trafficBetween(reading(0, {}), reading(1, { a: served(3, 3), b: busy }));
  expect(judgeTraffic(harm, traffic, baseline, none)).toMatchObject({
    kind: 'harm',
    reason: expect.stringContaining('3 of 3 requests failed at Deployment/cart'),
  });
});

test('a refused sender is harm, and is named', () => {
  const from = { to: 'Deployment/cart', from: 'Job jobs/report', count: 2, refused: true };
  const traffic = trafficBetween(reading(0, { a: pod() }), reading(1, { a: pod({ senders: [from] }) }));
  expect(judgeTraffic(harm, traffic, {}, none)).toMatchObject({
    kind: 'harm',
    reason: 'plaintext was refused: Job jobs/report to Deployment/cart (2 times) (--max-errors 0)',
  });
});

test('plaintext is named by the access log, and where there is none, counted by the proxies’ counters', () => {
  const watch: Watch = { kind: 'plaintext', forMs: 60_000 };
  const before = reading(0, { a: pod({ plaintext: { 'an unknown sender': 100 } }) });
  const counted = trafficBetween(before, reading(1, { a: pod({ plaintext: { 'an unknown sender': 103 } }) }));
  expect(judgeTraffic(watch, counted, {}, none)).toMatchObject({
    kind: 'plaintext',
    reason: expect.stringContaining('an unknown sender to Deployment/cart (3 times)'),
  });
  const sender = { to: 'Deployment/cart', from: 'Deployment legacy/batch', count: 3, refused: false };
  const logged = pod({ plaintext: { 'an unknown sender': 103 }, senders: [sender] });
  expect(trafficBetween(before, reading(1, { a: logged })).plaintext).toEqual([
    { to: 'Deployment/cart', from: 'Deployment legacy/batch', count: 3 },
  ]);
  const quiet = trafficBetween(before, reading(1, { a: pod({ plaintext: { 'an unknown sender': 100 } }) }));
  expect(judgeTraffic(watch, quiet, {}, none).kind).toBe('good');
});

test('a workload with fewer ready pods than before is unhealthy; one that was so already is not the rollout’s doing', () => {
  const two = reading(0, { a: pod(), b: pod() });
  const one = reading(1, { a: pod(), b: pod({ ready: false }) });
  expect(judgeTraffic(harm, trafficBetween(two, one), {}, none)).toMatchObject({
    kind: 'harm',
    reason: 'it became unhealthy: Deployment/cart: 1 of 2 pods are ready',
  });
  expect(judgeTraffic(harm, trafficBetween(one, one), {}, none).kind).toBe('good');
});

test('plaintext TCP connections that are open are counted, however long ago they were opened', () => {
  const idle = reading(0, { a: pod({ open: 2 }), b: pod({ open: 1 }) });
  const traffic = trafficBetween(idle, idle);
  expect(traffic.open).toEqual({ 'Deployment/cart': 3 });
  // They end by themselves with Envoy's drain time; they are told, and hold nothing up.
  expect(judgeTraffic({ kind: 'plaintext', forMs: 1 }, traffic, {}, none).kind).toBe('good');
});

test('where a proxy keeps no Istio counters its access log counts; where it keeps them the log is not counted twice', () => {
  const logged = { 'Deployment/cart': { requests: 12, failed: 3 } };
  const without = trafficBetween(
    reading(0, { a: pod({ loggedTallies: { 'Deployment/cart': { requests: 50, failed: 0 } } }) }),
    reading(1, { a: pod({ loggedTallies: logged }) }),
  );
  expect(without).toMatchObject({ requests: 12, failed: 3 });
  const both = trafficBetween(
    reading(0, { a: served(100) }),
    reading(1, { a: { ...served(110), loggedTallies: logged } }),
  );
  expect(both).toMatchObject({ requests: 10, failed: 0 });
});

test('servers whose proxies record nothing are named: zero says nothing of them', () => {
  const silent = reading(1, { a: pod({ unrecorded: true }), b: pod({ server: 'Deployment/web' }) });
  expect(trafficBetween(reading(0, {}), silent).unrecorded).toEqual(['Deployment/cart']);
});
