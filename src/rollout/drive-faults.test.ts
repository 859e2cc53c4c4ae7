/** Whatever happens on the way, a namespace ends advanced and proven, or as it was, and its record says which. */
import { expect, test } from 'vitest';
import type { Cluster, RawRequest, RawResponse } from '../sources/cluster.ts';
import { newBook } from './book.ts';
import { send, type Timing } from './carry-out.ts';
import { type DriveOptions, drive } from './drive.ts';
import { factsFrom } from './facts.ts';
import { chooseInjection } from './injection-choice.ts';
import { type Event, initialState, isOver, type RolloutState } from './machine.ts';
import type { Observer } from './observer.ts';
import { planRollout } from './planner.ts';
import { readRecord, recordWrite } from './record.ts';
import { askToPause } from './request.ts';
import { FakeCluster, podOf } from './testing/fake-cluster.ts';
import { proofOf, readingOf, seesAll } from './testing/fake-observer.ts';
import {
  controlPlane,
  namespaceOf,
  peerAuthentication,
  shop,
  snapshotOf,
  workload,
} from './testing/small-cluster.ts';

const disabled = peerAuthentication(shop, 'default', 'DISABLE');

/** The longest way there is: injection, out of DISABLE, observation, a canary, STRICT, clean-up, verification. */
function planOf() {
  const objects = [...controlPlane(), namespaceOf(shop), ...workload('cart'), disabled];
  const facts = factsFrom(snapshotOf(objects), shop);
  const choice = chooseInjection({}, facts.webhooks, undefined);
  return planRollout(facts, choice, {
    until: 'strict',
    workloads: [],
    exclude: [],
    observeMs: 60_000,
    maxErrors: { kind: 'count', value: 0 },
    restartedAt: '2026-11-24T00:00:00Z',
  }).plan;
}

function clusterBefore(): FakeCluster {
  const [deployment] = workload('cart');
  if (deployment === undefined) throw new Error('no Deployment');
  return new FakeCluster([namespaceOf(shop), deployment, disabled, podOf(shop, 'cart', '', false)]);
}

const backgroundSleeps = new Set([10_000, 2_500, 1_500]);

/** Time that passes only by sleeping; what looks after the Lease and the record sleeps until the end. */
function fakeClock(tick: () => void = () => undefined): Timing {
  let time = Date.parse('2026-11-24T00:00:00Z');
  return {
    now: () => time,
    random: () => 0.5,
    sleep: async (milliseconds, signal) => {
      if (backgroundSleeps.has(milliseconds)) {
        await new Promise((_resolve, reject) => {
          signal?.addEventListener('abort', () => reject(signal.reason));
        });
      }
      tick();
      await Promise.resolve();
      signal?.throwIfAborted();
      time += milliseconds;
    },
  };
}

function optionsFor(cluster: Cluster, changes: Partial<DriveOptions> = {}): DriveOptions {
  return {
    cluster,
    observer: seesAll,
    clock: fakeClock(),
    signal: new AbortController().signal,
    tell: () => undefined,
    limits: { rollout: 60_000, load: 10_000, drain: 10_000 },
    acceptInconclusive: false,
    holder: 'tester',
    ...changes,
  };
}

function begin(cluster: Cluster, changes: Partial<DriveOptions> = {}): Promise<RolloutState> {
  return drive(initialState(planOf()), { kind: 'start' }, optionsFor(cluster, changes));
}

async function recorded(cluster: FakeCluster): Promise<RolloutState | undefined> {
  return (await readRecord(cluster, shop))?.state;
}

/** Goes on from the record as another machine would, or begins where nothing was saved. */
async function goOn(cluster: FakeCluster, event: Event): Promise<RolloutState> {
  const saved = await recorded(cluster);
  return drive(saved ?? initialState(planOf()), event, optionsFor(cluster, { holder: 'another' }));
}

function expectStrict(cluster: FakeCluster, state: RolloutState): void {
  expect(state).toMatchObject({ status: 'done', proof: { verdict: 'PROVEN' } });
  expect(cluster.find('PeerAuthentication', shop, 'default')?.spec).toEqual({ mtls: { mode: 'STRICT' } });
  expect(cluster.find('PeerAuthentication', shop, 'padlock-canary-cart')).toBeUndefined();
  expect(cluster.find('DestinationRule', shop, 'padlock-hold-plaintext')).toBeUndefined();
  expect(JSON.stringify(cluster.pods())).toContain('istio-proxy');
}

class Killed extends Error {}

