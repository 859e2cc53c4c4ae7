/** Suggested policies, applied to the lab's sidecars and tried with real requests: first as dry runs, then enforced. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LabCluster, startLabCluster } from '../../../test/lab-cluster.ts';
import type { KubeObject } from '../../istio/kubernetes.ts';
import type { Lab } from '../../lab/lab.ts';
import { buildMesh } from '../../mesh/mesh.ts';
import type { Cluster } from '../../sources/cluster.ts';
import { readClusterSnapshot } from '../../sources/cluster-snapshot.ts';
import { asObjects, dig } from '../../sources/json-value.ts';
import { observedCalls } from './calls.ts';
import { dryRunsBetween, readDryRuns } from './denied.ts';
import { suggestPolicies } from './suggest.ts';
import { uncovered } from './uncovered.ts';

const signal = new AbortController().signal;
const authorization = 'authorizationpolicies.security.istio.io';
let lab: Lab;
let cluster: Cluster;
let started: LabCluster;
let began: number;

beforeAll(async () => {
  started = await startLabCluster({ nodes: 1, drainSeconds: 0.1 });
  ({ lab, cluster } = started);
  const labels = { 'istio-injection': 'enabled' };
  create('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', labels } });
  create('peerauthentications.security.istio.io', policy('STRICT'));
  create('services', {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'server', namespace: 'shop' },
    spec: { selector: { app: 'server' }, ports: [{ name: 'http', port: 8000, targetPort: 80 }] },
  });
  create('deployments.apps', deployment('server', 'kennethreitz/httpbin', [{ containerPort: 80 }]));
  for (const name of ['good', 'bad']) {
    create('serviceaccounts', {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name, namespace: 'shop' },
    });
    create('deployments.apps', deployment(name, 'curlimages/curl'));
  }
  while (lab.api.list('pods', { namespace: 'shop' }).filter(isReady).length < 3) await sleep(20);
  began = Date.now();
}, 30_000);

afterAll(async () => {
  await started.close();
});

describe('authz on the lab', () => {
  it('names callers and paths, counts what it would deny, then denies it', async (context) => {
    if (!lab.hasCurl) return context.skip('this machine has no curl');
    await until(async () => (await call('good', '/get')) === '200');
    const [dryRun] = await suggested({ paths: true, enforce: false });
    expect(dryRun?.policy?.spec).toEqual({
      selector: { matchLabels: { app: 'server' } },
      action: 'ALLOW',
      rules: [
        {
          from: [{ source: { principals: ['cluster.local/ns/shop/sa/good'] } }],
          to: [{ operation: { ports: ['80'], methods: ['GET'], paths: ['/get'] } }],
        },
      ],
    });
    create(authorization, dryRun?.policy as KubeObject);
    await lab.istiod.whenSynced();
    // Connections from before the change are drained with what they were made with.
    const before = await readDryRuns(await mesh(), 'shop', { cluster, signal, now: Date.now });
    const second = Date.now();
    await until(async () => {
      expect([await call('good', '/get'), await call('bad', '/get')]).toEqual(['200', '200']);
      const now = await readDryRuns(await mesh(), 'shop', { cluster, signal, now: Date.now });
      const counts = dryRunsBetween(before, now).filter(({ port }) => port === '80');
      return counts.some(({ allowed }) => allowed > 0) && counts.some(({ denied }) => denied > 0);
    });
    const missed = uncovered(
      await mesh(),
      await observedCalls(await mesh(), 'shop', second, { cluster, signal, now: Date.now }),
    );
    expect(new Set(missed.map(({ call: { principal } }) => principal))).toEqual(
      new Set(['cluster.local/ns/shop/sa/bad']),
    );
    const present = lab.api.get(authorization, 'shop', 'padlock-server');
    if (present === undefined) throw new Error('the policy is gone');
    lab.api.update(authorization, { ...present, metadata: { ...present.metadata, annotations: {} } }, 'test');
    await until(async () => (await call('bad', '/get')) === '403');
    expect([await call('good', '/get'), await call('good', '/ip')]).toEqual(['200', '403']);
  }, 30_000);

  it('suggests nothing for a port that still accepts plaintext, and says why', async () => {
    const present = lab.api.get('peerauthentications.security.istio.io', 'shop', 'default');
    if (present === undefined) throw new Error('the policy is gone');
    lab.api.update(
      'peerauthentications.security.istio.io',
      { ...present, spec: { mtls: { mode: 'PERMISSIVE' } } },
      'test',
    );
    const [suggestion] = await suggested({ paths: false, enforce: false });
    expect(suggestion?.policy).toBeUndefined();
    expect(suggestion?.notes.join('\n')).toMatch(/port 80 still accepts plaintext \(PERMISSIVE\)/);
  });
});

async function mesh() {
  return buildMesh(await readClusterSnapshot(cluster, { namespaces: ['shop'] }));
}

async function suggested(options: { readonly paths: boolean; readonly enforce: boolean }) {
  const now = await mesh();
  const calls = await observedCalls(now, 'shop', began, { cluster, signal, now: Date.now });
  return suggestPolicies(now, calls, options).filter(({ workload }) => workload.name === 'server');
}

async function call(from: string, path: string): Promise<string> {
  const pod = lab.api.list('pods', { namespace: 'shop', labels: { app: from } })[0]?.metadata.name ?? '';
  const url = `http://server.shop:8000${path}`;
  const command = ['curl', '-s', '-m', '3', '-o', '/dev/null', '-w', '%{http_code}', url];
  return (await cluster.exec('shop', pod, command, { container: 'app' })).stdout;
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('it did not come to be within 15 s');
    await sleep(50);
  }
}

function create(resource: string, object: KubeObject): void {
  lab.api.create(resource, object, 'test');
}

function policy(mode: string): KubeObject {
  return {
    apiVersion: 'security.istio.io/v1',
    kind: 'PeerAuthentication',
    metadata: { name: 'default', namespace: 'shop' },
    spec: { mtls: { mode } },
  };
}

function deployment(name: string, image: string, ports: readonly object[] = []): KubeObject {
  const labels = { app: name };
  const command = image === 'curlimages/curl' ? { command: ['sleep', '100000'] } : {};
  const account = image === 'curlimages/curl' ? { serviceAccountName: name } : {};
  const spec = { ...account, containers: [{ name: 'app', image, ports, ...command }] };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'shop' },
    spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
  };
}

function isReady(pod: KubeObject): boolean {
  return asObjects(dig(pod.status, 'conditions')).some(
    ({ type, status }) => type === 'Ready' && status === 'True',
  );
}
