/** The watch on the lab's API server over HTTP: restarts of either side, a history that is gone, and a storm of changes. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KubeObject } from '../../istio/kubernetes.ts';
import { type ApiCertificates, createApiCertificates } from '../../lab/api/api-certificates.ts';
import { createApi, type LabApi } from '../../lab/api/create-api.ts';
import { type ApiServer, startApiServer } from '../../lab/api/server.ts';
import type { Kubelet } from '../../lab/kubelet/kubelet.ts';
import { connectCluster } from '../../sources/kube/connect.ts';
import type { KeepEvent } from './fact.ts';
import type { StateStore } from './watch-state.ts';
import { Watcher } from './watcher.ts';

const peerAuthentication = 'peerauthentications.security.istio.io';

let api: LabApi;
let certificates: ApiCertificates;
let server: ApiServer;
let folder: string;
let kubeconfig: string;

beforeEach(async () => {
  api = createApi({ history: 20 });
  certificates = await createApiCertificates(new Date());
  server = await serve(0);
  folder = mkdtempSync(join(tmpdir(), 'padlock-watch-'));
  kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, kubeconfigText(), { mode: 0o600 });
  api.create('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } }, 'test');
  api.create('pods', pod('cart'), 'test');
  api.create(peerAuthentication, policy('STRICT'), 'test');
});

afterEach(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('Watcher', () => {
  it('tells a change once, with its author, and goes on after a restart of its own', async () => {
    const store = memoryStore();
    const first = watch(store);
    await first.started;
    setMode('PERMISSIVE', 'kubectl-edit');
    await first.until(1);
    await first.stop();
    // While nobody watches.
    setMode('STRICT', 'argocd');
    const second = watch(store);
    await second.until(1);
    await second.stop();
    expect([...first.events, ...second.events].map(summary)).toEqual([
      'mode-weakened STRICT -> PERMISSIVE by kubectl-edit',
      'mode-strengthened PERMISSIVE -> STRICT by argocd',
    ]);
  });

  it('survives an API server that goes away, and a history that is gone', async () => {
    const running = watch(memoryStore());
    await running.started;
    const { port } = server;
    await server.close();
    // More changes than the server remembers: a watch from before gets 410 Gone.
    for (let index = 0; index < 30; index += 1) label(`a${index}`);
    setMode('PERMISSIVE', 'kubectl-edit');
    server = await serve(port);
    await running.until(1);
    setMode('STRICT', 'kubectl-edit');
    await running.until(2);
    await expect.poll(() => running.troubles.at(-1)).toBe('the API server answers again');
    await running.stop();
    expect(running.events.map(({ event }) => event)).toEqual(['mode-weakened', 'mode-strengthened']);
    expect(running.troubles.some((sentence) => sentence.includes('trying again'))).toBe(true);
  });

  it('tells each of thousands of changes once and holds no more afterwards than before', async () => {
    const store = memoryStore();
    const running = watch(store);
    await running.started;
    const before = JSON.stringify(JSON.parse(store.text())).length;
    const turns = 2_000;
    for (let turn = 0; turn < turns; turn += 1) {
      setMode(turn % 2 === 0 ? 'PERMISSIVE' : 'STRICT', 'storm');
      if (turn % 20 === 19) await running.until(turn + 1);
    }
    await running.until(turns);
    await running.stop();
    expect(running.events).toHaveLength(turns);
    expect(new Set(running.events.map(({ id }) => id)).size).toBe(turns);
    expect(store.text().length - before).toBeLessThan(50);
  }, 30_000);
});

function watch(store: StateStore) {
  const events: KeepEvent[] = [];
  const troubles: string[] = [];
  const ended = new AbortController();
  const started = Promise.withResolvers<void>();
  const run = (async () => {
    const cluster = await connectCluster({ kubeconfig, env: {}, now: Date.now });
    const watcher = new Watcher(
      { namespaces: ['shop'], trafficEveryMs: 3_600_000, proxiesEveryMs: 3_600_000, quietMs: 1000 },
      {
        cluster,
        signal: ended.signal,
        store,
        now: Date.now,
        sleep: async (milliseconds, signal) => {
          // Backoff is shortened: its length is not what is tested.
          await sleep(Math.min(milliseconds, 20_000) / 10, undefined, signal === undefined ? {} : { signal });
        },
        tell: async (told) => {
          events.push(...told.filter(({ event }) => event.startsWith('mode-')));
        },
        onBaseline: async () => started.resolve(),
        onTrouble: (sentence) => troubles.push(sentence),
      },
    );
    await watcher.run();
  })();
  run.catch(started.reject);
  return {
    events,
    troubles,
    started: started.promise,
    until: (count: number) =>
      Promise.race([
        run,
        expect.poll(() => events.length, { timeout: 20_000, interval: 5 }).toBeGreaterThanOrEqual(count),
      ]),
    stop: async () => {
      ended.abort();
      await run.catch((error: unknown) => {
        if (!ended.signal.aborted) throw error;
      });
    },
  };
}

function memoryStore(): StateStore & { text(): string } {
  let kept: string | undefined;
  return {
    load: async () => kept,
    save: async (text) => {
      kept = text;
    },
    text: () => kept ?? '',
  };
}

function summary({ event, detail, author }: KeepEvent): string {
  return `${event} ${detail} by ${author?.manager}`;
}

function setMode(mode: string, manager: string): void {
  const old = api.get(peerAuthentication, 'shop', 'default');
  if (old === undefined) throw new Error('the policy is gone');
  api.update(peerAuthentication, { ...old, spec: { mtls: { mode } } }, manager);
}

function label(value: string): void {
  const old = api.get('pods', 'shop', 'cart');
  if (old === undefined) throw new Error('the pod is gone');
  api.update(
    'pods',
    { ...old, metadata: { ...old.metadata, labels: { ...old.metadata.labels, turn: value } } },
    'test',
  );
}

function policy(mode: string): KubeObject {
  return {
    apiVersion: 'security.istio.io/v1',
    kind: 'PeerAuthentication',
    metadata: { name: 'default', namespace: 'shop' },
    spec: { mtls: { mode } },
  };
}

function pod(name: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'shop', labels: { app: name } },
    spec: {
      containers: [
        { name: 'app', image: 'app', ports: [{ containerPort: 8080 }] },
        { name: 'istio-proxy', image: 'proxyv2', args: ['proxy', 'sidecar'] },
      ],
    },
  };
}

function serve(port: number): Promise<ApiServer> {
  return startApiServer({
    api,
    kubelet: {} as Kubelet,
    host: '127.0.0.1',
    port,
    caCertificate: certificates.caCertificate,
    certificate: certificates.server,
    onInternalError: () => undefined,
  });
}

function kubeconfigText(): string {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const { admin, caCertificate } = certificates;
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'lab',
    clusters: [
      { name: 'lab', cluster: { server: server.url, 'certificate-authority-data': base64(caCertificate) } },
    ],
    users: [
      {
        name: 'admin',
        user: { 'client-certificate-data': base64(admin.certificate), 'client-key-data': base64(admin.key) },
      },
    ],
    contexts: [{ name: 'lab', context: { cluster: 'lab', user: 'admin' } }],
  });
}
