import { expect, test } from 'vitest';
import type { KubeObject } from '../istio/kubernetes.ts';
import type { Timing } from './carry-out.ts';
import { type DriveOptions, drive } from './drive.ts';
import type { Live } from './live.ts';
import { readLive } from './live-record.ts';
import { initialState, type RolloutState } from './machine.ts';
import type { Observer, ProofResult } from './observer.ts';
import type { Plan, Step } from './plan.ts';
import type { Progress } from './progress.ts';
import { readRecord } from './record.ts';
import { FakeCluster, podOf } from './testing/fake-cluster.ts';
import type { PodReading } from './traffic.ts';
import type { Write } from './write.ts';

const namespace: KubeObject = {
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: 'shop', labels: { team: 'a' } },
};
const deployment: KubeObject = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { namespace: 'shop', name: 'cart' },
  spec: { replicas: 1, template: { metadata: { labels: { app: 'cart' } } } },
  status: { observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 1 },
};

function label(value: string | undefined): Write {
  const labels = value === undefined ? {} : { 'istio-injection': value };
  return {
    kind: 'apply',
    manifest: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', labels } },
  };
}

function restart(at: string | undefined): Write {
  const annotations = at === undefined ? {} : { 'kubectl.kubernetes.io/restartedAt': at };
  return {
    kind: 'apply',
    manifest: {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'cart', namespace: 'shop' },
      spec: { template: { metadata: { annotations } } },
    },
  };
}

function policy(mode: string | undefined): Write {
  const manifest: KubeObject = {
    apiVersion: 'security.istio.io/v1',
    kind: 'PeerAuthentication',
    metadata: { name: 'default', namespace: 'shop' },
    ...(mode === undefined ? {} : { spec: { mtls: { mode } } }),
  };
  return mode === undefined ? { kind: 'delete', manifest } : { kind: 'apply', manifest };
}

const workload = { kind: 'Deployment', namespace: 'shop', name: 'cart' };
const steps: readonly Step[] = [
  {
    kind: 'label',
    stage: 'inject',
    title: 'label',
    writes: [label('enabled')],
    undo: { writes: [label(undefined)] },
  },
  {
    kind: 'restart',
    stage: 'inject',
    title: 'restart cart',
    writes: [restart('2026-01-01T00:00:00Z')],
    until: { kind: 'rolled-out', workload, sidecar: true },
    undo: { writes: [restart(undefined)], until: { kind: 'rolled-out', workload, sidecar: false } },
  },
  {
    kind: 'policy',
    stage: 'permissive',
    title: 'permissive',
    writes: [policy('PERMISSIVE')],
    until: { kind: 'loaded', clients: false },
    proof: { mode: 'PERMISSIVE' },
    undo: { writes: [policy(undefined)], until: { kind: 'loaded', clients: false } },
  },
  {
    kind: 'policy',
    stage: 'strict',
    title: 'strict',
    writes: [policy('STRICT')],
    until: { kind: 'loaded', clients: false },
    proof: { mode: 'STRICT' },
    undo: { writes: [policy('PERMISSIVE')], until: { kind: 'loaded', clients: false } },
  },
];
const plan: Plan = {
  namespace: 'shop',
  workloads: [],
  until: 'strict',
  maxErrors: { kind: 'count', value: 0 },
  steps,
  leftOut: [],
};

/** Time that passes only by sleeping. */
function fakeClock(): Timing {
  let time = Date.parse('2026-01-01T00:00:00Z');
  return {
    now: () => time,
    random: () => 0.5,
    sleep: async (milliseconds, signal) => {
      // What looks after the Lease and the record sleeps beside everything else, and must not carry the others' time along.
      if ([10_000, 2_500, 1_500].includes(milliseconds)) {
        await new Promise((_resolve, reject) => {
          signal?.addEventListener('abort', () => reject(signal.reason));
        });
      }
      await Promise.resolve();
      signal?.throwIfAborted();
      time += milliseconds;
    },
  };
}

