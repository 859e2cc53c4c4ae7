import { expect, test } from 'vitest';
import type { KubeObject } from '../../istio/kubernetes.ts';
import { buildMesh } from '../../mesh/mesh.ts';
import type { RawRequest } from '../../sources/cluster.ts';
import { MemoryCluster } from '../../sources/memory-cluster.ts';
import { withProbePods } from './probe-pods.ts';

const pod = (role: string, ready: boolean): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: `padlock-probe-${role}-run-x`,
    namespace: 'shop',
    labels: { 'padlock.dev/probe-run': 'run', 'padlock.dev/probe-role': role },
  },
  spec: {
    serviceAccountName: 'default',
    containers: [{ name: 'probe' }, ...(role === 'client' ? [{ name: 'istio-proxy' }] : [])],
  },
  status: { podIP: '10.0.0.9', conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
});

const mesh = buildMesh({
  source: 'test',
  unseen: [],
  objects: [
    {
      object: { ...pod('cart', true), metadata: { name: 'cart', namespace: 'shop' } },
      origin: { source: 't' },
    },
  ],
});

function world(objects: readonly KubeObject[]) {
  const requests: RawRequest[] = [];
  let time = 0;
  const cluster = new MemoryCluster({
    objects,
    raw: (request) => {
      requests.push(request);
      return { status: request.method === 'POST' ? 201 : 200, headers: {}, body: '{}' };
    },
  });
  const effects = {
    cluster,
    now: () => time,
    sleep: async (milliseconds: number) => {
      time += milliseconds;
    },
    nonce: () => 'run',
  };
  return { effects, requests };
}

test('two unprivileged pods by Jobs that end by themselves, and that are removed in any case', async () => {
  const { effects, requests } = world([pod('client', true), pod('outsider', true)]);
  const run = withProbePods(mesh, { namespaces: ['shop'], image: 'mine/curl:1' }, effects, async (probes) => {
    expect(probes.get('shop')).toMatchObject({
      client: { pod: 'padlock-probe-client-run-x', address: '10.0.0.9' },
      outsiders: [{ pod: 'padlock-probe-outsider-run-x' }],
    });
    throw new Error('probing went wrong');
  });
  await expect(run).rejects.toThrow('probing went wrong');
  const jobs = requests
    .filter(({ method }) => method === 'POST')
    .map(({ body }): unknown => JSON.parse(body ?? ''));
  expect(jobs).toHaveLength(2);
  for (const job of jobs) {
    expect(job).toMatchObject({
      kind: 'Job',
      spec: {
        activeDeadlineSeconds: expect.any(Number),
        ttlSecondsAfterFinished: expect.any(Number),
        template: {
          spec: {
            automountServiceAccountToken: false,
            securityContext: { runAsNonRoot: true },
            containers: [{ image: 'mine/curl:1', securityContext: { allowPrivilegeEscalation: false } }],
          },
        },
      },
    });
  }
  expect(requests.filter(({ method }) => method === 'DELETE').map(({ path }) => path)).toEqual([
    expect.stringContaining('/jobs/padlock-probe-client-run?'),
    expect.stringContaining('/jobs/padlock-probe-outsider-run?'),
  ]);
});

test('pods that do not become ready are one sentence, and are removed too', async () => {
  const { effects, requests } = world([pod('client', false), pod('outsider', true)]);
  const run = withProbePods(mesh, { namespaces: ['shop'], image: 'x' }, effects, async () => undefined);
  await expect(run).rejects.toThrow(/did not become ready: padlock-probe-client-run-x/);
  expect(requests.filter(({ method }) => method === 'DELETE')).toHaveLength(2);
});
