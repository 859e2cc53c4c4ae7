/** The watch over a restart of a real kube-apiserver: run with PADLOCK_REAL_KUBERNETES=1 where test/kubernetes has been built. */
import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type ControlPlane,
  isBuilt,
  istioCrds,
  startControlPlane,
} from '../../../test/kubernetes/control-plane.ts';
import { connectCluster } from '../../sources/kube/connect.ts';
import type { KeepEvent } from './fact.ts';
import { Watcher } from './watcher.ts';

const wanted = process.env.PADLOCK_REAL_KUBERNETES === '1' && isBuilt();

describe.skipIf(!wanted)('a real kube-apiserver (PADLOCK_REAL_KUBERNETES=1)', () => {
  let plane: ControlPlane;

  beforeAll(async () => {
    plane = await startControlPlane();
    kubectl(['apply', '--server-side', '-f', await istioCrds()]);
    kubectl(['wait', '--for=condition=Established', '--all', 'crd', '--timeout=60s']);
    kubectl(['create', 'namespace', 'shop']);
    setMode('STRICT');
    while (
      spawnSync('kubectl', ['--kubeconfig', plane.kubeconfig, '-n', 'shop', 'get', 'sa', 'default'])
        .status !== 0
    ) {
      await sleep(100);
    }
    const containers = [
      { name: 'app', image: 'app', ports: [{ containerPort: 80 }] },
      { name: 'istio-proxy', image: 'proxyv2' },
    ];
    apply({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'cart', namespace: 'shop' },
      spec: { containers },
    });
  }, 120_000);
  afterAll(() => plane?.stop());

  it('tells each change once, before, over and after the restart', async () => {
    const events: KeepEvent[] = [];
    const troubles: string[] = [];
    const ended = new AbortController();
    const started = Promise.withResolvers<void>();
    const cluster = await connectCluster({ kubeconfig: plane.kubeconfig, env: {}, now: Date.now });
    const running = new Watcher(
      { namespaces: ['shop'], trafficEveryMs: 3_600_000, proxiesEveryMs: 3_600_000, quietMs: 1000 },
      {
        cluster,
        signal: ended.signal,
        store: undefined,
        now: Date.now,
        sleep: async (milliseconds, signal) => {
          await sleep(milliseconds, undefined, signal === undefined ? {} : { signal });
        },
        tell: async (told) => void events.push(...told.filter(({ event }) => event.startsWith('mode-'))),
        onBaseline: async () => started.resolve(),
        onTrouble: (sentence) => troubles.push(sentence),
      },
    ).run();
    const until = (count: number) =>
      Promise.race([running, expect.poll(() => events.length, { timeout: 40_000 }).toBe(count)]);
    await Promise.race([started.promise, running]);
    setMode('PERMISSIVE');
    await until(1);
    await plane.restartApiServer();
    setMode('STRICT');
    await until(2);
    await expect.poll(() => troubles.at(-1), { timeout: 60_000 }).toBe('the API server answers again');
    setMode('DISABLE');
    await until(3);
    ended.abort();
    await running;
    expect(events.map(({ event, detail }) => `${event} ${detail}`)).toEqual([
      'mode-weakened STRICT -> PERMISSIVE',
      'mode-strengthened PERMISSIVE -> STRICT',
      'mode-weakened STRICT -> DISABLE',
    ]);
  }, 180_000);

  function setMode(mode: string): void {
    apply({
      apiVersion: 'security.istio.io/v1',
      kind: 'PeerAuthentication',
      metadata: { name: 'default', namespace: 'shop' },
      spec: { mtls: { mode } },
    });
  }

  function apply(object: object): void {
    kubectl(['apply', '-f', '-'], JSON.stringify(object));
  }

  function kubectl(args: readonly string[], input = ''): void {
    const { status, stderr } = spawnSync('kubectl', ['--kubeconfig', plane.kubeconfig, ...args], {
      input,
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(stderr);
  }
});
