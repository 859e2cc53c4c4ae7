import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  injectedNamespace,
  peerAuthentication,
  sleepAndHttpbin,
  startTestMesh,
  type TestMesh,
} from './testing/test-mesh.ts';

let mesh: TestMesh;

beforeAll(async () => {
  mesh = await startTestMesh();
  mesh.apply(
    injectedNamespace('secure-apps'),
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'plain-apps' } },
    ...sleepAndHttpbin('secure-apps'),
    ...sleepAndHttpbin('plain-apps'),
  );
  await mesh.settled();
});

afterAll(async () => {
  await mesh.close();
  expect(mesh.problems).toEqual([]);
});

const curl = ['curl', '-sS', '-m', '5', 'http://httpbin.secure-apps:8000/headers'] as const;

async function setMode(mode: string): Promise<void> {
  mesh.apply(peerAuthentication('secure-apps', mode));
  await mesh.istiod.whenSynced();
}

test('sidecars speak mutual TLS and the application hears who called', async () => {
  const { stdout, stderr } = await mesh.run('secure-apps', 'sleep', 'sleep', ...curl);
  expect(stderr).toBe('');
  const { headers } = JSON.parse(stdout);
  expect(headers['X-Forwarded-Client-Cert']).toMatch(
    /^By=spiffe:\/\/cluster.local\/ns\/secure-apps\/sa\/default;Hash=[0-9a-f]{64};Subject="";URI=spiffe:\/\/cluster.local\/ns\/secure-apps\/sa\/default$/,
  );
  expect(headers['X-Envoy-Attempt-Count']).toBe('1');
  expect(headers['X-Forwarded-Proto']).toBe('http');
  expect(headers['X-Request-Id']).toMatch(/^[0-9a-f-]{36}$/);
});

test('STRICT resets plaintext: from outside the mesh, and from the proxy container', async () => {
  await setMode('STRICT');
  const outside = await mesh.run('plain-apps', 'sleep', 'sleep', ...curl);
  expect(outside.code).toBe(56);
  expect(outside.stderr).toContain('Recv failure: Connection reset by peer');
  const proxy = await mesh.run('secure-apps', 'sleep', 'istio-proxy', ...curl);
  expect(proxy.code).toBe(56);
  const inside = await mesh.run('secure-apps', 'sleep', 'sleep', ...curl);
  expect(inside.stdout).toContain('X-Forwarded-Client-Cert');
  const log = await mesh.logs('secure-apps', 'httpbin', 'istio-proxy');
  expect(log.filter((line) => line.includes('"- - -" 0 NR filter_chain_not_found - "-" 0 0'))).toHaveLength(
    2,
  );
});

test.each(['PERMISSIVE', 'DISABLE'])('%s answers plaintext and strips a forged identity', async (mode) => {
  await setMode(mode);
  const forged = ['-H', 'X-Forwarded-Client-Cert: By=x;URI=spiffe://cluster.local/ns/a/sa/b'];
  const { stdout } = await mesh.run('plain-apps', 'sleep', 'sleep', ...curl, ...forged);
  expect(JSON.parse(stdout).headers).not.toHaveProperty('X-Forwarded-Client-Cert');
});
