/** `padlock lab up --data`: what was written is there again after the lab was killed. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasTools, type LabShell, startLabShell } from './lab-shell.ts';

const policy = `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: kept}
spec: {mtls: {mode: STRICT}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: kept}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: kennethreitz/httpbin, ports: [{containerPort: 80}]}]}
`;

describe.skipIf(!hasTools())('a lab that keeps its objects (skipped without kubectl and curl)', () => {
  let lab: LabShell;
  const state = (): { readonly pid: number } =>
    JSON.parse(readFileSync(join(lab.folder, '.local/state/padlock/lab/lab/state.json'), 'utf8'));

  beforeAll(async () => {
    lab = await startLabShell('--data', 'kept');
  }, 60_000);
  afterAll(() => lab?.close());

  test('survives kill -9 with everything that it has answered', { timeout: 60_000 }, async () => {
    await lab.ok('kubectl create namespace kept && kubectl label namespace kept istio-injection=enabled');
    await lab.ok('kubectl apply -f -', policy);
    await lab.ok('kubectl rollout status deployment/web -n kept --timeout=30s');
    const facts =
      'kubectl get deployment,peerauthentication,replicaset -n kept -o jsonpath=\'{range .items[*]}{.kind} {.metadata.uid} {.spec.mtls.mode}{"\\n"}{end}\'';
    const before = await lab.ok(facts);
    const version = await lab.ok("kubectl get namespace kept -o jsonpath='{.metadata.resourceVersion}'");
    const { pid } = state();
    // The last write is under way when the process dies: it was answered, so it must be there.
    await lab.ok('kubectl create configmap last -n kept --from-literal=a=b');
    process.kill(pid, 'SIGKILL');
    const second = await lab.padlock('lab', 'up', '--data', 'kept');
    expect(second.stderr).not.toContain('error');
    expect(second.code).toBe(0);
    expect(await lab.ok(facts)).toBe(before);
    expect(await lab.ok("kubectl get configmap last -n kept -o jsonpath='{.data}'")).toBe('{"a":"b"}');
    await lab.ok('kubectl wait --for=condition=Available deployment/web -n kept --timeout=30s');
    expect(await lab.ok('kubectl get pods -n kept --no-headers')).toMatch(/^web-\S+ +2\/2 +Running/);
    expect(
      await lab.ok(
        `kubectl get --raw '/api/v1/namespaces?watch=1&resourceVersion=${version}&timeoutSeconds=1'`,
      ),
    ).toContain('"code":410');
    for (const name of ['', 'objects.jsonl']) {
      expect(statSync(join(lab.folder, 'kept', name)).mode & 0o077).toBe(0);
    }
  });

  test('is one lab’s at a time', async () => {
    const other = await lab.padlock('lab', 'up', '--name', 'other', '--data', 'kept');
    expect(other.stderr).toContain('another lab');
    expect(other.code).toBe(2);
  });
});
