import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { ensureBuilt, padlock, type Result } from './built.ts';
import { type Answers, type FakeApi, kubeconfig, list, namespace, startFakeApi } from './fake-api.ts';

const folder = mkdtempSync(join(tmpdir(), 'padlock-cli-'));
let api: FakeApi | undefined;

beforeAll(ensureBuilt, 120_000);
afterEach(async () => {
  await api?.close();
  api = undefined;
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

/** Runs against an API server that answers as told. */
async function against(answers: Answers, ...args: readonly string[]): Promise<Result> {
  api = await startFakeApi(answers);
  return padlock(args, { cwd: folder, env: { KUBECONFIG: file('kubeconfig', kubeconfig(api.url)) } });
}

/** Every mistake is told the same way: one `error:` sentence, a hint, no stack trace, no secret, nothing on stdout. */
function expectMistake(result: Result, code: number, sentence: RegExp): void {
  expect(result.stderr).toMatch(sentence);
  expect(result.stderr).toMatch(/^error: /m);
  expect(result.stderr).toMatch(/^hint: /m);
  expect(result.stderr).not.toMatch(/\n\s+at |node:internal|secret-token/);
  expect(result.stderr.match(/^error: /gm)).toHaveLength(1);
  expect(result.stdout).toBe('');
  expect(result.code).toBe(code);
}

const withoutIstio: Answers = {
  '/apis': { body: { kind: 'APIGroupList', groups: [] } },
  '/api/v1/namespaces': list('Namespace', [namespace('shop')]),
  '/api/v1/pods': list('Pod', []),
};

test('an unknown command is told with what may have been meant', async () => {
  expectMistake(await padlock(['postrue']), 2, /unknown command "postrue"; did you mean `posture`/);
});

test('an unknown flag is told with what may have been meant', async () => {
  expectMistake(
    await padlock(['posture', '--namespce', 'shop']),
    2,
    /unknown flag --namespce; did you mean --namespace/,
  );
});

test('flags of kubectl that Padlock has not are told with the way it goes; flags before the command too', async () => {
  expectMistake(await padlock(['posture', '--token=x']), 2, /unknown flag --token\nhint: others can read it/);
  expectMistake(await padlock(['posture', '--server', 'x']), 2, /hint: that is the kubeconfig’s part/);
  expectMistake(
    await padlock(['--context', 'x', 'posture']),
    2,
    /--context comes before the command\nhint: the command comes first/,
  );
});

test('a flag without its value, and a word that is none of a flag’s', async () => {
  expectMistake(await padlock(['posture', '-n']), 2, /--namespace needs a value/);
  expectMistake(await padlock(['posture', '-o', 'xml']), 2, /"xml" is none of table, json, yaml/);
});

test('a port and a duration that are none', async () => {
  expectMistake(await padlock(['posture', '--port', '70000']), 2, /"70000" is not a port/);
  expectMistake(await padlock(['posture', '--request-timeout', 'soon']), 2, /"soon" is not a duration/);
});

test('a namespace that is missing on the command line', async () => {
  expectMistake(await padlock(['secure']), 2, /NAMESPACE is missing/);
});

test('a file that is not there', async () => {
  expectMistake(await padlock(['posture', '-f', join(folder, 'nowhere.yaml')]), 2, /nowhere\.yaml/);
});

test('a file that may not be read', async (context) => {
  context.skip(process.getuid?.() === 0, 'root may read everything');
  const path = file('closed.yaml', 'kind: Pod');
  chmodSync(path, 0);
  expectMistake(await padlock(['posture', '-f', path]), 2, /closed\.yaml/);
});

test('malformed YAML is told with file, line, column and the line itself', async () => {
  const path = file('bad.yaml', 'apiVersion: v1\nkind: Pod\nmetadata:\n  name: [a\n');
  const result = await padlock(['posture', '-f', path]);
  expectMistake(result, 2, /bad\.yaml:\d+:\d+: /);
  expect(result.stderr).toMatch(/ \| .*\n +\^/);
});

test('malformed YAML on standard input', async () => {
  expectMistake(await padlock(['posture', '-f', '-'], { stdin: 'a: [b' }), 2, /-:1:\d+: /);
});

test('files and a cluster’s flags do not mix', async () => {
  const path = file('ok.yaml', 'apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n');
  expectMistake(await padlock(['posture', '-f', path, '--context', 'x']), 2, /-f reads files/);
});

test('no kubeconfig, so no cluster', async () => {
  expectMistake(await padlock(['posture', '-n', 'shop'], { cwd: folder }), 2, /no kubeconfig/);
});

test('a kubeconfig that is named and not there, and one that is no YAML', async () => {
  expectMistake(await padlock(['posture', '--kubeconfig', join(folder, 'none')]), 2, /none/);
  const broken = file('broken-kubeconfig', 'contexts: [');
  expectMistake(await padlock(['posture', '--kubeconfig', broken]), 2, /broken-kubeconfig:\d+:\d+: /);
});

test('an unknown context, with those that are known', async () => {
  const result = await against({}, 'posture', '--context', 'prod');
  expectMistake(result, 2, /no context "prod"/);
  expect(result.stderr).toMatch(/known contexts: fake/);
});

test('a cluster that is not there', async () => {
  const gone = await startFakeApi({});
  await gone.close();
  const env = { KUBECONFIG: file('gone', kubeconfig(gone.url)) };
  for (const args of [
    ['posture', '-n', 'shop'],
    ['secure', 'shop', '--yes'],
  ]) {
    expectMistake(
      await padlock(args, { cwd: folder, env }),
      2,
      /cannot reach the API server at 127\.0\.0\.1/,
    );
  }
});

test('a cluster that does not answer in time', async () => {
  const result = await against(
    { '/api/v1/namespaces': 'hang', '/apis': 'hang' },
    'posture',
    '-n',
    'shop',
    '--request-timeout',
    '300ms',
  );
  expectMistake(result, 2, /did not answer within 0\.3 s/);
});

test('a cluster without Istio', async () => {
  for (const args of [
    ['posture', '-n', 'shop'],
    ['secure', 'shop', '--yes'],
  ]) {
    const result = await against(withoutIstio, ...args);
    await api?.close();
    expectMistake(result, 2, /Istio is not installed in context fake/);
  }
});

test('a namespace that does not exist, with those that do', async () => {
  const result = await against(withoutIstio, 'secure', 'shpo', '--yes');
  expectMistake(result, 2, /there is no namespace "shpo"/);
  expect(result.stderr).toMatch(/did you mean shop\?/);
});

test('what RBAC forbids, with the rule that would allow it', async () => {
  const message =
    'pods is forbidden: User "eve" cannot list resource "pods" in API group "" at the cluster scope';
  const forbidden = { status: 403, body: { kind: 'Status', code: 403, reason: 'Forbidden', message } };
  const answers = { ...withoutIstio, '/api/v1/pods': forbidden, '/api/v1/namespaces/shop/pods': forbidden };
  const istio = {
    '/apis': {
      body: { groups: [{ name: 'security.istio.io', versions: [{ groupVersion: 'security.istio.io/v1' }] }] },
    },
    '/apis/security.istio.io/v1': {
      body: { resources: [{ name: 'peerauthentications', kind: 'PeerAuthentication', namespaced: true }] },
    },
  };
  const result = await against({ ...answers, ...istio }, 'posture', '-n', 'shop');
  expectMistake(result, 2, /not allowed to list pods in namespace shop as eve/);
  expect(result.stderr).toMatch(/resources: \["pods"\], verbs: \["list"\]/);
});

test('a login that the API server does not accept', async () => {
  const unauthorized = { status: 401, body: { kind: 'Status', code: 401, message: 'Unauthorized' } };
  const answers = { '/api/v1/namespaces': unauthorized, '/apis': unauthorized };
  expectMistake(await against(answers, 'posture', '-n', 'shop'), 2, /does not accept the login/);
});

test('a change of the cluster that nobody is there to agree to', async () => {
  const result = await against(
    { '/api/v1/namespaces/shop/configmaps/padlock-rollout': { status: 404, body: {} } },
    'secure',
    'shop',
    '--abort',
  );
  expectMistake(result, 2, /no rollout of shop to take back/);
});

test('Ctrl-C while a cluster is read ends at once with 130', async () => {
  api = await startFakeApi({ '/apis': 'hang', '/api/v1/namespaces': 'hang' });
  const env = { KUBECONFIG: file('kubeconfig', kubeconfig(api.url)), PADLOCK_DEBUG: '' };
  const running = padlock(['posture', '-n', 'shop'], {
    cwd: folder,
    env,
    interruptWhen: () => (api?.requests.length ?? 0) > 0,
  });
  const result = await running;
  expect(result.code).toBe(130);
  expect(result.stderr).toBe('interrupted\n');
});
