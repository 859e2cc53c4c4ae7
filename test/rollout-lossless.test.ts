/** No request is lost: steady traffic of every kind through a whole rollout on a lab that delivers configuration late. */
import { afterEach, expect, test } from 'vitest';
import {
  client,
  namespaceObject,
  policy,
  type Scene,
  secure,
  servers,
  setMode,
  shop,
  sleep,
  startScene,
} from './lab/rollout-scene.ts';
import { freshHttp, freshTcp, http2, keptHttp, type Load, longTcp, type Result } from './lab/steady-load.ts';

let scene: Scene | undefined;
afterEach(() => scene?.close());

/** Each proxy hears of a change after a time of its own, up to half a second. */
const propagation = { min: 10, max: 400, seed: 11 };

/**
 * Longer than this takes on a busy machine: Envoy ends what is left of old connections after its drain time (45 s in
 * Istio), whoever sets STRICT.
 */
const drainSeconds = 600;

async function prepared(injected = true): Promise<Scene> {
  const made = await startScene({ propagation, drainSeconds });
  scene = made;
  made.create(namespaceObject(shop, injected), namespaceObject('clients', true));
  if (injected) made.create(policy(shop, 'DISABLE'));
  made.create(...servers(shop), client('inside', shop), client('one', 'clients'), client('two', 'clients'));
  await made.deploymentsReady(shop);
  await made.deploymentsReady('clients');
  await made.lab.istiod.whenSynced();
  return made;
}

/** The first four are HTTP/1.1. */
function traffic(made: Scene): readonly Load[] {
  const to = (namespace: string, from: string, host: string, port: number) => () =>
    made.connectFrom(namespace, from, `${host}.shop`, port);
  return [
    freshHttp(to('clients', 'one', 'web', 80)),
    freshHttp(to('shop', 'inside', 'web', 80)),
    keptHttp(to('clients', 'one', 'web', 80)),
    keptHttp(to('clients', 'two', 'web', 80)),
    http2(to('clients', 'two', 'web', 80)),
    http2(to('shop', 'inside', 'web', 80)),
    freshTcp(to('clients', 'one', 'echo', 9000)),
    freshTcp(to('clients', 'two', 'echo', 9000)),
    longTcp(to('clients', 'one', 'echo', 9000)),
    longTcp(to('shop', 'inside', 'echo', 9000)),
  ];
}

function total(loads: readonly Load[]): number {
  return loads.reduce((sum, load) => sum + load.sent, 0);
}

async function stopped(loads: readonly Load[]): Promise<readonly Result[]> {
  return Promise.all(loads.map((load) => load.stop()));
}

test('from DISABLE to STRICT 0 of at least 5,000 requests fail and no connection is cut', async () => {
  const made = await prepared();
  const loads = traffic(made);
  const { state, told } = await secure(made, {
    observeMs: 300,
    // Not waited for here.
    observer: (observer) => ({ ...observer, draining: async () => [] }),
  });
  while (total(loads) < 5_000) await sleep(20);
  const results = await stopped(loads);
  expect(results.flatMap(({ name, failures }) => failures.map((failure) => `${name}: ${failure}`))).toEqual(
    [],
  );
  expect(results.filter(({ cut }) => cut > 0)).toEqual([]);
  expect(results.reduce((sum, { sent }) => sum + sent, 0)).toBeGreaterThanOrEqual(5_000);
  expect(state).toMatchObject({ status: 'done', proof: { verdict: 'PROVEN' } });
  // Padlock’s own count agrees.
  const counted = told.flatMap((one) => (one.event === 'watched' ? [one.traffic] : []));
  expect(counted.map(({ failed }) => failed)).toEqual(counted.map(() => 0));
  expect(counted.some(({ requests }) => requests > 0)).toBe(true);
  expect(made.problems).toEqual([]);
}, 180_000);

test('while a namespace gets its sidecars no request is lost either', async () => {
  const made = await prepared(false);
  const to = (from: string, host: string, port: number) => () =>
    made.connectFrom('clients', from, `${host}.shop`, port);
  // A connection to a pod ends with the pod, so that none outlives its restart.
  const loads = [
    freshHttp(to('one', 'web', 80)),
    keptHttp(to('one', 'web', 80)),
    http2(to('two', 'web', 80)),
    freshTcp(to('two', 'echo', 9000)),
  ];
  const { state } = await secure(made, { observeMs: 0, options: { until: 'permissive' } });
  const results = await stopped(loads);
  expect(state.status).toBe('done');
  expect(results.flatMap(({ name, failures }) => failures.map((failure) => `${name}: ${failure}`))).toEqual(
    [],
  );
  expect(results.every(({ sent }) => sent > 20)).toBe(true);
}, 180_000);

test('the usual way, straight to PERMISSIVE, loses requests here', async () => {
  const made = await prepared();
  const lost: string[] = [];
  // Whether a client or a server hears of it first is chance: one half for each pair in each round.
  for (let round = 0; round < 10 && lost.length === 0; round += 1) {
    const loads = traffic(made).slice(0, 4);
    for (const mode of ['PERMISSIVE', 'DISABLE']) {
      const before = total(loads);
      setMode(made, shop, mode);
      await made.lab.istiod.whenSynced();
      while (total(loads) < before + 10) await sleep(5);
    }
    lost.push(...(await stopped(loads)).flatMap(({ failures }) => failures));
  }
  expect(lost.length).toBeGreaterThan(0);
}, 180_000);