/** Passes everything on, and dies at a given moment, before or after the call. */
function mortal(
  cluster: FakeCluster,
  at: number,
): { cluster: Cluster; observer: Observer; clock: Timing; moments: () => number } {
  let moments = 0;
  let dead = false;
  const tick = (): void => {
    if (++moments === at) dead = true;
    // What is dead does nothing any more, its background tasks included.
    if (dead) throw new Killed();
  };
  const around = async <Result>(call: () => Promise<Result>): Promise<Result> => {
    tick();
    const result = await call();
    tick();
    return result;
  };
  return {
    moments: () => moments,
    clock: fakeClock(tick),
    cluster: {
      context: 'fake',
      list: (type) => around(() => cluster.list(type)),
      get: (type, namespace, name) => around(() => cluster.get(type, namespace, name)),
      raw: (request) => around(() => cluster.raw(request)),
      watch: () => cluster.watch(),
      exec: () => cluster.exec(),
      portForward: () => cluster.portForward(),
    },
    observer: {
      loading: (plan, until) => {
        const look = seesAll.loading(plan, until);
        return (signal) => around(() => look(signal));
      },
      draining: (plan, signal) => around(() => seesAll.draining(plan, signal)),
      traffic: (plan, signal, since) => around(() => seesAll.traffic(plan, signal, since)),
      prove: (plan, proof, signal) => around(() => seesAll.prove(plan, proof, signal)),
    },
  };
}

/** What a dead run left behind no longer counts once its Lease has run out. */
function expireLease(cluster: FakeCluster): void {
  cluster.put({
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { namespace: shop, name: 'padlock-rollout' },
  });
}

test('killed before or after any call, the next run ends it: forward to STRICT, or back to what was', async () => {
  const whole = mortal(clusterBefore(), Number.POSITIVE_INFINITY);
  await begin(whole.cluster, whole);
  const moments = whole.moments();
  expect(moments).toBeGreaterThan(100);
  for (const then of [{ kind: 'start' }, { kind: 'abort', reason: 'asked to' }] as const) {
    for (let at = 1; at <= moments; at++) {
      const cluster = clusterBefore();
      const before = cluster.state();
      const { cluster: dying, observer, clock } = mortal(cluster, at);
      await expect(begin(dying, { observer, clock }), `moment ${at}`).rejects.toThrow(Killed);
      expireLease(cluster);
      const saved = await recorded(cluster);
      if (saved === undefined) expect(cluster.state()).toEqual(before);
      const state = await goOn(cluster, then);
      expect(await recorded(cluster)).toEqual(state);
      if (then.kind === 'start') expectStrict(cluster, state);
      else {
        expect(state.status, `moment ${at}`).toBe('rolled-back');
        expect(cluster.state()).toEqual(before);
      }
    }
  }
}, 30_000);

const answers = { 409: 'Conflict', 429: 'TooManyRequests', 500: 'InternalError', 503: 'ServiceUnavailable' };

function status(code: number): RawResponse {
  return { status: code, headers: {}, body: JSON.stringify({ kind: 'Status', message: `status ${code}` }) };
}

test('a conflict, throttling, server errors and lost answers are got over wherever they come', async () => {
  const faults = [
    ...Object.keys(answers).map((code) => status(Number(code))),
    'drop',
    'lose-answer',
  ] as const;
  for (const fault of faults) {
    const cluster = clusterBefore();
    const seen = new Set<string>();
    cluster.fault = (request) => {
      if (request.method !== 'PATCH' && request.method !== 'DELETE') return undefined;
      const what = `${request.path} ${request.body ?? ''}`;
      if (seen.has(what)) return undefined;
      seen.add(what);
      return fault;
    };
    expectStrict(cluster, await begin(cluster));
    expect(seen.size).toBeGreaterThan(10);
  }
});

/** Nothing answers from the first canary's write on, for so long. */
function awayFor(cluster: FakeCluster, milliseconds: number): { readonly options: Partial<DriveOptions> } {
  const clock = fakeClock();
  let since: number | undefined;
  cluster.fault = (request) => {
    if (isCanary(request)) since ??= clock.now();
    return since !== undefined && clock.now() - since < milliseconds ? 'drop' : undefined;
  };
  return { options: { clock } };
}

test('an API server that is away for as long as a restart takes is waited for', async () => {
  const cluster = clusterBefore();
  const { options } = awayFor(cluster, 20_000);
  expectStrict(cluster, await begin(cluster, options));
});

test('one that stays away longer pauses the rollout, which goes on later', async () => {
  const cluster = clusterBefore();
  const { options } = awayFor(cluster, 120_000);
  expect(await begin(cluster, options)).toMatchObject({
    status: 'paused',
    reason: expect.stringContaining('the record cannot be saved'),
  });
  cluster.fault = () => undefined;
  expireLease(cluster);
  expectStrict(cluster, await goOn(cluster, { kind: 'start' }));
});

