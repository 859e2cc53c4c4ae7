/**
 * Padlock on a whole mesh whose objects a real API server holds: everything that reads, proves and tells. The lab plays
 * kubelets, network, istiod and sidecars; all that Padlock asks goes through the real kube-apiserver.
 */
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ensureBuilt, padlock, type Result, type RunOptions } from '../built.ts';
import { client, namespaceObject, policy, servers, shop } from '../lab/rollout-scene.ts';
import { type RealMesh, startRealMesh } from './real-mesh.ts';

let mesh: RealMesh;
const folder = mkdtempSync(join(tmpdir(), 'padlock-real-mesh-'));

/** It plays the nodes: not on a cluster that has its own. */
const isOwn = process.env.PADLOCK_TEST_KUBECONFIG === undefined;

beforeAll(async () => {
  if (!isOwn) return;
  [mesh] = await Promise.all([startRealMesh(), ensureBuilt()]);
  await mesh.deploy(
    namespaceObject(shop, true),
    namespaceObject('plain', false),
    ...servers(shop),
    client('sleep', shop),
    client('outsider', 'plain'),
  );
});

afterAll(async () => {
  await mesh?.close();
  rmSync(folder, { recursive: true, force: true });
  expect(mesh?.problems ?? []).toEqual([]);
});

const run = (args: readonly string[], options: RunOptions = {}): Promise<Result> =>
  padlock([...args, '--kubeconfig', mesh.kubeconfig], { cwd: folder, ...options });

const curl = (namespace: string, app: string, ...args: readonly string[]): Promise<string> =>
  mesh.kubectl([
    'exec',
    '-n',
    namespace,
    `deploy/${app}`,
    '-c',
    app,
    '--',
    'curl',
    '-sS',
    '-m',
    '5',
    ...args,
  ]);

async function podOf(app: string): Promise<string> {
  const names = await mesh.kubectl(['get', 'pods', '-n', shop, '-l', `app=${app}`, '-o', 'name']);
  return names.split('\n')[0]?.replace('pod/', '') ?? '';
}

/** What the API server’s own proxy, which is in no mesh, hears from a pod. */
const byProxy = async (app: string, port: number): Promise<string> =>
  mesh
    .kubectl(['get', '--raw', `/api/v1/namespaces/${shop}/pods/${await podOf(app)}:${port}/proxy/get`])
    .catch((error: Error) => error.message);

async function setMode(mode: string): Promise<void> {
  await mesh.kubectl(['apply', '-f', '-'], JSON.stringify(policy(shop, mode)));
}

describe.skipIf(!isOwn)('the mesh itself', () => {
  test('a call in the mesh is mutual TLS, and the API server’s proxy is a caller in plaintext', async () => {
    const seen = await curl(shop, 'sleep', 'http://web/headers');
    expect(seen).toContain('By=spiffe://cluster.local/ns/shop/sa/default');
    const proxied = await byProxy('web', 80);
    expect(proxied).toContain('"headers"');
    expect(proxied).not.toContain('spiffe://');
  });

  test('the real controller manager writes endpoints, and evicted pods come back elsewhere', async () => {
    const before = await podOf('echo');
    await mesh.kubectl(['delete', 'pod', '-n', shop, before]);
    await mesh.kubectl(['rollout', 'status', '-n', shop, 'deployment/echo', '--timeout=60s']);
    expect(await podOf('echo')).not.toBe(before);
    const slices = await mesh.kubectl([
      ...['get', 'endpointslices', '-n', shop, '-l', 'kubernetes.io/service-name=echo'],
      ...['-o', 'jsonpath={.items[*].endpoints[*].conditions.ready}'],
    ]);
    expect(slices).toBe('true');
  });

  test('a container’s events, logs and restarts are where kubectl looks for them', async () => {
    const events = await mesh.kubectl(['get', 'events', '-n', shop]);
    expect(events).toMatch(/Started container istio-proxy/);
    const log = await mesh.kubectl([
      'logs',
      '-n',
      shop,
      await podOf('web'),
      '-c',
      'istio-proxy',
      '--tail=200',
    ]);
    const both = `${log}${await mesh.kubectl(['logs', '-n', shop, '-l', 'app=web', '-c', 'istio-proxy'])}`;
    expect(both).toMatch(/"GET \/(headers|get) HTTP\/1.1" 200/);
  });
});

describe.skipIf(!isOwn)('before STRICT', () => {
  test('plan names who sends plaintext', async () => {
    for (let n = 0; n < 3; n += 1) await curl('plain', 'outsider', '-o', '/dev/null', 'http://web.shop/get');
    const { code, stdout, stderr } = await run(['plan', shop, '--window', '1s', '-o', 'json']);
    expect(code, stderr).toBe(1);
    expect(stdout).toContain('plain');
    expect(JSON.stringify(JSON.parse(stdout))).toMatch(/outsider/);
  });

  test('verify: plaintext was answered', async () => {
    const { code, stdout } = await run(['verify', shop]);
    expect(code, stdout).toBe(1);
    expect(stdout).toMatch(/deploy\/web:80 plaintext was answered by web-\S+ \(HTTP 200\s+\(istio-envoy\)\)/);
    expect(stdout).toContain('shop: FAILED (2 FAILED)');
  });

  test('authz: what is suggested is taken by the API server, counts as a dry run, and lets its callers through', async () => {
    await setMode('STRICT');
    await expect.poll(() => byProxy('web', 80), { timeout: 20_000 }).toMatch(/reset by peer/);
    await curl(shop, 'sleep', '-o', '/dev/null', 'http://web/get');
    const suggested = await run(['authz', 'suggest', shop]);
    expect(suggested.code, suggested.stderr).toBe(0);
    expect(suggested.stdout).toContain('cluster.local/ns/shop/sa/default');
    await mesh.kubectl(['apply', '-f', '-'], suggested.stdout);
    const denied = await run(['authz', 'denied', shop, '--window', '3s', '-o', 'json'], {});
    expect([0, 3], denied.stderr).toContain(denied.code);
    await mesh.kubectl(['delete', 'authorizationpolicy', '-n', shop, '--all']);
  });
});

