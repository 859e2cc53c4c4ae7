/** `padlock posture` and `verify` against what real connections show, policy by policy. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Estate, startEstate } from './estate.ts';
import { policyObjects } from './policies.ts';
import { padlock } from './run-padlock.ts';
import { scenarios } from './scenarios.ts';

interface InboundRow {
  /** `NAMESPACE/NAME` */
  readonly pod: string;
  readonly port: number;
  readonly mtls: boolean;
  readonly plaintext: boolean;
}

interface EdgeRow {
  readonly client: string;
  readonly host: string;
  readonly port: number;
  readonly outcome: string;
}

let estate: Estate;

beforeAll(async () => {
  estate = await startEstate();
});
afterAll(() => estate.clear());

const callers = [
  ['shop', 'web'],
  ['other', 'partner'],
  ['legacy', 'batch'],
] as const;
const called = [
  ['orders.shop.svc.cluster.local', 80],
  ['ledger.shop.svc.cluster.local', 8080],
  ['bare.shop.svc.cluster.local', 80],
  ['hole.shop.svc.cluster.local', 80],
  ['hole.shop.svc.cluster.local', 8081],
] as const;
/** A server that speaks first answers whoever connects, so that a probe that speaks HTTP tells nothing. */
const speaksFirst = 3306;

async function posture(): Promise<{
  readonly inbound: readonly InboundRow[];
  readonly edges: readonly EdgeRow[];
}> {
  const { stdout, stderr, code } = await padlock(estate.kubeconfig, 'posture', '-n', 'shop', '-o', 'json');
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout);
}

function addressOf(pod: string): string {
  const found = estate.pods().find(({ metadata }) => `${metadata.namespace}/${metadata.name}` === pod);
  return found?.status?.podIP ?? '';
}

/** One line for each thing said, and the same lines as they are. */
async function saidAndTrue(): Promise<readonly [readonly string[], readonly string[]]> {
  const { inbound, edges } = await posture();
  const rows = inbound.filter(({ port }) => port !== speaksFirst);
  const ports = await estate.truth.ports(rows.map(({ pod, port }) => ({ ip: addressOf(pod), port })));
  const said = rows.map(({ pod, port, plaintext, mtls }) => `${pod}:${port} ${lineOf({ plaintext, mtls })}`);
  const real = rows.map(({ pod, port }, index) => `${pod}:${port} ${lineOf(ports[index])}`);
  for (const [namespace, app] of callers) {
    const { name } = estate.pod(namespace, app).metadata;
    await Promise.all(
      called.map(async ([host, port]) => {
        const outcome = await estate.truth.call({ namespace, pod: name }, host, port);
        const key = `${namespace}/${app} -> ${host}:${port}`;
        for (const edge of edges) {
          if (edge.client !== `${namespace}/${name}` || edge.host !== host || edge.port !== port) continue;
          said.push(`${key} ${edge.outcome}`);
          real.push(`${key} ${outcome}`);
        }
      }),
    );
  }
  return [said.toSorted(), real.toSorted()];
}

function lineOf(port: { readonly plaintext: boolean; readonly mtls: boolean } | undefined): string {
  return `plaintext ${port?.plaintext} mtls ${port?.mtls}`;
}

test.each(scenarios)('$name', async ({ policies, rules }) => {
  await estate.clear();
  // One by one: their ages decide.
  for (const object of policyObjects(policies, rules)) await estate.apply(object);
  // Proxies take a change up within a second or two; clients last.
  await expect
    .poll(
      async () => {
        const [said, real] = await saidAndTrue();
        return said.length >= 20 && JSON.stringify(said) === JSON.stringify(real) ? 'agreed' : { said, real };
      },
      { timeout: 20_000, interval: 500 },
    )
    .toBe('agreed');
});

test.each(['STRICT', 'PERMISSIVE', 'DISABLE'])('verify under %s says what connections show', async (mode) => {
  await estate.clear();
  await estate.apply(...policyObjects({ 'shop/default': { mtls: { mode } } }));
  await expect
    .poll(
      async () => {
        const { stdout } = await padlock(estate.kubeconfig, 'verify', '-n', 'shop', '-o', 'json');
        const { rows } = JSON.parse(stdout) as {
          readonly rows: readonly {
            readonly workload: string;
            readonly port: number;
            readonly verdict: string;
          }[];
        };
        return rows.map(({ workload, port, verdict }) => `${workload}:${port} ${verdict}`).toSorted();
      },
      { timeout: 60_000, interval: 500 },
    )
    .toEqual([
      'Deployment/bare:8080 FAILED',
      `Deployment/hole:8080 ${mode === 'STRICT' ? 'PROVEN' : 'FAILED'}`,
      'Deployment/hole:8081 FAILED',
      ...[3306, 8080, 9000].map(
        (port) => `Deployment/orders:${port} ${mode === 'STRICT' ? 'PROVEN' : 'FAILED'}`,
      ),
      `StatefulSet/ledger:8080 ${mode === 'STRICT' ? 'PROVEN' : 'FAILED'}`,
    ]);
});
