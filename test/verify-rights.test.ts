/** Each capability with only the rights that `padlock rbac` prints for it, on a lab whose API server enforces them. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import rbac from '../src/cli/commands/rbac.ts';
import { recordedContext } from '../src/cli/testing/recorded-context.ts';
import { certificateInventory } from '../src/evidence/certificates/inventory.ts';
import { withProbePods } from '../src/evidence/probe/probe-pods.ts';
import { type Verification, type VerifyOptions, verify } from '../src/evidence/verify/verify.ts';
import { buildMesh, type Mesh } from '../src/mesh/mesh.ts';
import { leaseHeld } from '../src/rollout/lease.ts';
import { workloadProof } from '../src/server/workload-proof.ts';
import type { Cluster } from '../src/sources/cluster.ts';
import { readClusterSnapshot } from '../src/sources/cluster-snapshot.ts';
import { isObject } from '../src/sources/json-value.ts';
import { connectCluster } from '../src/sources/kube/connect.ts';
import { isKubeObject } from '../src/sources/kube/kube-object.ts';
import { MemoryCluster } from '../src/sources/memory-cluster.ts';
import type { Capability } from '../src/sources/rights.ts';
import { type LabCluster, namespace, startLabCluster, workload } from './lab-cluster.ts';

let lab: LabCluster;

beforeAll(async () => {
  lab = await startLabCluster();
  const http = [{ name: 'http', port: 8000, target: 80 }];
  await lab.deploy(namespace('shop', true));
  await lab.deploy(
    workload('web', 'shop', 'kennethreitz/httpbin', http) + workload('client', 'shop', 'curlimages/curl'),
  );
  await lab.deploy(`
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: default, namespace: shop }
spec: { mtls: { mode: STRICT } }
`);
  await lab.lab.istiod.whenSynced();
}, 120_000);
afterAll(() => lab.close());

/** A client that may do what `padlock rbac shop --for CAPABILITY --user USER` grants, and nothing else. */
async function userWith(...capabilities: readonly Capability[]): Promise<Cluster> {
  const user = `only-${capabilities.join('-')}`;
  const context = recordedContext(new MemoryCluster(), '2026-01-01T00:00:00Z');
  await rbac.call(
    context,
    { for: capabilities, rootNamespace: 'istio-system', user, output: 'yaml' },
    'shop',
  );
  for (const document of parseAllDocuments(context.written.out)) {
    const object: unknown = document.toJS();
    if (!isKubeObject(object)) throw new Error('rbac printed no object');
    const renamed = JSON.parse(JSON.stringify(object).replaceAll('"padlock', `"${user}`)) as unknown;
    if (!isObject(renamed) || !isKubeObject(renamed)) throw new Error('not reached');
    lab.lab.api.create(`${object.kind.toLowerCase()}s.rbac.authorization.k8s.io`, renamed, 'test');
  }
  return connectCluster({ kubeconfig: lab.kubeconfig, env: {}, as: user, now: () => Date.now() });
}

async function meshOf(cluster: Cluster): Promise<Mesh> {
  return buildMesh(await readClusterSnapshot(cluster, { namespaces: ['shop'], needsIstio: true }));
}

let nonce = 0;
const effects = (cluster: Cluster) => ({
  cluster,
  now: () => Date.now(),
  sleep: (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds)),
  nonce: () => `t${++nonce}`,
});

async function proof(cluster: Cluster, options: VerifyOptions = {}): Promise<Verification> {
  const all = {
    namespaces: ['shop'],
    observe: { lookBack: 60_000, atLeast: 0 },
    proxyStatus: true,
    ...options,
  };
  return verify(await meshOf(cluster), all, effects(cluster));
}

test('verify: its own Role is enough for a proof, and istiod is the one that may not be asked', async () => {
  const cluster = await userWith('verify');
  const { verdict, rows, limits } = await proof(cluster);
  expect(rows.map((row) => row.judgement.reason).join()).toMatch(
    /plaintext is refused, mutual TLS is accepted/,
  );
  expect(verdict).toBe('PROVEN');
  expect(rows[0]?.observed).toMatchObject({ looked: true });
  expect(limits).toContain(
    'istiod was not asked what it sent to the proxies (not allowed to look; padlock rbac --for proxy-status)',
  );
  const { unseen } = (await meshOf(cluster)).snapshot;
  expect(unseen.filter((one) => one.namespace === 'shop')).toEqual([]);
  // What lies outside the namespace is one line for each place, not one for each kind.
  expect(limits.filter((limit) => limit.startsWith('not seen'))).toHaveLength(2);
});