function isCanary({ path }: RawRequest): boolean {
  return path.includes('padlock-canary');
}

test.each([403, 422])('a policy that is refused for good (%i) leads back to what was', async (code) => {
  const cluster = clusterBefore();
  const before = cluster.state();
  cluster.fault = (request) => (request.method === 'PATCH' && isCanary(request) ? status(code) : undefined);
  const state = await begin(cluster);
  expect(state).toMatchObject({ status: 'rolled-back', reason: expect.stringContaining(`status ${code}`) });
  expect(cluster.state()).toEqual(before);
  expect(await recorded(cluster)).toEqual(state);
});

test.each([429, 500, 503])(
  'an API server that goes on answering %i pauses, and nothing is lost by it',
  async (code) => {
    const cluster = clusterBefore();
    cluster.fault = (request) => (isCanary(request) ? status(code) : undefined);
    const paused = await begin(cluster);
    expect(paused).toMatchObject({ status: 'paused', direction: 'forward' });
    expect(await recorded(cluster)).toEqual(paused);
    cluster.fault = () => undefined;
    expectStrict(cluster, await goOn(cluster, { kind: 'start' }));
  },
);

test('a proxy that never loads the canary’s policy leads back', async () => {
  const cluster = clusterBefore();
  const before = cluster.state();
  const observer: Observer = {
    ...seesAll,
    loading: () => async () =>
      cluster.find('PeerAuthentication', shop, 'padlock-canary-cart') === undefined
        ? []
        : [{ pod: 'shop/cart-0', detail: 'port 8080 is PERMISSIVE still, STRICT is declared' }],
  };
  const state = await begin(cluster, { observer });
  expect(state).toMatchObject({ status: 'rolled-back', reason: expect.stringContaining('PERMISSIVE still') });
  expect(cluster.state()).toEqual(before);
});

/** What the proxies record once the canary is STRICT. */
function underCanary(cluster: FakeCluster, pod: Parameters<typeof readingOf>[1]): Observer {
  return {
    ...seesAll,
    traffic: async () =>
      cluster.find('PeerAuthentication', shop, 'padlock-canary-cart') === undefined
        ? readingOf(0)
        : readingOf(1, pod),
  };
}

test.each([
  ['a workload that becomes unhealthy', { ready: false }, 'Deployment/cart: 0 of 1 pod is ready'],
  [
    'requests that fail',
    { tallies: { 'Deployment/cart': { requests: 90, failed: 2 } } },
    '2 of 90 requests failed at Deployment/cart',
  ],
  [
    'a plaintext client that appears after STRICT',
    { senders: [{ to: 'Deployment/cart', from: 'Job jobs/report', count: 1, refused: true }] },
    'plaintext was refused: Job jobs/report to Deployment/cart (once)',
  ],
] as const)('%s leads back before the namespace is STRICT', async (_what, pod, reason) => {
  const cluster = clusterBefore();
  const before = cluster.state();
  const written: string[] = [];
  cluster.afterWrite = () => {
    written.push(JSON.stringify(cluster.find('PeerAuthentication', shop, 'default')?.spec));
  };
  const state = await begin(cluster, { observer: underCanary(cluster, pod) });
  expect(state).toMatchObject({ status: 'rolled-back', reason: expect.stringContaining(reason) });
  expect(written.join()).not.toContain('STRICT');
  expect(cluster.state()).toEqual(before);
  expect(await recorded(cluster)).toEqual(state);
});

test('a plaintext client in the window of observation pauses; nobody was refused; gone, the rollout goes on', async () => {
  const cluster = clusterBefore();
  const sender = { to: 'Deployment/cart', from: 'Deployment legacy/batch', count: 4, refused: false };
  const observer: Observer = {
    ...seesAll,
    traffic: async (_plan, _signal, since) =>
      since === undefined ? readingOf(0) : readingOf(1, { senders: [sender] }),
  };
  const paused = await begin(cluster, { observer });
  expect(paused).toMatchObject({
    status: 'paused',
    phase: { name: 'watch' },
    reason: expect.stringContaining('Deployment legacy/batch to Deployment/cart (4 times)'),
  });
  expect(cluster.find('PeerAuthentication', shop, 'padlock-canary-cart')).toBeUndefined();
  expectStrict(cluster, await goOn(cluster, { kind: 'start' }));
});

test('a second run meanwhile is refused, and the first ends as it would have', async () => {
  const cluster = clusterBefore();
  const refused: unknown[] = [];
  const observer: Observer = {
    ...seesAll,
    prove: async () => {
      refused.push(
        await goOn(cluster, { kind: 'abort', reason: 'another' }).catch((error: unknown) => error),
      );
      return proofOf('PROVEN');
    },
  };
  expectStrict(cluster, await begin(cluster, { observer }));
  expect(refused.length).toBeGreaterThan(1);
  for (const error of refused) expect(error).toMatchObject({ code: 'PREFLIGHT_REFUSED' });
});

