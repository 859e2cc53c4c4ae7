/** `padlock verify` on a lab's real proxies: what is proven, and every proxy that lies is caught and named. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withProbePods } from '../src/evidence/probe/probe-pods.ts';
import type { VerifyRow } from '../src/evidence/verify/row.ts';
import { type Verification, type VerifyOptions, verify } from '../src/evidence/verify/verify.ts';
import { faultAnnotation, faults, hideAnnotation } from '../src/lab/istiod/faults.ts';
import { asText, dig } from '../src/sources/json-value.ts';
import { type LabCluster, namespace, startLabCluster, workload } from './lab-cluster.ts';

let lab: LabCluster;
let verification: Verification;

const http = [{ name: 'http', port: 8000, target: 80 }];
const httpbin = 'kennethreitz/httpbin';

/** A workload whose pods carry annotations. */
function annotated(name: string, annotations: Readonly<Record<string, string>>): string {
  const list = Object.entries(annotations).map(([key, value]) => `${key}: "${value}"`);
  const labels = `labels: { app: ${name} } }`;
  return workload(name, 'shop', httpbin, http).replace(
    `    metadata: { ${labels}`,
    `    metadata: { annotations: { ${list.join(', ')} }, ${labels}`,
  );
}

const strict = `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: default, namespace: shop }
spec: { mtls: { mode: STRICT } }
---
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: { name: open-the-door, namespace: shop }
spec:
  workloadSelector: { labels: { app: ignores-policy } }
  configPatches:
  - { applyTo: FILTER_CHAIN, match: { context: SIDECAR_INBOUND }, patch: { operation: REMOVE } }
`;

beforeAll(async () => {
  lab = await startLabCluster();
  await lab.deploy(namespace('shop', true));
  const liars = faults.flatMap((fault) => [
    annotated(fault, { [faultAnnotation]: fault }),
    ...(fault === 'stale'
      ? []
      : [annotated(`hidden-${fault}`, { [faultAnnotation]: fault, [hideAnnotation]: 'true' })]),
  ]);
  const kinds = [
    { name: 'grpc-api', port: 9000, target: 9000 },
    { name: 'http2-web', port: 9001, target: 9001 },
    { name: 'tcp-raw', port: 9002, target: 9002 },
  ];
  await lab.deploy(
    [
      workload('good', 'shop', httpbin, http),
      workload('kinds', 'shop', 'example/server', kinds),
      workload('db', 'shop', 'mysql', [{ name: 'mysql', port: 3306, target: 3306 }]),
      annotated('excluded', { 'traffic.sidecar.istio.io/excludeInboundPorts': '80' }),
      annotated('private', { 'padlock.dev/probe': 'false' }),
      workload('client', 'shop', 'curlimages/curl'),
      ...liars,
    ].join(''),
  );
  await untilPodsAreOlder();
  await lab.deploy(strict);
  await lab.lab.istiod.whenSynced();
  verification = await proof({ proxyStatus: true });
}, 120_000);
afterAll(() => lab.close());

/** Times of the API are whole seconds: what is made within the pods' own second is no younger than they are. */
async function untilPodsAreOlder(): Promise<void> {
  const starts = lab.lab.api
    .list('pods', { namespace: 'shop' })
    .map(({ status }) => Date.parse(asText(dig(status, 'startTime')) ?? ''));
  expect(starts).not.toContain(Number.NaN);
  const youngest = Math.max(...starts);
  while (Date.now() < youngest + 1000) await new Promise((resolve) => setTimeout(resolve, 20));
}

let nonce = 0;
const effects = () => ({
  cluster: lab.cluster,
  now: () => Date.now(),
  sleep: (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds)),
  nonce: () => `t${++nonce}`,
});

async function proof(options: VerifyOptions): Promise<Verification> {
  return verify(await lab.mesh('shop'), { namespaces: ['shop'], ...options }, effects());
}

function row(name: string, port = 80): VerifyRow {
  const found = verification.rows.find((one) => one.workload === `Deployment/${name}` && one.port === port);
  if (found === undefined) throw new Error(`no row of ${name}:${port}`);
  return found;
}

test('what is as it should be is PROVEN, by every protocol', () => {
  for (const [name, port] of [
    ['good', 80],
    ['kinds', 9000],
    ['kinds', 9001],
    ['kinds', 9002],
    ['db', 3306],
  ] as const) {
    const { judgement, foreignTls } = row(name, port);
    expect(judgement, `${name}:${port}`).toMatchObject({ verdict: 'PROVEN', disagreements: [] });
    expect(foreignTls).toMatchObject([{ outcome: { kind: 'refused', shown: 'none' } }]);
  }
  expect(row('good').foreignTls[0]?.outcome).toMatchObject({
    served: ['spiffe://cluster.local/ns/shop/sa/default'],
  });
});

