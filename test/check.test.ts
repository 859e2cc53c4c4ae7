import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { ensureBuilt, padlock } from './built.ts';

const folder = mkdtempSync(join(tmpdir(), 'padlock-check-'));
const outputs = ['text', 'json', 'yaml', 'sarif', 'junit', 'markdown', 'github'] as const;

const shop = `# the shop
apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels: { istio-injection: enabled }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: cart, namespace: shop }
spec:
  selector: { matchLabels: { app: cart } }
  template:
    metadata: { labels: { app: cart } }
    spec:
      containers: [{ name: cart, image: example/cart, ports: [{ containerPort: 8080 }] }]
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata:
  name: default
  namespace: shop
spec:
  mtls:
    mode: STRICT
`;
const permissive = shop.replace('STRICT', 'PERMISSIVE');
const write = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return name;
};
const check = (...args: string[]) => padlock(['check', ...args], { cwd: folder });

beforeAll(ensureBuilt, 120_000);
afterAll(() => rmSync(folder, { recursive: true }));

test('all well: few lines, exit code 0', async () => {
  write('good.yaml', shop);
  const { code, stdout, stderr } = await check('-f', 'good.yaml');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout.split('\n').length).toBeLessThan(12);
  expect(stdout).toContain('√ no findings in 1 workload, 1 PeerAuthentication');
});

test('a finding names file and line, shows the field, and says how to mend it; exit code 1', async () => {
  write('weak.yaml', permissive);
  const { code, stdout } = await check('-f', 'weak.yaml');
  expect(code).toBe(1);
  expect(stdout).toContain('weak.yaml:25 PeerAuthentication shop/default');
  expect(stdout).toContain('25 |     mode: PERMISSIVE\n       |           ^^^^^^^^^^');
  expect(stdout).toContain(
    `kubectl patch peerauthentication default -n shop --type merge -p '{"spec":{"mtls":{"mode":"STRICT"}}}'`,
  );
  expect(stdout).toContain('padlock explain PL006');
});

test.each([
  ['info', 1],
  ['warning', 1],
  ['error', 0],
  ['never', 0],
])('--fail-on %s ends in %i on a warning, in every format', async (failOn, expected) => {
  write('weak.yaml', permissive);
  const codes = await Promise.all(
    outputs.map(async (output) => (await check('-f', 'weak.yaml', '-o', output, '--fail-on', failOn)).code),
  );
  expect(codes).toEqual(outputs.map(() => expected));
});

test.each(outputs)(
  '-o %s: what cannot be read ends in 2, says why, and is no empty success',
  async (output) => {
    write('broken.yaml', 'a: [1,\n');
    const { code, stdout, stderr } = await check('-f', 'broken.yaml', '-o', output);
    expect(code).toBe(2);
    expect(stderr).toContain('broken.yaml');
    if (output === 'text') expect(stdout).toBe('');
    if (output === 'json')
      expect(JSON.parse(stdout)).toMatchObject({ verdict: 'could-not-run', findings: [] });
    if (output === 'yaml') expect(parse(stdout)).toMatchObject({ verdict: 'could-not-run' });
    if (output === 'sarif') {
      expect(JSON.parse(stdout).runs[0].invocations[0]).toMatchObject({
        executionSuccessful: false,
        exitCode: 2,
      });
    }
    if (output === 'junit') expect(stdout).toMatch(/<testsuites [^>]*errors="1"/);
    if (output === 'markdown') expect(stdout).toContain('could not check');
    if (output === 'github') expect(stdout).toMatch(/^::error /);
  },
);

test('standard input: what kustomize prints, with excerpts of what came through the pipe', async () => {
  const { code, stdout } = await padlock(['check', '-f', '-', '-o', 'json'], {
    cwd: folder,
    stdin: permissive,
  });
  expect(code).toBe(1);
  expect(JSON.parse(stdout).findings[0]).toMatchObject({ code: 'PL006', file: '-', line: 25, column: 11 });
});

test('a folder is read whole; findings name its files', async () => {
  mkdirSync(join(folder, 'k8s'), { recursive: true });
  write('k8s/a.yaml', shop.split('---\n').slice(0, 2).join('---\n'));
  write('k8s/b.yaml', permissive.split('---\n')[2] ?? '');
  const { stdout } = await check('-f', 'k8s', '-o', 'github');
  expect(stdout).toMatch(/^::warning file=k8s\/b\.yaml,line=8,col=11,/);
});

test('--ignore leaves out a code or one resource, and what is left out is counted', async () => {
  write('weak.yaml', permissive);
  const everywhere = await check('-f', 'weak.yaml', '--ignore', 'PL006');
  expect(everywhere).toMatchObject({ code: 0 });
  expect(everywhere.stdout).toContain('1 suppressed');
  const one = await check('-f', 'weak.yaml', '--ignore', 'PL006:PeerAuthentication/shop/default');
  expect(one.code).toBe(0);
  const other = await check('-f', 'weak.yaml', '--ignore', 'PL006:PeerAuthentication/shop/other');
  expect(other.code).toBe(1);
  const wrong = await check('-f', 'weak.yaml', '--ignore', 'PL6');
  expect(wrong).toMatchObject({ code: 2 });
  expect(wrong.stderr).toContain('"PL6" is no code');
});

test('an annotation with a reason suppresses; once its date has passed it is a finding itself', async () => {
  const annotated = (until: string): string =>
    permissive.replace(
      '  name: default\n',
      `  name: default\n  annotations:\n    padlock.dev/ignore: PL006\n    padlock.dev/ignore-reason: moves in May\n    padlock.dev/ignore-until: "${until}"\n`,
    );
  write('later.yaml', annotated('9999-12-31'));
  expect(await check('-f', 'later.yaml')).toMatchObject({ code: 0 });
  write('expired.yaml', annotated('2020-01-31'));
  const expired = JSON.parse((await check('-f', 'expired.yaml', '-o', 'json')).stdout);
  expect(expired.findings.map(({ code }: { code: string }) => code)).toEqual(['PL006', 'PL040']);
});

test('-n keeps to a namespace, holds what names none, and is no pass where nothing is in it', async () => {
  const other = 'apiVersion: v1\nkind: Namespace\nmetadata: {name: other}\n';
  write('weak.yaml', `${permissive}\n---\n${other}`);
  expect(await check('-f', 'weak.yaml', '-n', 'other')).toMatchObject({ code: 0 });
  expect(await check('-f', 'weak.yaml', '-n', 'shop')).toMatchObject({ code: 1 });
  expect(await check('-f', 'weak.yaml', '-n', 'shpo')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('did you mean shop?'),
  });
  write(
    'unnamed.yaml',
    permissive
      .replaceAll(/^\s*namespace: shop\n|, namespace: shop/gm, '')
      .replaceAll('name: shop', 'name: pay'),
  );
  const placed = JSON.parse((await check('-f', 'unnamed.yaml', '-n', 'pay', '-o', 'json')).stdout);
  expect(placed.findings).toContainEqual(
    expect.objectContaining({ code: 'PL006', resource: expect.objectContaining({ namespace: 'pay' }) }),
  );
});
