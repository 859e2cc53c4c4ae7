/**
 * Each capability on a real API server as a service account that holds what `padlock rbac` prints for it and nothing
 * else; and with one right less, which is then named.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Capability, capabilities } from '../../src/sources/rights.ts';
import { ensureBuilt, padlock, type Result, type RunOptions } from '../built.ts';
import { client, namespaceObject, policy, servers, shop } from '../lab/rollout-scene.ts';
import { type RealMesh, startRealMesh } from './real-mesh.ts';

let mesh: RealMesh;
const folder = mkdtempSync(join(tmpdir(), 'padlock-rights-'));

/** It plays the nodes: not on a cluster that has its own. */
const isOwn = process.env.PADLOCK_TEST_KUBECONFIG === undefined;

beforeAll(async () => {
  if (!isOwn) return;
  [mesh] = await Promise.all([startRealMesh({ drainSeconds: 1 }), ensureBuilt()]);
  await mesh.deploy(
    namespaceObject(shop, true),
    namespaceObject('robots', false),
    ...servers(shop),
    client('sleep', shop),
  );
  await setMode('STRICT');
});

afterAll(async () => {
  await mesh?.close();
  rmSync(folder, { recursive: true, force: true });
  expect(mesh?.problems ?? []).toEqual([]);
});

async function setMode(mode: string): Promise<void> {
  await mesh.kubectl(['apply', '-f', '-'], JSON.stringify(policy(shop, mode)));
}

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

interface RbacObject {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly rules?: readonly Rule[];
}