test('a port that no sidecar guards fails, and a pod that may not be probed is INCONCLUSIVE', () => {
  expect(row('excluded').judgement).toMatchObject({ verdict: 'FAILED' });
  expect(row('excluded').judgement.reason).toMatch(/plaintext was answered/);
  expect(row('private').judgement).toMatchObject({ verdict: 'INCONCLUSIVE' });
  expect(row('private').judgement.reason).toMatch(/padlock\.dev\/probe/);
  expect([...row('private').plaintext, ...row('private').foreignTls]).toEqual([]);
});

describe('proxies that lie', () => {
  const kindsOf = (name: string): readonly string[] =>
    row(name).judgement.disagreements.map(({ kind }) => kind);

  test.each([
    ['ignores-policy', /^plaintext was answered by ignores-policy-/],
    ['hidden-ignores-policy', /^plaintext was answered by hidden-ignores-policy-/],
    ['expired-certificate', /^expired-certificate-\S+: the certificate ended /],
    ['hidden-expired-certificate', /^hidden-\S+, in the TLS handshake: the certificate ended /],
    ['foreign-root', /^foreign-root-\S+: the chain does not lead to a root/],
    ['hidden-foreign-root', /^hidden-\S+, in the TLS handshake: the chain does not lead to a root/],
    ['wrong-identity', /^wrong-identity-\S+: the certificate says spiffe:\S+\/sa\/impostor/],
    ['hidden-wrong-identity', /^hidden-\S+, in the TLS handshake: the certificate says spiffe:\S+impostor/],
    ['stale', /^plaintext was answered by stale-/],
  ])('%s is FAILED, and named', (name, reason) => {
    const { judgement } = row(name);
    expect(judgement.verdict).toBe('FAILED');
    expect(judgement.reason).toMatch(reason);
    expect(judgement.next).toBeTruthy();
  });

  test('columns that contradict each other are findings of their own, with what explains them', () => {
    expect(kindsOf('ignores-policy')).toEqual([
      'declared-not-configured',
      'envoy-filter',
      'pod-older-than-policy',
      'declared-not-proven',
    ]);
    expect(kindsOf('hidden-ignores-policy')).toEqual(['declared-not-proven', 'configured-not-proven']);
    expect(kindsOf('hidden-expired-certificate')).toEqual(['certificate-not-served']);
    expect(kindsOf('stale')).toEqual(expect.arrayContaining(['proxy-stale', 'declared-not-configured']));
    const [filter] = row('ignores-policy').judgement.disagreements.filter(
      ({ kind }) => kind === 'envoy-filter',
    );
    expect(filter?.message).toMatch(/^EnvoyFilter shop\/open-the-door changes the inbound listener/);
    expect(row('good').circumstances.envoyFilters).toEqual([]);
  });

  test('mutual TLS with them fails at the client, as it must', () => {
    for (const name of ['hidden-expired-certificate', 'hidden-foreign-root', 'hidden-wrong-identity']) {
      expect(row(name).mutualTls?.outcome, name).toMatchObject({ kind: 'tls-failed' });
    }
  });
});

test('everywhere: namespaces that are not in the mesh are left out, and named', async () => {
  const everywhere = await verify(await lab.mesh(), { workload: 'good' }, effects());
  expect(everywhere.rows.map((one) => `${one.namespace}/${one.workload}`)).toEqual(['shop/Deployment/good']);
  expect(everywhere.limits.join('\n')).toMatch(/not verified: .*istio-system/);
});

test('probe pods try a self-signed certificate too, and leave nothing behind', async () => {
  const mesh = await lab.mesh('shop');
  const image = 'curlimages/curl:8.16.0';
  const proven = await withProbePods(mesh, { namespaces: ['shop'], image }, effects(), (probes) =>
    verify(mesh, { namespaces: ['shop'], workload: 'good', probes }, effects()),
  );
  const [only] = proven.rows;
  expect(only?.judgement).toMatchObject({ verdict: 'PROVEN' });
  expect(only?.foreignTls.map(({ outcome }) => outcome)).toMatchObject([
    { kind: 'refused', shown: 'none' },
    { kind: 'refused', shown: 'self-signed' },
  ]);
  expect(only?.mutualTls?.caller).toMatch(/padlock-probe-client-/);
  expect(lab.lab.api.list('jobs.batch', { namespace: 'shop' })).toEqual([]);
});