test('done, it can still be taken back to the letter', async () => {
  const cluster = clusterBefore();
  const before = cluster.state();
  await begin(cluster);
  const state = await goOn(cluster, { kind: 'abort', reason: 'asked to' });
  expect(isOver(state)).toBe(true);
  expect(state.status).toBe('rolled-back');
  expect(cluster.state()).toEqual(before);
});

test('somebody elsewhere asks for a pause: the run ends, says who asked, and the next run does not heed it again', async () => {
  const cluster = clusterBefore();
  const asleep = fakeClock();
  const clock: Timing = {
    now: asleep.now,
    sleep: async (milliseconds, signal) => {
      if (milliseconds !== 2_500) return asleep.sleep(milliseconds, signal);
      await new Promise(setImmediate);
      signal?.throwIfAborted();
    },
  };
  const observer: Observer = {
    ...seesAll,
    prove: async (_plan, _proof, signal) => {
      await askToPause(cluster, shop, 'bob@desk');
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
      });
    },
  };
  const paused = await begin(cluster, { observer, clock });
  expect(paused).toMatchObject({ status: 'paused', reason: 'pause, asked for by bob@desk' });
  expectStrict(cluster, await goOn(cluster, { kind: 'start' }));
  expect(cluster.find('ConfigMap', shop, 'padlock-rollout')?.data).not.toHaveProperty('request');
});

test('the record’s journal tells who did what, and a new rollout keeps the end of the one before', async () => {
  const cluster = clusterBefore();
  await begin(cluster, { observer: { ...seesAll, prove: async () => proofOf('INCONCLUSIVE') } });
  const first = await readRecord(cluster, shop);
  expect(first?.book.journal.map(({ what }) => what)).toEqual([
    'begun',
    'step 1 of 10: label namespace shop with istio-injection=enabled',
    'step 2 of 10: restart Deployment shop/cart so that its pods get a sidecar',
    'step 3 of 10: hold clients of shop on plaintext while servers change over',
    'step 4 of 10: set PeerAuthentication shop/default from DISABLE to PERMISSIVE',
    'step 5 of 10: release the clients: they change to mutual TLS',
    'paused: PERMISSIVE could not be proven: Deployment/cart:8080 as told',
  ]);
  if (first === undefined) throw new Error('no record');
  const book = newBook('2026-11-25T00:00:00Z', first);
  await begin(cluster, { book, holder: 'carol' });
  const second = await readRecord(cluster, shop);
  expect(second?.book.past).toMatchObject([{ status: 'paused', startedAt: first.book.startedAt, steps: 10 }]);
  expect(second?.book.journal.at(-1)).toMatchObject({ by: 'carol', what: 'done' });
});

test('a record that is too long for a ConfigMap as it is, is packed, and read again', async () => {
  const plan = planOf();
  const steps = Array.from({ length: 1_000 }, () => plan.steps).flat();
  const state = initialState({ ...plan, steps });
  const { manifest } = recordWrite(state, '2026-11-24T00:00:00Z');
  expect(JSON.stringify(manifest).length).toBeLessThan(1024 * 1024);
  const cluster = new FakeCluster([manifest]);
  expect(await recorded(cluster)).toEqual(state);
});

test.each([
  ['2', 0, [2_100, 2_200, 2_400]],
  ['2', 1, [2_300, 2_600, 3_200]],
  [undefined, 0.5, [200, 400, 800]],
] as const)(
  'a write waits as long as the server asks (Retry-After %s) and its own spread (random %f)',
  async (after, random, waits) => {
    const slept: number[] = [];
    const clock: Timing = {
      now: () => 0,
      random: () => random,
      sleep: async (milliseconds) => void slept.push(milliseconds),
    };
    const cluster = clusterBefore();
    const sent: (string | undefined)[] = [];
    cluster.fault = ({ retry }) => {
      sent.push(retry);
      if (sent.length > waits.length) return undefined;
      return { ...status(429), headers: after === undefined ? {} : { 'retry-after': after } };
    };
    const manifest = {
      apiVersion: 'security.istio.io/v1',
      kind: 'PeerAuthentication',
      metadata: { namespace: shop, name: 'default' },
      spec: {},
    };
    const { signal } = new AbortController();
    await send({ kind: 'apply', manifest }, { cluster, clock, signal, tell: () => undefined });
    expect(slept).toEqual(waits);
    // The client below must not try by itself as well.
    expect(new Set(sent)).toEqual(new Set(['none']));
  },
);
