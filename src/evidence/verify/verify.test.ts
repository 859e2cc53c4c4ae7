/** `verify` against a mesh that answers what a real one answered under each policy. */
import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { buildMesh } from '../../mesh/mesh.ts';
import { readClusterSnapshot } from '../../sources/cluster-snapshot.ts';
import type { MemoryCluster } from '../../sources/memory-cluster.ts';
import { recordedMesh, recordings } from '../testing/recorded-mesh.ts';
import type { VerifyRow } from './row.ts';
import { type Verification, verify } from './verify.ts';

async function run(cluster: MemoryCluster, workload: string): Promise<Verification> {
  const namespaces = ['secure-apps'];
  const mesh = buildMesh(await readClusterSnapshot(cluster, { namespaces }));
  let now = Date.parse('2026-11-24T03:00:00Z');
  return verify(
    mesh,
    { namespaces, workload },
    {
      cluster,
      now: () => now,
      sleep: async (milliseconds) => {
        now += milliseconds;
      },
      nonce: () => 'n',
    },
  );
}

async function httpbin(cluster: MemoryCluster): Promise<VerifyRow> {
  const [row] = (await run(cluster, 'httpbin')).rows;
  if (row === undefined) throw new Error('no row');
  return row;
}

describe.skipIf(!existsSync(recordings))('a recorded mesh (skipped where ../shared/inputs is absent)', () => {
  test.each([
    [
      'strict',
      'PROVEN',
      /plaintext is refused, mutual TLS is accepted from spiffe:\/\/cluster.local\/ns\/secure-apps\/sa\/sleep/,
    ],
    ['strict-default-stats', 'PROVEN', /plaintext is refused/],
    ['none', 'FAILED', /plaintext was answered by httpbin-.* \(HTTP 200/],
    ['permissive', 'FAILED', /plaintext was answered/],
    ['disable', 'FAILED', /plaintext was answered/],
    ['destinationrule-disable', 'FAILED', /plaintext was answered/],
    ['destinationrule-disable-strict', 'FAILED', /told to send plaintext/],
  ])('under %s httpbin is %s', async (policy, verdict, reason) => {
    const row = await httpbin(recordedMesh(policy));
    expect(row.port).toBe(8080);
    expect(row.judgement).toMatchObject({ verdict, reason: expect.stringMatching(reason) });
    expect(row.judgement.disagreements).toEqual([]);
  });

  test('a port-level exception fails its own port only', async () => {
    const { rows, verdict } = await run(recordedMesh('portlevel'), 'Deployment/twoport');
    expect(rows.map((row) => [row.port, row.judgement.verdict])).toEqual([
      [8080, 'PROVEN'],
      [9090, 'FAILED'],
    ]);
    expect(rows[1]?.judgement.next).toMatch(/PERMISSIVE \(PeerAuthentication secure-apps\//);
    expect(verdict).toBe('FAILED');
  });

  test('with only the pod proxy allowed, nothing shows mutual TLS: INCONCLUSIVE, and the right is named', async () => {
    const row = await httpbin(
      recordedMesh('strict', {
        forbids: (_verb, resource) => resource === 'pods/exec' || resource === 'pods/portforward',
      }),
    );
    expect(row.judgement.verdict).toBe('INCONCLUSIVE');
    expect(row.judgement.reason).toMatch(/not allowed|reset/);
    expect(row.configured[0]).toMatchObject({ notAllowed: true });
  });

  test('without the pod proxy, curl in another sidecar’s container is the plaintext caller', async () => {
    const row = await httpbin(
      recordedMesh('strict', { forbids: (_verb, resource) => resource === 'pods/proxy' }),
    );
    expect(row.judgement.verdict).toBe('PROVEN');
    expect(row.plaintext[0]?.caller).toMatch(/^curl in secure-apps\/sleep.* \(istio-proxy\)$/);
  });

  test('a proxy that ignores the policy is caught, and the columns’ contradiction is said', async () => {
    const lying = recordedMesh('permissive', {
      change: (object) =>
        object.kind === 'PeerAuthentication' ? { ...object, spec: { mtls: { mode: 'STRICT' } } } : object,
    });
    const { judgement } = await httpbin(lying);
    expect(judgement.verdict).toBe('FAILED');
    expect(judgement.next).toMatch(/has not loaded it/);
    expect(judgement.disagreements).toEqual([
      {
        kind: 'declared-not-configured',
        message: expect.stringMatching(/declared STRICT, but the proxy of httpbin-.* has loaded PERMISSIVE/),
      },
      {
        kind: 'pod-older-than-policy',
        message: expect.stringMatching(/started .* before the policy was last changed/),
      },
      {
        kind: 'declared-not-proven',
        message: expect.stringMatching(/declared STRICT, but httpbin-.* answered plaintext/),
      },
    ]);
  });

  test('a client that reaches another identity than the service account’s fails the row', async () => {
    const stranger = recordedMesh('strict', {
      change: (object) =>
        object.kind === 'Pod' && object.metadata.name.startsWith('httpbin')
          ? { ...object, spec: { ...Object(object.spec), serviceAccountName: 'other' } }
          : object,
    });
    const { judgement } = await httpbin(stranger);
    expect(judgement.verdict).toBe('FAILED');
    expect(judgement.reason).toMatch(
      /the service account’s is spiffe:\/\/cluster.local\/ns\/secure-apps\/sa\/other/,
    );
  });
});
