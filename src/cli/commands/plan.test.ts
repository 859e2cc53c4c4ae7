/** `padlock plan` as a person calls it, on a mesh that answers what a real one answered. */
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type RecordedOptions, recordedMesh, recordings } from '../../evidence/testing/recorded-mesh.ts';
import { type RecordedContext, recordedContext } from '../testing/recorded-context.ts';
import type { PlanFlags } from './plan.route.ts';
import plan from './plan.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'padlock-plan-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function run(
  policy: string,
  more: Partial<PlanFlags> = {},
  options: RecordedOptions = {},
): Promise<RecordedContext> {
  const context = recordedContext(recordedMesh(policy, options), '2026-11-24T03:00:00Z', folder);
  const flags: PlanFlags = {
    window: 30_000,
    lookBack: 7_200_000,
    traffic: true,
    owner: 'team-a',
    output: 'text',
    ...more,
  };
  await plan.call(context, flags, 'secure-apps');
  return context;
}

describe.skipIf(!existsSync(recordings))('a recorded mesh (skipped where ../shared/inputs is absent)', () => {
  test('plaintext senders are named, and the answer is no', async () => {
    const { written } = await run('permissive');
    expect(written.out).toMatch(/Deployment sleep \(secure-apps\) -> Deployment\/httpbin :8080 {3}1 request/);
    expect(written.out).toMatch(/10\.77\.1\.5 -> Deployment\/httpbin :8080 {3}2 requests/);
    expect(written.out).toMatch(/NOT READY: STRICT for namespace secure-apps/);
    expect(written.exitCode).toBe(1);
  });

  test('under STRICT nobody is left, but not everything was seen: inconclusive', async () => {
    const { written } = await run('strict');
    expect(written.out).toMatch(/INCONCLUSIVE: nobody was found/);
    expect(written.exitCode).toBe(3);
  });

  test('without the rights to look the answer is never better than inconclusive', async () => {
    const forbids = (_verb: string, resource: string): boolean => resource.startsWith('pods/');
    const { written } = await run('strict', {}, { forbids });
    expect(written.out).toContain('[missing right: get pods/log]');
    expect(written.exitCode).toBe(3);
  });

  test('--what-if: a policy that keeps the port open refuses nobody', async () => {
    const file = join(folder, 'permissive.yaml');
    await writeFile(
      file,
      'apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: { name: default, namespace: secure-apps }\nspec: { mtls: { mode: PERMISSIVE } }\n',
    );
    const { written } = await run('permissive', { whatIf: [file], output: 'json' });
    const answer: unknown = JSON.parse(written.out);
    expect(answer).toMatchObject({ kind: 'NamespacePlan', target: file, senders: [], exceptions: [] });
  });

  test('--out writes a kustomize base with the policy, the exception and the way back; a second run replaces it', async () => {
    await run('permissive', { out: 'base' });
    await run('permissive', { out: 'base', output: 'markdown' });
    const out = join(folder, 'base');
    const read = async (name: string): Promise<unknown> => parse(await readFile(join(out, name), 'utf8'));
    expect(await readdir(out)).toEqual([
      'exceptions',
      'kustomization.yaml',
      'peerauthentication-default.yaml',
      'rollback',
    ]);
    expect(await read('kustomization.yaml')).toMatchObject({
      // The recording has one server's log for both servers.
      resources: [
        'exceptions/httpbin-plaintext.yaml',
        'exceptions/twoport-plaintext.yaml',
        'peerauthentication-default.yaml',
      ],
    });
    expect(await read('exceptions/httpbin-plaintext.yaml')).toMatchObject({
      metadata: {
        namespace: 'secure-apps',
        annotations: { 'padlock.dev/exception-owner': 'team-a', 'padlock.dev/exception-until': '2027-01-23' },
      },
      spec: {
        selector: { matchLabels: { app: 'httpbin' } },
        portLevelMtls: { '8080': { mode: 'PERMISSIVE' } },
      },
    });
    expect(await read('peerauthentication-default.yaml')).toMatchObject({
      spec: { mtls: { mode: 'STRICT' } },
    });
    expect(await read('rollback/peerauthentication-default.yaml')).toMatchObject({
      spec: { mtls: { mode: 'PERMISSIVE' } },
    });
  });

  test('a folder with something else in it is left alone', async () => {
    const file = join(folder, 'precious.txt');
    await writeFile(file, 'mine');
    await expect(run('permissive', { out: '.' })).rejects.toThrow(/is not empty/);
  });
});