test('proxy-status: istiod may be asked too', async () => {
  const { verdict, rows, limits } = await proof(await userWith('proxy-status'));
  expect(verdict).toBe('PROVEN');
  expect(rows[0]?.sync).toMatchObject([{ connected: true, stale: [] }]);
  expect(limits.join()).not.toMatch(/istiod was not asked/);
});

test('configured: what is loaded is read, what may not be tried is named', async () => {
  const { verdict, rows } = await proof(await userWith('configured'));
  expect(verdict).toBe('INCONCLUSIVE');
  expect(rows[0]?.configured).toMatchObject([{ configured: { mode: 'STRICT' } }]);
  expect(rows[0]?.plaintext).toMatchObject([{ outcome: { kind: 'not-allowed', right: 'get pods/proxy' } }]);
  expect(rows[0]?.judgement.reason).toMatch(/not allowed to probe .* \(missing: get pods\/proxy\)/);
});

test('posture: every column but the first says that it may not look, and which right is missing', async () => {
  const { verdict, rows } = await proof(await userWith('posture'));
  const [row] = rows;
  expect(verdict).toBe('INCONCLUSIVE');
  expect(row?.declared.mode).toBe('STRICT');
  expect(row?.configured).toMatchObject([{ notAllowed: true, right: 'create pods/portforward' }]);
  expect(row?.observed).toMatchObject({ looked: false, right: expect.stringMatching(/pods\/(proxy|log)/) });
  expect(row?.mutualTlsMissing).toMatch(/create pods\/exec/);
});

test('certs: certificates are read with its Role alone', async () => {
  const cluster = await userWith('certs');
  const inventory = await certificateInventory(await meshOf(cluster), ['shop'], effects(cluster));
  expect(inventory.unread).toEqual([]);
  expect(inventory.entries.map(({ findings }) => findings)).toEqual([[], []]);
  const without = await userWith('posture', 'posture');
  const blind = await certificateInventory(await meshOf(without), ['shop'], effects(without));
  expect(blind.unread).toMatchObject([{ notAllowed: true }, { notAllowed: true }]);
});

test('probe-pods: the pods can be made and removed with its Role alone', async () => {
  const cluster = await userWith('probe-pods');
  const mesh = await meshOf(cluster);
  const image = 'curlimages/curl:8.16.0';
  const { verdict } = await withProbePods(mesh, { namespaces: ['shop'], image }, effects(cluster), (probes) =>
    verify(mesh, { namespaces: ['shop'], probes }, effects(cluster)),
  );
  expect(verdict).toBe('PROVEN');
  expect(lab.lab.api.list('jobs.batch', { namespace: 'shop' })).toEqual([]);
});

test('the dashboard’s rights are enough to look at a workload and at a rollout, and change nothing', async () => {
  const cluster = await userWith('dashboard');
  const seen = await workloadProof(
    { namespace: 'shop', kind: 'Deployment', name: 'web' },
    { ...effects(cluster), clock: effects(cluster), signal: new AbortController().signal },
  );
  expect(seen).toMatchObject({ verdict: 'PROVEN', unread: [] });
  expect(seen.certificates).toHaveLength(1);
  expect(await leaseHeld(cluster, 'shop', Date.now())).toBeUndefined();
  const blind = await workloadProof(
    { namespace: 'shop', kind: 'Deployment', name: 'web' },
    {
      ...effects(cluster),
      cluster: await userWith('posture', 'posture', 'posture'),
      clock: effects(cluster),
      signal: new AbortController().signal,
    },
  );
  expect(blind.verdict).toBe('INCONCLUSIVE');
  const [row] = blind.rows;
  expect(row?.columns.configured).toMatchObject({ says: 'not allowed to look' });
  expect(row?.columns.configured.notes.join()).toContain('it needs create pods/portforward');
  expect(row?.columns.proven.says).toMatch(/not allowed to probe|not run|not tried/);
  expect(blind.certificates).toEqual([]);
  expect(blind.unread).toHaveLength(1);
});
