import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { PadlockError } from '../../errors.ts';
import { chooseContext, mergeKubeconfigs, parseKubeconfig } from './kubeconfig.ts';
import { inClusterKubeconfig, readKubeconfig } from './kubeconfig-files.ts';
import { proxyFor } from './proxy.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'padlock-test-'));
});
afterEach(() => rm(folder, { recursive: true }));

function failure(run: () => unknown): PadlockError {
  try {
    run();
  } catch (error) {
    if (error instanceof PadlockError) return error;
    throw error;
  }
  throw new Error('expected a PadlockError');
}

test('relative paths are relative to the file that names them', () => {
  const config = parseKubeconfig(
    `clusters: [{ name: c, cluster: { server: https://a, certificate-authority: ca.pem } }]
users:
- name: u
  user: { client-key: /abs/key.pem, exec: { command: ./bin/login } }
- { name: plain, user: { exec: { command: aws } } }`,
    '/home/me/.kube/config',
  );
  expect(config.clusters.get('c')).toMatchObject({ 'certificate-authority': '/home/me/.kube/ca.pem' });
  expect(config.users.get('u')).toMatchObject({
    'client-key': '/abs/key.pem',
    exec: { command: '/home/me/.kube/bin/login' },
  });
  expect(config.users.get('plain')).toMatchObject({ exec: { command: 'aws' } });
});

test('of several files the first entry of a name and the first current context stay', () => {
  const file = (context: string, server: string) =>
    parseKubeconfig(
      `current-context: ${context}\nclusters: [{ name: c, cluster: { server: ${server} } }]`,
      '/f',
    );
  const merged = mergeKubeconfigs([
    parseKubeconfig('', '/empty'),
    file('one', 'https://1'),
    file('two', 'https://2'),
  ]);
  expect(merged.currentContext).toBe('one');
  expect(merged.clusters.get('c')).toEqual({ server: 'https://1' });
});

test('mistakes are one sentence each, with line and column or the names that there are', () => {
  const broken = failure(() => parseKubeconfig('clusters:\n  - name: c\n cluster: {', '/k'));
  expect(broken.code).toBe('KUBECONFIG_INVALID');
  expect(broken.position).toMatchObject({ file: '/k', line: 3 });
  expect(failure(() => parseKubeconfig('kind: Pod', '/k')).message).toMatch(/is not a kubeconfig/);
  const config = parseKubeconfig('contexts: [{ name: a, context: { cluster: gone } }]', '/k');
  expect(failure(() => chooseContext(config, 'b')).hint).toContain('known contexts: a');
  expect(failure(() => chooseContext(config, undefined)).message).toBe(
    'the kubeconfig has no current context',
  );
  expect(failure(() => chooseContext(config, 'a')).message).toContain('names the cluster "gone"');
});

test('KUBECONFIG may name missing files, --kubeconfig may not; a pod reads its own account', async () => {
  const there = join(folder, 'there');
  await writeFile(there, 'current-context: x');
  const config = await readKubeconfig(undefined, { KUBECONFIG: `${join(folder, 'gone')}:${there}` });
  expect(config?.currentContext).toBe('x');
  expect(await readKubeconfig(undefined, { HOME: folder })).toBeUndefined();
  await expect(readKubeconfig(join(folder, 'gone'), {})).rejects.toThrow(/there is no kubeconfig file/);
  await expect(readKubeconfig(`${there}:${there}`, {})).rejects.toMatchObject({
    hint: expect.stringContaining('KUBECONFIG'),
  });
  // A file without anything in it does not hide the pod's own account.
  await writeFile(there, '');
  expect(await readKubeconfig(undefined, { KUBECONFIG: there })).toBeUndefined();
  const inside = inClusterKubeconfig({ KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' });
  expect(inside?.clusters.get('in-cluster')).toMatchObject({ server: 'https://[fd00::1]:443' });
  expect(inClusterKubeconfig({})).toBeUndefined();
});

test.each([
  ['https://api.example.com:6443', {}, undefined],
  ['https://api.example.com:6443', { HTTPS_PROXY: 'http://p:3128' }, 'http://p:3128/'],
  ['https://api.example.com:6443', { https_proxy: 'p:3128' }, 'http://p:3128/'],
  ['https://127.0.0.1:6443', { HTTPS_PROXY: 'http://p' }, undefined],
  ['https://api.example.com', { HTTPS_PROXY: 'http://p', NO_PROXY: 'other,.example.com' }, undefined],
  ['https://api.example.com', { HTTPS_PROXY: 'http://p', NO_PROXY: 'example.com' }, undefined],
  ['https://example.com', { HTTPS_PROXY: 'http://p', NO_PROXY: '.example.com' }, 'http://p/'],
  ['https://10.1.2.3', { HTTPS_PROXY: 'http://p', no_proxy: '10.0.0.0/8' }, undefined],
  ['https://11.1.2.3', { HTTPS_PROXY: 'http://p', no_proxy: '10.0.0.0/8' }, 'http://p/'],
  ['https://a.b:8443', { HTTPS_PROXY: 'http://p', NO_PROXY: 'a.b:443' }, 'http://p/'],
  ['https://a.b', { HTTPS_PROXY: 'http://p', NO_PROXY: '*' }, undefined],
])('%s with %j goes by %s', (server, env, proxy) => {
  expect(proxyFor(new URL(server), undefined, env)?.href).toBe(proxy);
});

test.each([
  [undefined, { HTTPS_PROXY: 'http://' }, 'the variable HTTPS_PROXY is no address of a proxy'],
  [
    undefined,
    { https_proxy: 'socks4://p:1' },
    'the variable https_proxy names a proxy of the kind socks4://, which is not known',
  ],
  ['me:secret@p:3128', {}, 'proxy-url of the kubeconfig is no address of a proxy'],
])('a proxy that cannot be one: %s, %j', (configured, env, sentence) => {
  const error = failure(() => proxyFor(new URL('https://a'), configured, env));
  expect(error.code).toBe('KUBECONFIG_INVALID');
  expect(error.message).toBe(sentence);
});

test('another cluster or user of the kubeconfig in the place of the context’s own', () => {
  const config = parseKubeconfig(
    `contexts: [{ name: a, context: { cluster: one, user: u, namespace: shop } }]
clusters: [{ name: one, cluster: { server: https://1 } }, { name: two, cluster: { server: https://2 } }]
users: [{ name: u, user: { token: x } }, { name: v, user: { token: y } }]`,
    '/k',
  );
  expect(chooseContext(config, 'a', { cluster: 'two', user: 'v' })).toMatchObject({
    name: 'a',
    namespace: 'shop',
    cluster: { server: 'https://2' },
    user: { token: 'y' },
  });
  // Without any context, as kubectl takes it.
  expect(chooseContext(config, undefined, { cluster: 'two', user: 'v' })).toMatchObject({ name: 'two' });
  const unknown = failure(() => chooseContext(config, 'a', { user: 'w' }));
  expect(unknown).toMatchObject({
    code: 'CONTEXT_UNKNOWN',
    message: 'there is no user "w" in the kubeconfig',
    hint: 'known users: u, v',
  });
});

test('proxy-url of the kubeconfig comes before the environment', () => {
  const env = { HTTPS_PROXY: 'http://p', NO_PROXY: '*' };
  expect(proxyFor(new URL('https://a'), 'socks5://s:1080', env)?.href).toBe('socks5://s:1080');
});