/** A service account with a real token, and the kubeconfig that has no other way in. */
async function robotWith(
  capability: Capability,
): Promise<{ readonly kubeconfig: string; readonly objects: readonly RbacObject[] }> {
  const name = `only-${capability}`;
  await mesh.kubectl(['create', 'serviceaccount', '-n', 'robots', name]);
  const printed = await padlock(
    ['rbac', shop, '--for', capability, '--service-account', `robots:${name}`, '-o', 'json'],
    { cwd: folder },
  );
  const list: { items: RbacObject[] } = JSON.parse(
    printed.stdout.replaceAll(/"name": "padlock/g, `"name": "${name}`),
  );
  await mesh.kubectl(['apply', '-f', '-'], JSON.stringify({ ...list, items: list.items }));
  const token = (await mesh.kubectl(['create', 'token', '-n', 'robots', name])).trim();
  const config = JSON.parse(await mesh.kubectl(['config', 'view', '--raw', '-o', 'json']));
  const kubeconfig = join(folder, name);
  writeFileSync(kubeconfig, JSON.stringify({ ...config, users: [{ name: 'admin', user: { token } }] }), {
    mode: 0o600,
  });
  return { kubeconfig, objects: list.items };
}

/** What shows that it works, for a namespace at STRICT. */
interface Use {
  readonly args: readonly string[];
  readonly code: number;
  readonly says: RegExp;
  /** Ends commands that go on until they are told to. */
  readonly until?: RegExp;
}

const uses: Readonly<Record<Capability, Use>> = {
  posture: { args: ['posture', '-n', shop], code: 0, says: /Deployment\/web +80 +STRICT/ },
  configured: {
    args: ['verify', shop],
    code: 3,
    says: /web +80 +STRICT +STRICT[\s\S]*missing: get\s+pods\/proxy/,
  },
  certs: { args: ['certs', shop], code: 0, says: /web-\S+ +default +EC P-256/ },
  verify: { args: ['verify', shop], code: 0, says: /shop: PROVEN \(2 PROVEN\)/ },
  'proxy-status': {
    args: ['verify', shop],
    code: 0,
    says: /^(?![\s\S]*istiod was not asked)[\s\S]*shop: PROVEN/,
  },
  'probe-pods': { args: ['verify', shop, '--probe-pods'], code: 0, says: /shop: PROVEN \(2 PROVEN\)/ },
  plan: {
    args: ['plan', shop, '--window', '1s'],
    code: 3,
    says: /nobody was found whom STRICT for namespace shop would refuse/,
  },
  'plan-shadow': {
    args: ['plan', shop, '--window', '1s', '--shadow'],
    code: 3,
    says: /dry run: \d+ s.*; 4 of 4 proxies had loaded it/,
  },
  secure: { args: ['secure', shop, '--server-dry-run', '--yes'], code: 0, says: /it kept nothing:/ },
  watch: { args: ['watch', shop], code: 130, says: /Watching: 2 ports/, until: /Watching: / },
  guard: { args: ['guard', 'install', shop], code: 0, says: /The guard of namespace shop is in place/ },
  authz: { args: ['authz', 'suggest', shop], code: 3, says: /nobody was seen calling/ },
  dashboard: {
    args: ['dashboard', '-n', shop, '--no-open'],
    code: 0,
    says: /Dashboard of context/,
    until: /token=/,
  },
};

function use(kubeconfig: string, { args, until }: Use): Promise<Result> {
  const options: RunOptions = until === undefined ? {} : { interruptWhen: (output) => until.test(output) };
  return padlock([...args, '--kubeconfig', kubeconfig], { cwd: folder, ...options });
}

/** Robots by capability: what they are given is applied once. */
const robots = new Map<Capability, ReturnType<typeof robotWith>>();

function robot(capability: Capability): ReturnType<typeof robotWith> {
  const known = robots.get(capability) ?? robotWith(capability);
  robots.set(capability, known);
  return known;
}

describe.skipIf(!isOwn)('with the rights that padlock rbac prints', () => {
  test.each(capabilities)('%s', async (capability) => {
    const { kubeconfig } = await robot(capability);
    const { code, stdout, stderr } = await use(kubeconfig, uses[capability]);
    expect(stdout + stderr).toMatch(uses[capability].says);
    expect(stderr).not.toMatch(/trying again/);
    expect(code, stdout + stderr).toBe(uses[capability].code);
    if (capability === 'guard') await mesh.kubectl(['delete', 'validatingadmissionpolicy', '--all']);
  });

  test('nothing is ever written outside the namespace, but for guard, which is of the whole cluster', async () => {
    const writing = /create|patch|update|delete/;
    for (const capability of capabilities.filter((one) => one !== 'guard')) {
      for (const { metadata, rules = [] } of (await robot(capability)).objects) {
        const written = rules.filter(
          ({ resources, verbs }) =>
            verbs.some((verb) => writing.test(verb)) && !/portforward|exec/.test(resources.join()),
        );
        if (metadata.namespace !== shop)
          expect(written, `${capability} in ${metadata.namespace}`).toEqual([]);
      }
    }
  });
});

describe.skipIf(!isOwn)('a whole rollout with the rights of secure alone', () => {
  test('from PERMISSIVE to proven STRICT, and back', async () => {
    const { kubeconfig } = await robot('secure');
    await setMode('PERMISSIVE');
    const as = (...args: readonly string[]): Promise<Result> =>
      padlock([...args, '--kubeconfig', kubeconfig], { cwd: folder, env: { USER: 'robot' } });
    const done = await as('secure', shop, '--yes', '--observe', '0');
    expect(done.code, done.stdout + done.stderr).toBe(0);
    expect(done.stdout).toContain('Done. Namespace shop is STRICT, and that is proven.');
    const back = await as('rollout', 'abort', shop, '--yes');
    expect(back.code, back.stdout + back.stderr).toBe(0);
    const mode = ['get', 'pa', '-n', shop, 'default', '-o', 'jsonpath={.spec.mtls.mode}'];
    expect(await mesh.kubectl(mode)).toBe('PERMISSIVE');
    await setMode('STRICT');
  });
});

/** A right that is taken away, and how the command says so. */
const missing: readonly (readonly [Capability, string, string, number, RegExp])[] = [
  ['posture', 'list', 'pods', 2, /not allowed to list pods in namespace shop/],
  ['posture', 'list', 'services', 0, /not allowed to list services in namespace shop/],
  ['posture', 'list', 'peerauthentications', 0, /Deployment\/web 80 \? \? policies could not be read/],
  ['certs', 'create', 'pods/portforward', 3, /missing: create pods\/portforward/],
  ['verify', 'create', 'pods/exec', 3, /mutual TLS was not tried: not allowed/],
  ['proxy-status', 'create', 'pods/portforward', 0, /istiod was not asked .* \(not allowed to look/],
  ['probe-pods', 'create', 'jobs', 2, /not allowed to create jobs.batch in namespace shop/],
  ['plan', 'get', 'pods/log', 3, /\[missing right: get pods\/log\]/],
  ['plan-shadow', 'create', 'authorizationpolicies', 2, /not allowed to create authorizationpolicies/],
  ['secure', 'update', 'leases', 1, /you may not update leases.coordination.k8s.io in shop/],
  ['secure', 'create', 'configmaps', 1, /you may not create configmaps in shop/],
  ['secure', 'create', 'pods/exec', 1, /you may not create pods\/exec in shop/],
  ['secure', 'patch', 'peerauthentications', 1, /cannot patch resource "peerauthentications"/],
  ['watch', 'watch', 'peerauthentications', 130, /not allowed to watch peerauthentications/],
  ['guard', 'patch', 'validatingadmissionpolicies', 2, /cannot apply ValidatingAdmissionPolicy/],
  ['authz', 'get', 'pods/log', 3, /not allowed to get pods\/log/],
];

describe.skipIf(!isOwn)('with one right less', () => {
  test.each(missing)('%s without %s %s', async (capability, verb, resource, code, sentence) => {
    const { kubeconfig, objects } = await robot(capability);
    const apply = (items: readonly RbacObject[]): Promise<string> =>
      mesh.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
    const less = objects.map((object) => without(object, verb, resource));
    expect(less).not.toEqual(objects);
    await apply(less);
    try {
      // The API server hears of its own objects by watches, too.
      await expect.poll(() => can(kubeconfig, verb, resource), { timeout: 20_000 }).toBe(false);
      const { until, ...asked } = uses[capability];
      const found = await use(kubeconfig, { ...asked, ...(until === undefined ? {} : { until: sentence }) });
      const said = (found.stdout + found.stderr).replaceAll(/\s+/g, ' ');
      expect(said).toMatch(sentence);
      expect(found.code, said).toBe(code);
    } finally {
      await apply(objects);
      await expect.poll(() => can(kubeconfig, verb, resource), { timeout: 20_000 }).toBe(true);
    }
  });
});

function without(object: RbacObject, verb: string, resource: string): RbacObject {
  if (object.rules === undefined) return object;
  const rules = object.rules.flatMap((rule) => {
    if (!rule.resources.includes(resource) || !rule.verbs.includes(verb)) return [rule];
    const others = rule.resources.filter((one) => one !== resource);
    const verbs = rule.verbs.filter((one) => one !== verb);
    return [
      ...(others.length === 0 ? [] : [{ ...rule, resources: others }]),
      ...(verbs.length === 0 ? [] : [{ ...rule, resources: [resource], verbs }]),
    ];
  });
  return { ...object, rules };
}

/** Whether the robot has it, in the namespace or in the whole cluster. */
async function can(kubeconfig: string, verb: string, resource: string): Promise<boolean> {
  const user = kubeconfig.split('/').at(-1) ?? '';
  const [plural = '', subresource = ''] = resource.split('/');
  const args = ['auth', 'can-i', verb, plural, `--subresource=${subresource}`, '-n', shop];
  return mesh.kubectl([...args, `--as=system:serviceaccount:robots:${user}`]).then(
    (answer) => answer.trim() === 'yes',
    () => false,
  );
}
