/** `padlock plan --shadow` on a lab: what it counts, and that its policy goes whatever happens. */

import { hostname } from 'node:os';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PlanFlags } from '../src/cli/commands/plan.route.ts';
import plan from '../src/cli/commands/plan.ts';
import type { Context } from '../src/cli/context.ts';
import { type RecordedContext, recordedContext } from '../src/cli/testing/recorded-context.ts';
import { eventually } from '../src/lab/testing/wait.ts';
import { rehearsalName, rehearsalPolicy } from '../src/plan/rehearsal/policy.ts';
import { type LabCluster, namespace, startLabCluster, workload } from './lab-cluster.ts';

let lab: LabCluster;
const policies = 'authorizationpolicies.security.istio.io';

beforeAll(async () => {
  lab = await startLabCluster();
  await lab.deploy(namespace('shop', true) + namespace('legacy', false));
  await lab.deploy(
    workload('web', 'shop', 'kennethreitz/httpbin', [{ name: 'http', port: 8000, target: 80 }]) +
      workload('db', 'shop', 'example/db', [{ name: 'tcp', port: 7000, target: 7000 }]) +
      workload('client', 'shop', 'curlimages/curl') +
      workload('batch', 'legacy', 'curlimages/curl'),
  );
});
afterAll(() => lab.close());

const flags: PlanFlags = {
  window: 1000,
  lookBack: 0,
  traffic: true,
  owner: 'team-a',
  output: 'json',
  shadow: true,
};

/** A context whose window lasts as long as `during` takes. */
function context(during: () => Promise<unknown>, signal?: AbortSignal): RecordedContext & Context {
  const base = recordedContext(lab.cluster, new Date().toISOString());
  let began = false;
  const clock = {
    now: () => Date.now(),
    sleep: async (milliseconds: number): Promise<void> => {
      // The window begins with a long sleep; waiting for proxies is done in short ones.
      if (began || milliseconds < 900) return new Promise((resolve) => setTimeout(resolve, milliseconds));
      began = true;
      await during();
      signal?.throwIfAborted();
    },
  };
  return { ...base, clock, ...(signal === undefined ? {} : { signal }) };
}

const curl = (from: string, app: string, url: string): Promise<string> =>
  lab.run(from, app, 'curl', '-sS', '--http0.9', '-o', '/dev/null', '-m', '5', url);
const rehearsal = (): unknown => lab.lab.api.get(policies, 'shop', rehearsalName);

test('the dry run counts by port what STRICT would refuse, refuses nothing, and is gone afterwards', async () => {
  let inPlace: unknown;
  const run = context(async () => {
    inPlace = rehearsal();
    await curl('shop', 'client', 'http://web.shop:8000/get');
    await curl('shop', 'client', 'http://web.shop:8000/get');
    await curl('legacy', 'batch', 'http://web.shop:8000/get');
    await curl('legacy', 'batch', 'http://db.shop:7000/');
  });
  await plan.call(run, flags, 'shop');
  expect(inPlace).toMatchObject({ metadata: { annotations: { 'istio.io/dry-run': 'true' } } });
  expect(rehearsal()).toBeUndefined();
  const answer = JSON.parse(run.written.out) as {
    readonly observation: { readonly ports: readonly Readonly<Record<string, unknown>>[] };
    readonly senders: readonly unknown[];
  };
  const counted = answer.observation.ports.map((row) => [
    row.workload,
    row.port,
    (row.tallies as readonly Record<string, unknown>[])
      .filter(({ source }) => source === 'dry run')
      .map(({ mtls, plaintext }) => [mtls, plaintext])[0],
  ]);
  const none = { requests: 0, connections: 0, open: 0 };
  expect(counted).toEqual([
    ['Deployment/db', 7000, [none, none]],
    // Envoy counts a dry run of TCP for all ports together.
    ['Deployment/db', undefined, [none, { ...none, connections: 1 }]],
    [
      'Deployment/web',
      80,
      [
        { ...none, requests: 2 },
        { ...none, requests: 1 },
      ],
    ],
  ]);
  expect(answer.senders).toMatchObject([
    { to: { workload: 'Deployment shop/db', port: 7000 }, name: 'Deployment batch' },
    { to: { workload: 'Deployment shop/web', port: 80 }, name: 'Deployment batch' },
  ]);
});

test('Ctrl-C takes the dry run away', async () => {
  const stop = new AbortController();
  const run = context(async () => {
    expect(rehearsal()).toBeDefined();
    stop.abort(new Error('interrupted'));
  }, stop.signal);
  await expect(plan.call(run, flags, 'shop')).rejects.toMatchObject({ code: 'INTERRUPTED' });
  expect(rehearsal()).toBeUndefined();
});

test('what a killed run left is removed by the next run, and a living run’s is not', async () => {
  const gone = rehearsalPolicy('shop', { host: hostname(), pid: 2 ** 30 }, Date.now() + 3_600_000);
  lab.lab.api.create(policies, gone, 'padlock');
  const first = context(async () => undefined);
  await plan.call(first, { ...flags, shadow: false }, 'shop');
  expect(first.written.err).toMatch(/^removed the dry run that a run on /);
  expect(rehearsal()).toBeUndefined();

  const living = rehearsalPolicy('shop', { host: 'another-machine', pid: 1 }, Date.now() + 3_600_000);
  lab.lab.api.create(policies, living, 'padlock');
  await expect(
    plan.call(
      context(async () => undefined),
      flags,
      'shop',
    ),
  ).rejects.toThrow(/rehearses STRICT/);
  expect(rehearsal()).toBeDefined();
  lab.lab.api.delete(policies, 'shop', rehearsalName);
  await eventually(lab.lab.api, [policies], () => rehearsal() === undefined);
});

test('a dry run of somebody else’s would be counted with it: refused', async () => {
  const other = rehearsalPolicy('shop', { host: 'x', pid: 1 }, Date.now());
  const named = { ...other, metadata: { ...other.metadata, name: 'try-out' } };
  lab.lab.api.create(policies, named, 'somebody');
  await expect(
    plan.call(
      context(async () => undefined),
      flags,
      'shop',
    ),
  ).rejects.toThrow(/try-out is a dry run/);
  lab.lab.api.delete(policies, 'shop', 'try-out');
  expect(rehearsal()).toBeUndefined();
});
