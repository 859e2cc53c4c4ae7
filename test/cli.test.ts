import { execFile, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ensureBuilt, padlock } from './built.ts';

const root = resolve(import.meta.dirname, '..');
const bin = join(root, 'bin', 'padlock.js');
const folder = mkdtempSync(join(tmpdir(), 'padlock-cli-'));
const run = promisify(execFile);

beforeAll(ensureBuilt, 120_000);
afterAll(() => rmSync(folder, { recursive: true }));

test('--version prints the package’s version', async () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  expect(await padlock(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
});

test('what is loaded before a command is chosen is small: no client, no YAML, no certificates', () => {
  const imports = (file: string): readonly string[] =>
    [...readFileSync(file, 'utf8').matchAll(/^import\s(?:[^'"]*?from\s*)?["']([^"']+)["'];?$/gm)].map(
      (match) => match[1] ?? '',
    );
  const seen = new Set<string>();
  const packages = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const target of imports(file)) {
      if (target.startsWith('.')) visit(resolve(file, '..', target));
      else packages.add(target);
    }
  };
  visit(join(root, 'dist', 'main.js'));
  expect([...packages].filter((name) => !name.startsWith('node:')).toSorted()).toEqual([
    '@stricli/core',
    'picocolors',
  ]);
});

test('padlock alone prints its help', async () => {
  const [bare, help] = await Promise.all([padlock([]), padlock(['--help'])]);
  expect(bare).toEqual(help);
});

test('kubectl’s short spellings work: -ojson, -fFILE', async () => {
  const file = join(folder, 'empty.yaml');
  writeFileSync(file, 'apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n');
  const { stdout, code } = await padlock(['posture', `-f${file}`, '-ojson']);
  expect(JSON.parse(stdout)).toEqual({ inbound: [], edges: [] });
  expect(code).toBe(0);
});

test('a reader that goes away ends Padlock quietly', async () => {
  const child = spawn(process.execPath, [bin, '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const code = await new Promise((finish) => child.on('close', finish));
  expect(stderr).toBe('');
  expect(code).toBe(0);
});

test('kubectl finds it as a plug-in, and hints then say kubectl padlock', async (context) => {
  const plugin = join(folder, 'kubectl-padlock');
  symlinkSync(bin, plugin);
  chmodSync(bin, 0o755);
  const node = resolve(process.execPath, '..');
  const env = { PATH: [folder, node, process.env.PATH].join(delimiter), HOME: folder };
  try {
    await run('kubectl', ['version', '--client'], { env });
  } catch {
    context.skip('kubectl is not installed');
  }
  const version = await run('kubectl', ['padlock', '--version'], { env });
  expect(version.stdout).toMatch(/^\d+\.\d+\.\d+/);
  const mistake = run('kubectl', ['padlock', 'nonsense'], { env });
  await expect(mistake).rejects.toMatchObject({ stderr: expect.stringContaining('kubectl padlock --help') });
});
