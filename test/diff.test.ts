import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ensureBuilt, padlock } from './built.ts';

const folder = mkdtempSync(join(tmpdir(), 'padlock-diff-'));
const diff = (words: readonly string[], stdin?: string) =>
  padlock(['diff', ...words], { cwd: folder, ...(stdin === undefined ? {} : { stdin }) });

/** The shop of `padlock explain`'s tests, without the rule that stops its calls. */
const shop = readFileSync(join(import.meta.dirname, 'testdata/explain.yaml'), 'utf8').replace(
  /---\napiVersion: networking.istio.io\/v1\nkind: DestinationRule[\s\S]*$/,
  '',
);
const permissive = shop.replace('mode: STRICT', 'mode: PERMISSIVE');
const rule = `---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: cart-off, namespace: web }
spec: { host: cart.shop.svc.cluster.local, trafficPolicy: { tls: { mode: DISABLE } } }
`;

const git = (...words: string[]): void => {
  execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...words], {
    cwd: join(folder, 'repository'),
    env: { PATH: process.env.PATH ?? '', HOME: folder, GIT_CONFIG_NOSYSTEM: '1' },
    stdio: 'ignore',
  });
};

beforeAll(async () => {
  await ensureBuilt();
  writeFileSync(join(folder, 'strict.yaml'), shop);
  writeFileSync(join(folder, 'permissive.yaml'), permissive);
  writeFileSync(join(folder, 'rule.yaml'), rule);
  mkdirSync(join(folder, 'repository', 'k8s'), { recursive: true });
  writeFileSync(join(folder, 'repository', 'k8s', 'shop.yaml'), permissive);
  git('init', '-q');
  git('add', '.');
  git('commit', '-qm', 'before');
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true }));

test('to STRICT: hardened ports, and the caller without a sidecar that breaks', async () => {
  const { code, stdout, stderr } = await diff(['permissive.yaml', 'strict.yaml', '-o', 'json']);
  expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
  const document = JSON.parse(stdout);
  expect(document).toMatchObject({
    verdict: 'fails',
    failOn: 'weakened',
    counts: { BREAKS: 1, HARDENED: 1, WEAKENED: 0, MENDS: 0, ADDED: 0, REMOVED: 0 },
    ports: [{ change: 'HARDENED', workload: 'shop/cart', port: 8080 }],
    edges: [{ change: 'BREAKS', clients: ['old/legacy'], port: 8000, server: 'shop/cart' }],
  });
  expect(document.edges[0].after.because.at(-1).text).toBe('plaintext is sent and refused');
});

test('the way back: weakened, and mended', async () => {
  const { code, stdout } = await diff(['strict.yaml', 'permissive.yaml']);
  expect(code).toBe(1);
  expect(stdout).toContain('‼ WEAKENED');
  expect(stdout).toContain('shop/cart:8080');
  expect(stdout).toContain('mutual TLS (STRICT) -> mutual TLS and plaintext (PERMISSIVE)');
  expect(stdout).toMatch(/strict\.yaml|permissive\.yaml:\d+/);
});

test('a change without a meaning prints none', async () => {
  writeFileSync(
    join(folder, 'renamed.yaml'),
    `# a remark\n${shop.replaceAll('example/cart', 'example/cart:2')}`,
  );
  const { code, stdout } = await diff(['strict.yaml', 'renamed.yaml']);
  expect(code).toBe(0);
  expect(stdout).toContain('√ nothing changes');
});

test('--apply puts the newer on top of the older', async () => {
  const whole = await diff(['strict.yaml', 'rule.yaml', '-o', 'json']);
  expect(JSON.parse(whole.stdout).counts.REMOVED).toBeGreaterThan(0);
  const applied = await diff(['strict.yaml', 'rule.yaml', '--apply', '-o', 'json']);
  expect(applied.code).toBe(1);
  expect(JSON.parse(applied.stdout)).toMatchObject({
    counts: { BREAKS: 1, WEAKENED: 1, REMOVED: 0 },
    edges: expect.arrayContaining([
      expect.objectContaining({ change: 'BREAKS', clients: ['web/front'], port: 8000 }),
      expect.objectContaining({ change: 'WEAKENED', clients: ['web/front'], port: 9090 }),
    ]),
  });
});

test('a Git revision against the files as they are, as Markdown', async () => {
  const file = join(folder, 'repository', 'k8s', 'shop.yaml');
  writeFileSync(file, shop);
  const { code, stdout } = await padlock(['diff', '--from', 'HEAD', 'k8s', '-o', 'markdown'], {
    cwd: join(folder, 'repository'),
  });
  expect(code).toBe(1);
  expect(stdout).toMatch(/^### Padlock: 1 BREAKS, 1 HARDENED\n/);
  expect(stdout).toContain('`HEAD:k8s` → `k8s/shop.yaml`');
  expect(stdout).toMatch(/^\| ❌ BREAKS \| `old\/legacy -> /m);
  git('commit', '-qam', 'after');
  const between = await padlock(
    ['diff', '--from', 'HEAD~1', '--to', 'HEAD', '-o', 'json', '--fail-on', 'never'],
    {
      cwd: join(folder, 'repository'),
    },
  );
  expect(between.code).toBe(0);
  expect(JSON.parse(between.stdout).counts).toMatchObject({ BREAKS: 1, HARDENED: 1 });
});

test('a saved snapshot is a side like any other', async () => {
  expect(
    (await padlock(['snapshot', '-f', 'strict.yaml', '-o', 'saved.json.gz'], { cwd: folder })).code,
  ).toBe(0);
  const { code, stdout } = await diff(['saved.json.gz', '-'], shop);
  expect({ code, nothing: stdout.includes('nothing changes') }).toEqual({ code: 0, nothing: true });
});

test.each([
  ['never', 0],
  ['breaks', 1],
  ['any', 1],
])('--fail-on %s ends in %i', async (failOn, wanted) => {
  expect((await diff(['permissive.yaml', 'strict.yaml', '--fail-on', failOn])).code).toBe(wanted);
});

test('one namespace alone', async () => {
  const { stdout } = await diff(['permissive.yaml', 'strict.yaml', '-n', 'web', '-o', 'json']);
  expect(JSON.parse(stdout)).toMatchObject({ ports: [], edges: [] });
});

test.each([
  [['strict.yaml'], 'takes OLD and NEW'],
  [['a.yaml', 'strict.yaml'], 'a.yaml does not exist'],
  [['strict.yaml', 'strict.yaml', 'strict.yaml'], 'takes OLD and NEW'],
  [['--to', 'HEAD', 'strict.yaml', 'rule.yaml'], '--to needs --from'],
  [['--from', 'nowhere', '.'], 'is in no Git repository'],
  [['--from', '--output=/etc/x', '.'], '--from'],
])('%j cannot run and says why', async (words, sentence) => {
  const { code, stdout, stderr } = await diff(words);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toContain(sentence);
});