describe.skipIf(!isOwn)('STRICT', () => {
  test('verify proves it, certs reads every proxy, and istiod says that all have it', async () => {
    const { code, stdout } = await run(['verify', shop]);
    expect(code, stdout).toBe(0);
    expect(stdout).toContain('shop: PROVEN (2 PROVEN)');
    expect(stdout).not.toMatch(/istiod was not asked/);
    const certs = await run(['certs', shop, '-o', 'json']);
    expect(certs.code, certs.stderr).toBe(0);
    expect(certs.stdout.match(/spiffe:\/\/cluster.local\/ns\/shop\/sa\/default/g)?.length).toBeGreaterThan(3);
  });

  test('evidence: a signed bundle that holds, until a byte of it is changed', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const [key, pub] = [join(folder, 'key.pem'), join(folder, 'pub.pem')];
    writeFileSync(key, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    writeFileSync(pub, publicKey.export({ type: 'spki', format: 'pem' }));
    const bundle = join(folder, 'bundle');
    const made = await run(['evidence', 'collect', shop, '-o', bundle, '--sign-with', key]);
    expect(made.code, made.stderr).toBe(0);
    const check = () => padlock(['evidence', 'verify', bundle, '--public-key', pub], { cwd: folder });
    expect((await check()).code).toBe(0);
    const report = join(bundle, 'verification.json');
    writeFileSync(report, readFileSync(report, 'utf8').replace('STRICT', 'strict'));
    const changed = await check();
    expect(changed.code).toBe(1);
    expect(changed.stdout + changed.stderr).toContain('verification.json');
  });

  test('explain: a call in the mesh, and one from outside it', async () => {
    const inside = await run(['explain', 'shop/sleep', 'shop/web:80']);
    expect(inside.stdout).toMatch(/MUTUAL TLS: Istio mutual TLS is sent/);
    const outside = await run(['explain', 'plain/outsider', 'shop/web:80']);
    expect(outside.stdout).toMatch(/REFUSED/);
    expect([inside.code, outside.code]).toEqual([0, 0]);
  });

  test('guard: what would weaken it is refused by the API server’s own CEL, until the guard is removed', async () => {
    const installed = await run(['guard', 'install', shop]);
    expect(installed.code, installed.stderr).toBe(0);
    await expect
      .poll(() => setMode('PERMISSIVE').catch(String), { timeout: 20_000 })
      .toMatch(/denied request/);
    expect((await run(['guard', 'status', shop])).code).toBe(0);
    const removed = await run(['guard', 'remove', shop]);
    expect(removed.code, removed.stderr).toBe(0);
  });

  test('dashboard: the page and its data, for the browser with the token alone', async () => {
    let asked: Promise<readonly [number, number, string]> | undefined;
    let answer: readonly [number, number, string] | undefined;
    const { code } = await run(['dashboard', '-n', shop, '--no-open'], {
      interruptWhen: (output) => {
        const url = /http:\/\/127\.0\.0\.1:\d+\/\?token=\S+/.exec(output)?.[0];
        if (url !== undefined) {
          asked ??= askDashboard(url);
          void asked.then((found) => {
            answer = found;
          });
        }
        return answer !== undefined;
      },
    });
    const [page, stranger, posture] = (await asked) ?? [];
    expect([page, stranger]).toEqual([200, 401]);
    expect(posture).toContain('"STRICT"');
    expect([0, 130]).toContain(code);
  });
});

async function askDashboard(url: string): Promise<readonly [number, number, string]> {
  const { origin } = new URL(url);
  const page = await fetch(url, { redirect: 'manual' });
  const cookie = (page.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  await page.text();
  const shown = await fetch(`${origin}/`, { headers: { cookie } });
  await shown.text();
  const stranger = await fetch(`${origin}/api/posture`);
  await stranger.text();
  const key = /#key=(.+)$/.exec(page.headers.get('location') ?? '')?.[1] ?? '';
  const data = await fetch(`${origin}/api/posture`, { headers: { cookie, 'x-padlock': key } });
  return [shown.status, stranger.status, await data.text()];
}

describe.skipIf(!isOwn)('padlock watch', () => {
  test('tells each change once, also through a restart of the API server', async () => {
    let step = 0;
    const steps: readonly (readonly [RegExp, () => Promise<unknown>])[] = [
      [/Watching: /, () => setMode('PERMISSIVE')],
      [/MODE-WEAKENED[\s\S]*web:80/, () => mesh.plane.restartApiServer().then(() => setMode('STRICT'))],
    ];
    const { stdout } = await run(['watch', shop], {
      interruptWhen: (output) => {
        const next = steps[step];
        if (next === undefined) return /MODE-STRENGTHENED[\s\S]*web:80/.test(output);
        if (next[0].test(output)) {
          step += 1;
          void next[1]();
        }
        return false;
      },
    });
    const told = [...stdout.matchAll(/MODE-\w+\s+2 of shop: (.*) \(PeerAuthentication/g)];
    expect(told.map(([, change]) => change)).toEqual(['STRICT -> PERMISSIVE', 'PERMISSIVE -> STRICT']);
  });
});
