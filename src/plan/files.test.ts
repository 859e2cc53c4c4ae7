/** The files of a plan, applied: exactly the ports of the exceptions stay open, and the rollback brings back what was. */
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import type { KubeObject } from '../istio/kubernetes.ts';
import { meshOf } from '../mesh/findings/testing/manifests.ts';
import { inbound } from '../mesh/inbound.ts';
import type { Mesh } from '../mesh/mesh.ts';
import { withChange } from '../mesh/what-if.ts';
import { type PlanFile, planFiles } from './files.ts';
import { planNamespace } from './namespace-plan.ts';
import { strictTarget } from './target.ts';
import { server, service, shopNamespace } from './testing/shop.ts';

const exposed = (name: string, port: number): string =>
  service(name, `{ name: http, port: 80, targetPort: ${port} }`, 'spec: type: LoadBalancer');

function files(mesh: Mesh): readonly PlanFile[] {
  const target = strictTarget(mesh, 'shop');
  const plan = planNamespace({
    context: 'c\nkind: Pod',
    namespace: 'shop',
    at: '2026-11-24T00:00:00Z',
    mesh,
    target,
    observation: undefined,
    terms: { owner: 'team', until: '2027-01-01' },
  });
  return planFiles(plan, target);
}

/** What `kubectl apply -k` would send. */
function kustomized(all: readonly PlanFile[], folder: string): readonly KubeObject[] {
  const text = (path: string): string => all.find((file) => file.path === path)?.text ?? '';
  const { resources } = parse(text(`${folder}kustomization.yaml`)) as { resources: readonly string[] };
  return resources.map((path) => parse(text(`${folder}${path}`)) as KubeObject);
}

function open(mesh: Mesh, ...ports: readonly number[]): readonly string[] {
  return mesh.workloads.flatMap((workload) =>
    ports.filter((port) => inbound(mesh, workload, port).plaintext).map((port) => `${workload.name}:${port}`),
  );
}

const policy = (name: string, spec: string, age: number): string => `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: ${name}, namespace: shop, creationTimestamp: "2026-01-0${age}T00:00:00Z" }
spec: ${spec}
---`;

test.each([
  ['no policy', '', ['web:8080']],
  ['an older policy of another name', policy('mine', '{ mtls: { mode: PERMISSIVE } }', 1), ['web:8080']],
  [
    'a policy of the workload, which is extended and not doubled',
    policy(
      'web',
      '{ selector: { matchLabels: { app: web } }, portLevelMtls: { "9090": { mode: PERMISSIVE } } }',
      2,
    ),
    ['web:8080', 'web:9090'],
  ],
])('%s', (_name, policies, expected) => {
  const mesh = meshOf(
    shopNamespace +
      server({ name: 'web', ports: [8080, 9090] }) +
      exposed('web', 8080) +
      server({ name: 'cart', ports: [8080] }) +
      policies,
  );
  const before = open(mesh, 8080, 9090);
  const all = files(mesh);
  const applied = withChange(mesh, { apply: kustomized(all, '') });
  expect(open(applied, 8080, 9090)).toEqual(expected);
  const back = withChange(applied, { apply: kustomized(all, 'rollback/') });
  expect(open(back, 8080, 9090)).toEqual(before);
  // A name with a line break stays inside its comment.
  expect(all[0]?.text).toMatch(/^# .*c kind: Pod/m);
});

test('a selector is narrowed until it selects nothing else', () => {
  const twin = server({ name: 'web', labels: ', tier: front' });
  const other = server({ name: 'web-admin', labels: '' }).replaceAll('app: web-admin', 'app: web');
  const mesh = meshOf(shopNamespace + twin + exposed('web', 8080) + other);
  const exception = kustomized(files(mesh), '').find(({ metadata }) => metadata.name === 'web-plaintext');
  expect(exception).toMatchObject({ spec: { selector: { matchLabels: { app: 'web', tier: 'front' } } } });
});