/** As `fakeClock`, but what is told is written down before the next look. */
function steadyClock(): Timing {
  const clock = fakeClock();
  const ticks: (() => void)[] = [];
  return {
    ...clock,
    sleep: async (milliseconds, signal) => {
      if (milliseconds !== 1_500) {
        for (const tick of ticks.splice(0)) tick();
        await new Promise((resolve) => setImmediate(resolve));
        return clock.sleep(milliseconds, signal);
      }
      await new Promise<void>((resolve, reject) => {
        ticks.push(resolve);
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
    },
  };
}

function proof(verdict: ProofResult['verdict']): ProofResult {
  return { verdict, rows: [{ workload: 'Deployment cart', port: 8080, verdict, detail: 'as told' }] };
}

const seesAll: Observer = {
  loading: () => async () => [],
  draining: async () => [],
  traffic: async () => ({ at: 0, pods: new Map(), unseen: [] }),
  prove: async () => proof('PROVEN'),
};

interface Scene {
  readonly cluster: FakeCluster;
  readonly told: Progress[];
  readonly stop: AbortController;
  options(changes?: Partial<DriveOptions>): DriveOptions;
}

function scene(): Scene {
  const cluster = new FakeCluster([namespace, deployment, podOf('shop', 'cart', '', false)]);
  const told: Progress[] = [];
  const stop = new AbortController();
  return {
    cluster,
    told,
    stop,
    options: (changes = {}) => ({
      cluster,
      observer: seesAll,
      clock: fakeClock(),
      signal: stop.signal,
      tell: (progress) => told.push(progress),
      limits: { rollout: 60_000, load: 10_000, drain: 10_000 },
      acceptInconclusive: false,
      holder: 'tester',
      ...changes,
    }),
  };
}

function hasSidecar(cluster: FakeCluster): boolean {
  return JSON.stringify(cluster.pods()).includes('istio-proxy');
}

async function record(cluster: FakeCluster): Promise<RolloutState | undefined> {
  return (await readRecord(cluster, 'shop'))?.state;
}

test('a rollout labels, restarts, goes PERMISSIVE, then STRICT, and its record says done', async () => {
  const { cluster, options, told } = scene();
  const state = await drive(initialState(plan), { kind: 'start' }, options());
  expect(state.status).toBe('done');
  expect(hasSidecar(cluster)).toBe(true);
  expect(cluster.find('PeerAuthentication', 'shop', 'default')?.spec).toEqual({ mtls: { mode: 'STRICT' } });
  expect(await record(cluster)).toEqual(state);
  expect(told.filter((one) => one.event === 'step').map((one) => one.title)).toEqual(
    steps.map((step) => step.title),
  );
  expect(cluster.find('Lease', 'shop', 'padlock-rollout')?.spec).toMatchObject({ holderIdentity: '' });
});

test('whoever looks from elsewhere sees what a run measures, waits for and has proven', async () => {
  const { cluster, options } = scene();
  const watched = steps.map((step) =>
    step.title === 'strict' ? { ...step, watch: { kind: 'harm', forMs: 60_000 } as const } : step,
  );
  const pod = (requests: number, failed: number): PodReading => ({
    server: 'Deployment/cart',
    ready: true,
    tallies: { 'Deployment/cart': { requests, failed } },
    plaintext: {},
    open: 0,
    senders: requests === 0 ? [] : [{ to: 'Deployment/cart', from: '10.0.0.9', count: 1, refused: true }],
    logged: undefined,
  });
  let looks = 0;
  const during: (Live | undefined)[] = [];
  const observer: Observer = {
    ...seesAll,
    traffic: async (_plan, _signal, since) => {
      looks++;
      // What the loop beside it has written by now.
      during.push(await readLive(cluster, 'shop'));
      return {
        at: looks * 1000,
        pods: new Map([['shop/cart', since === undefined ? pod(0, 0) : pod(1_000_000 * looks, 1)]]),
        unseen: [],
      };
    },
  };
  const lenient = { ...plan, steps: watched, maxErrors: { kind: 'percent', value: 1 } as const };
  await drive(initialState(lenient), { kind: 'start' }, options({ observer, clock: steadyClock() }));
  const seen = during.flatMap((live) => live?.windows ?? []);
  expect(seen.some(({ over, failed }) => !over && failed === 1)).toBe(true);
  expect(await readLive(cluster, 'shop')).toMatchObject({
    by: 'tester',
    task: 'over',
    windows: [
      {
        step: 4,
        back: false,
        over: true,
        forSeconds: 60,
        failed: 1,
        refused: { total: 1, senders: [{ from: '10.0.0.9' }] },
        worst: [{ name: 'Deployment/cart', failed: 1 }],
      },
    ],
    proof: { mode: 'STRICT', verdict: 'PROVEN', proven: 1, ports: 1 },
    lines: expect.arrayContaining([expect.objectContaining({ text: '[4/4] strict' })]),
  });
});

test('when STRICT is not what happens, everything is as it was, sidecars included', async () => {
  const { cluster, options } = scene();
  const before = cluster.state();
  const observer: Observer = {
    ...seesAll,
    prove: async (_plan, { mode }) => proof(mode === 'STRICT' ? 'FAILED' : 'PROVEN'),
  };
  const state = await drive(initialState(plan), { kind: 'start' }, options({ observer }));
  expect(state).toMatchObject({ status: 'rolled-back', reason: expect.stringContaining('STRICT') });
  expect(cluster.state()).toEqual(before);
  expect(hasSidecar(cluster)).toBe(false);
});

test('killed after any write, a second run finishes the work', async () => {
  const counting = scene();
  await drive(initialState(plan), { kind: 'start' }, counting.options());
  const total = counting.cluster.writes.length;
  for (let kill = 1; kill <= total; kill++) {
    const { cluster, options } = scene();
    class Killed extends Error {}
    let left = kill;
    cluster.afterWrite = () => {
      if (--left === 0) throw new Killed();
    };
    try {
      await drive(initialState(plan), { kind: 'start' }, options());
      // The last write gives the Lease back; being killed there is survived by the run itself.
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
    }
    cluster.afterWrite = () => undefined;
    const saved = await record(cluster);
    // Another machine, after the dead run's Lease has run out.
    cluster.put({
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { namespace: 'shop', name: 'padlock-rollout' },
    });
    const state = await drive(saved ?? initialState(plan), { kind: 'start' }, options({ holder: 'other' }));
    expect(state.status).toBe('done');
    expect(hasSidecar(cluster)).toBe(true);
    expect(cluster.find('PeerAuthentication', 'shop', 'default')?.spec).toEqual({ mtls: { mode: 'STRICT' } });
  }
});

test('Ctrl-C at any write pauses with a record that a second run takes up, or takes back', async () => {
  const counting = scene();
  await drive(initialState(plan), { kind: 'start' }, counting.options());
  const total = counting.cluster.writes.length;
  for (const then of ['start', 'abort'] as const) {
    for (let at = 2; at <= total - 2; at++) {
      const { cluster, options, stop, told } = scene();
      const before = cluster.state();
      let left = at;
      cluster.afterWrite = () => {
        if (--left === 0) stop.abort(new Error('Ctrl-C'));
      };
      const paused = await drive(initialState(plan), { kind: 'start' }, options());
      if (paused.status === 'done') continue;
      expect(paused).toMatchObject({ status: 'paused', reason: 'Ctrl-C' });
      expect(await record(cluster)).toEqual(paused);
      expect(told.at(-1)).toEqual({ event: 'end', status: 'paused', reason: 'Ctrl-C' });
      const fresh = options({ signal: new AbortController().signal });
      const event =
        then === 'start' ? ({ kind: then } as const) : ({ kind: then, reason: 'asked to' } as const);
      const state = await drive(paused, event, fresh);
      if (then === 'start') expect(state.status).toBe('done');
      else {
        expect(state.status).toBe('rolled-back');
        expect(cluster.state()).toEqual(before);
      }
    }
  }
});

test('throttling, server errors and lost answers are tried again', async () => {
  const { cluster, options, told } = scene();
  cluster.fault = (request, count) => {
    if (request.method !== 'PATCH') return undefined;
    const faults = [
      undefined,
      { status: 429, headers: {}, body: '{"message":"slow down"}' },
      'lose-answer',
      'drop',
    ] as const;
    return faults[count % 4];
  };
  const state = await drive(initialState(plan), { kind: 'start' }, options());
  expect(state.status).toBe('done');
  expect(told.some((one) => one.event === 'retry')).toBe(true);
});

test('an API server out of reach pauses: no verdict, nothing taken back', async () => {
  const { cluster, options } = scene();
  cluster.fault = (request) => (request.path.includes('peerauthentications') ? 'drop' : undefined);
  const state = await drive(initialState(plan), { kind: 'start' }, options());
  expect(state).toMatchObject({ status: 'paused', direction: 'forward', reached: 2 });
  expect(hasSidecar(cluster)).toBe(true);
});

test('a write that is refused for good leads back', async () => {
  const { cluster, options } = scene();
  const before = cluster.state();
  cluster.fault = (request) =>
    request.body?.includes('STRICT') && request.path.includes('peerauthentications')
      ? { status: 403, headers: {}, body: '{"message":"admission denied it"}' }
      : undefined;
  const state = await drive(initialState(plan), { kind: 'start' }, options());
  expect(state).toMatchObject({
    status: 'rolled-back',
    reason: expect.stringContaining('admission denied it'),
  });
  expect(cluster.state()).toEqual(before);
});

test('pods that never become ready, or get no sidecar, lead back', async () => {
  for (const broken of ['podsBecomeReady', 'injects'] as const) {
    const { cluster, options } = scene();
    const before = cluster.state();
    cluster[broken] = false;
    cluster.afterWrite = () => {
      // What was broken by the restart is healthy again without it.
      if (cluster.writes.at(-1)?.includes('/namespaces/shop') && cluster.writes.length > 4)
        cluster.podsBecomeReady = true;
    };
    const state = await drive(initialState(plan), { kind: 'start' }, options());
    expect(state.status).toBe('rolled-back');
    expect(state.reason).toMatch(broken === 'injects' ? /no sidecar/ : /ready/);
    expect(cluster.state()).toEqual(before);
  }
});

test('a proxy that never loads the policy leads back, and does not keep the rest from being restored', async () => {
  const { cluster, options } = scene();
  const before = cluster.state();
  const observer: Observer = {
    ...seesAll,
    loading: () => async () => [{ pod: 'shop/cart-0', detail: 'port 8080 is behind' }],
  };
  const state = await drive(initialState(plan), { kind: 'start' }, options({ observer }));
  expect(state).toMatchObject({ status: 'rolled-back', reason: expect.stringContaining('shop/cart-0') });
  expect(cluster.state()).toEqual(before);
});

test('a proof that comes out neither way pauses; --accept-inconclusive goes on', async () => {
  const observer: Observer = { ...seesAll, prove: async () => proof('INCONCLUSIVE') };
  const first = scene();
  const paused = await drive(initialState(plan), { kind: 'start' }, first.options({ observer }));
  expect(paused).toMatchObject({ status: 'paused', direction: 'forward', phase: { name: 'prove' } });
  const second = scene();
  const state = await drive(
    initialState(plan),
    { kind: 'start' },
    second.options({ observer, acceptInconclusive: true }),
  );
  expect(state.status).toBe('done');
});

test('a second run is refused while the Lease is held', async () => {
  const { options } = scene();
  let second: unknown;
  const observer: Observer = {
    ...seesAll,
    prove: async () => {
      second ??= await drive(initialState(plan), { kind: 'start' }, options({ holder: 'second' })).catch(
        (error: unknown) => error,
      );
      return proof('PROVEN');
    },
  };
  const state = await drive(initialState(plan), { kind: 'start' }, options({ observer }));
  expect(state.status).toBe('done');
  expect(second).toMatchObject({ code: 'PREFLIGHT_REFUSED', message: expect.stringContaining('tester') });
});
