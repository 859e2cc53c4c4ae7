/** verify, certs, evidence and rbac as a person calls them, on a mesh that answers what a real one answered. */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { bundledPosture } from '../../evidence/bundle/bundled-posture.ts';
import { recordedMesh, recordings } from '../../evidence/testing/recorded-mesh.ts';
import { buildMesh } from '../../mesh/mesh.ts';
import { posture } from '../../mesh/posture.ts';
import { readClusterSnapshot } from '../../sources/cluster-snapshot.ts';
import { readManifests } from '../../sources/manifests/read-manifests.ts';
import { MemoryCluster } from '../../sources/memory-cluster.ts';
import { recordedContext } from '../testing/recorded-context.ts';
import certs from './certs.ts';
import { check, collect } from './evidence.ts';
import rbac from './rbac.ts';
import type { VerifyFlags } from './verify.route.ts';
import verifyCommand from './verify.ts';

const now = '2026-11-24T03:00:00Z';
const probing = { probeImage: 'curlimages/curl:8.16.0', since: 0, window: 0, rate: 250 };
const flags = (output: VerifyFlags['output']): VerifyFlags => ({ output, ...probing, workload: 'httpbin' });

describe.skipIf(!existsSync(recordings))('a recorded mesh (skipped where ../shared/inputs is absent)', () => {
  test('verify: table, short, JUnit, Markdown and JSON agree, and the exit code is the verdict’s', async () => {
    for (const [policy, verdict, exitCode] of [
      ['strict', 'PROVEN', 0],
      ['permissive', 'FAILED', 1],
    ] as const) {
      const context = recordedContext(recordedMesh(policy), now);
      for (const output of ['table', 'short', 'junit', 'markdown', 'yaml'] as const) {
        await verifyCommand.call(context, flags(output), 'secure-apps');
      }
      const { out } = context.written;
      expect(out).toContain(`secure-apps: ${verdict} (1 ${verdict})`);
      expect(out).toContain(`secure-apps: ${verdict}, ${exitCode === 0 ? 1 : 0} of 1 ports PROVEN`);
      expect(out).toContain(`tests="1" failures="${exitCode}" errors="0"`);
      expect(out).toContain(`**${verdict}**`);
      expect(out).toContain(`verdict: ${verdict}`);
      expect(context.written.exitCode).toBe(exitCode);
      const json = recordedContext(recordedMesh(policy), now);
      await verifyCommand.call(json, flags('json'), 'secure-apps');
      expect(JSON.parse(json.written.out)).toMatchObject({ verdict, rows: [{ port: 8080, verdict }] });
    }
  });

  test('JUnit is written even when the run dies early', async () => {
    const context = recordedContext(recordedMesh('strict'), now);
    await expect(verifyCommand.call(context, flags('junit'), 'nowhere')).rejects.toThrow(/no namespace/);
    expect(context.written.out).toMatch(/<error message="there is no namespace &quot;nowhere&quot;"/);
  });

  test('certs: a table with what is wrong, and an inventory as CSV', async () => {
    const context = recordedContext(recordedMesh('strict'), now);
    await certs.call(context, { output: 'table' }, 'secure-apps');
    // The recording has one server's answers for both servers, so the second one shows another's certificate.
    expect(context.written.out).toMatch(/httpbin-\S+ +httpbin +RSA 2048 .*good/);
    expect(context.written.out).toMatch(/error: secure-apps\/twoport-\S+ the certificate says/);
    expect(context.written.exitCode).toBe(1);
    const csv = recordedContext(recordedMesh('strict'), now);
    await certs.call(csv, { output: 'csv' }, 'secure-apps');
    expect(csv.written.out.split('\r\n')[0]).toMatch(/^role,namespace,workload,pod,spiffe_id/);
    const roles = csv.written.out.split('\r\n').map((line) => line.split(',')[0]);
    expect(roles).toEqual(['role', 'workload', 'workload', 'workload', 'root', '']);
  });

  test('evidence: a bundle that stands on its own and can be checked', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'padlock-test-'));
    try {
      const cluster = recordedMesh('strict');
      const context = recordedContext(cluster, now, folder);
      await collect.call(context, { output: 'bundle', ...probing }, 'secure-apps');
      const html = await readFile(join(folder, 'bundle', 'report.html'), 'utf8');
      expect(html).toContain('Mutual TLS evidence: secure-apps');
      expect(html).not.toMatch(/<script|https?:\/\/|src=|href=/);
      const about: unknown = JSON.parse(await readFile(join(folder, 'bundle', 'about.json'), 'utf8'));
      expect(about).toMatchObject({ context: 'strict', question: 'padlock evidence secure-apps' });
      expect(about).toMatchObject({ askedBy: 'not told (HTTP 503)', clusterId: 'not told (HTTP 503)' });
      // What the answer was worked out from can be worked out again, offline.
      const saved = await readManifests([join(folder, 'bundle', 'snapshot.json')], {
        cwd: folder,
        stdin: async () => '',
      });
      const again = posture(buildMesh(saved), { namespaces: ['secure-apps'] });
      expect(again.inbound).toContainEqual(expect.objectContaining({ mode: 'STRICT', plaintext: false }));
      const kept: unknown = JSON.parse(await readFile(join(folder, 'bundle', 'posture.json'), 'utf8'));
      expect(kept).toMatchObject({ edgesLeftOut: 0, edges: expect.arrayContaining([expect.anything()]) });
      const mesh = buildMesh(await readClusterSnapshot(cluster, { namespaces: ['secure-apps'] }));
      const cut = bundledPosture(mesh, ['secure-apps'], 1);
      expect(cut.edges.every(({ outcome }) => outcome !== 'mtls')).toBe(true);
      expect(cut.edgesLeftOut).toBeGreaterThan(0);
      await check.call(context, { output: 'text' }, 'bundle');
      expect(context.written.out).toMatch(/bundle: unchanged, 7 files .* not signed/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

test('rbac prints Roles that grant what was asked for, and nothing more', async () => {
  const context = recordedContext(new MemoryCluster(), now);
  await rbac.call(
    context,
    { for: ['configured'], rootNamespace: 'istio-system', user: 'jane', output: 'yaml' },
    'shop',
  );
  const roles = parseAllDocuments(context.written.out).map((document): unknown => document.toJS());
  expect(roles).toContainEqual(
    expect.objectContaining({ kind: 'Role', metadata: { name: 'padlock', namespace: 'shop' } }),
  );
  expect(context.written.out).not.toMatch(/pods\/exec|secrets|"\*"/);
  const none = recordedContext(new MemoryCluster(), now);
  await expect(rbac.call(none, { rootNamespace: 'istio-system', output: 'yaml' })).rejects.toThrow(
    /which namespaces/,
  );
});
