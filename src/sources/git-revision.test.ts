import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readGitRevision } from './git-revision.ts';

const folder = mkdtempSync(join(tmpdir(), 'padlock-git-'));
const git = (...args: string[]): string =>
  execFileSync(
    'git',
    ['-c', 'user.name=t', '-c', 'user.email=t@example.com', '-c', 'init.defaultBranch=main', ...args],
    {
      cwd: folder,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
const policy = (mode: string): string =>
  `apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: { name: default, namespace: shop }\nspec: { mtls: { mode: ${mode} } }\n`;

beforeAll(() => {
  git('init', '--quiet');
  mkdirSync(join(folder, 'k8s', '.hidden'), { recursive: true });
  writeFileSync(join(folder, 'k8s', 'a b.yaml'), policy('PERMISSIVE'));
  writeFileSync(join(folder, 'k8s', 'kustomization.yaml'), 'resources: [x]\n');
  writeFileSync(join(folder, 'k8s', '.hidden', 'x.yaml'), policy('DISABLE'));
  writeFileSync(join(folder, 'README.md'), 'not YAML: [\n');
  git('add', '.');
  git('commit', '--quiet', '-m', 'first');
  writeFileSync(join(folder, 'k8s', 'a b.yaml'), policy('STRICT'));
  git('commit', '--quiet', '-a', '-m', 'second');
  writeFileSync(join(folder, 'k8s', 'a b.yaml'), policy('DISABLE'));
});
afterAll(() => rmSync(folder, { recursive: true }));

test.each([
  ['main', 'STRICT'],
  ['HEAD~1', 'PERMISSIVE'],
])('%s is read as it was, not as the work tree is', async (revision, mode) => {
  const snapshot = await readGitRevision(revision, ['k8s'], { cwd: folder });
  expect(snapshot.objects).toMatchObject([
    { object: { spec: { mtls: { mode } } }, origin: { source: `${revision}:k8s/a b.yaml`, line: 1 } },
  ]);
});

test('paths are relative to the folder that it runs in', async () => {
  const snapshot = await readGitRevision('HEAD', ['a b.yaml'], { cwd: join(folder, 'k8s') });
  expect(snapshot.objects).toMatchObject([{ origin: { source: 'HEAD:a b.yaml' } }]);
});

test('a path that did not exist then is empty', async () => {
  expect((await readGitRevision('HEAD', ['new'], { cwd: folder })).objects).toEqual([]);
});

test.each(['nowhere', '--output=/tmp/x', '-h', '', 'HEAD; touch x'])(
  '%j is no revision, and no option',
  async (revision) => {
    await expect(readGitRevision(revision, ['k8s'], { cwd: folder })).rejects.toMatchObject({
      code: 'INPUT_INVALID',
    });
  },
);

test('outside a repository it says so', async () => {
  const outside = mkdtempSync(join(tmpdir(), 'padlock-nogit-'));
  await expect(readGitRevision('HEAD', ['.'], { cwd: outside })).rejects.toThrow('is in no Git repository');
  rmSync(outside, { recursive: true });
});
