import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readBundle, writeBundle } from './bundle-files.ts';
import { checkBundle, manifestFor, manifestName, signManifest } from './manifest.ts';
import { type ArchiveFile, readTar, writeTar } from './tar.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'padlock-test-'));
});
afterEach(() => rm(folder, { recursive: true }));

const keys = generateKeyPairSync('ed25519');
const privateKey = keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const publicKey = keys.publicKey.export({ type: 'spki', format: 'pem' }).toString();

function bundle(signed = true): readonly ArchiveFile[] {
  const files = [
    { path: 'report.html', content: Buffer.from('<p>proven</p>') },
    { path: 'a.json', content: Buffer.from('{}\n') },
  ];
  const manifest = manifestFor(files, '2026-11-24T00:00:00Z', '0.1.0');
  return [
    ...files,
    { path: manifestName, content: Buffer.from(manifest) },
    ...(signed ? signManifest(manifest, privateKey) : []),
  ];
}

test('what is written is read again, as a folder and as an archive, and only its owner may read it', async () => {
  for (const name of ['bundle', 'bundle.tar.gz']) {
    const target = join(folder, name);
    await writeBundle(target, bundle(), 0);
    const files = await readBundle(target);
    expect(checkBundle(files, publicKey, name)).toMatchObject({
      good: true,
      files: 2,
      problems: [],
      signature: { kind: 'good', known: true },
    });
    const inside = name === 'bundle' ? join(target, 'report.html') : target;
    expect((await stat(inside)).mode & 0o077).toBe(0);
    await expect(writeBundle(target, bundle(), 0)).rejects.toThrow(/cannot write the evidence/);
  }
});

test('the archive is one that tar reads', async () => {
  const target = join(folder, 'b.tar.gz');
  await writeBundle(target, bundle(), 1_790_000_000_000);
  execFileSync('tar', ['-xzf', target, '-C', folder]);
  expect(await readFile(join(folder, 'padlock-evidence', 'report.html'), 'utf8')).toBe('<p>proven</p>');
});

test('a changed, a missing and an added file, a changed manifest and a foreign key are each found', () => {
  const change = (path: string, content: string) =>
    bundle().map((file) => (file.path === path ? { path, content: Buffer.from(content) } : file));
  const problems = (files: readonly ArchiveFile[]) => checkBundle(files, publicKey, 'b').problems;
  expect(problems(change('report.html', '<p>PROVEN</p>'))).toEqual(['report.html was changed']);
  expect(problems(bundle().filter(({ path }) => path !== 'a.json'))).toEqual(['a.json is missing']);
  expect(problems([...bundle(), { path: 'x', content: Buffer.from('') }])).toEqual([
    'x is not in the manifest',
  ]);
  const forged = manifestFor([], '2027-01-01T00:00:00Z', '0.1.0');
  expect(checkBundle(change(manifestName, forged), publicKey, 'b')).toMatchObject({
    good: false,
    signature: { kind: 'bad' },
  });
  const other = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString();
  expect(checkBundle(bundle(), other, 'b')).toMatchObject({
    good: false,
    signature: { kind: 'bad', known: true },
  });
  expect(checkBundle(bundle(), undefined, 'b')).toMatchObject({ good: true, signature: { known: false } });
  expect(checkBundle(bundle(false), publicKey, 'b')).toMatchObject({
    good: false,
    problems: ['the bundle is not signed'],
  });
  expect(() => checkBundle([], undefined, 'b')).toThrow(/it has no manifest.json/);
});

test('any files survive tar, and damage is noticed', () => {
  const file = fc.record({
    path: fc.stringMatching(/^[a-z]{1,20}(\/[a-z]{1,20})?$/),
    content: fc.uint8Array({ maxLength: 2000 }).map((bytes) => Buffer.from(bytes)),
  });
  fc.assert(
    fc.property(fc.array(file, { maxLength: 5 }), (files) => {
      expect(readTar(writeTar(files, 1), 't')).toEqual(files);
    }),
  );
  const tar = writeTar([{ path: 'a', content: Buffer.from('x') }], 1);
  tar[0] = 66;
  expect(() => readTar(tar, 't')).toThrow(/damaged/);
  expect(() => readTar(writeTar([{ path: '../a', content: Buffer.from('') }], 1), 't')).toThrow(
    /leads outside/,
  );
  expect(() => readTar(Buffer.alloc(100), 't')).toThrow(/cut off/);
});

test('a text that is no archive, and a key that is none, are one sentence', async () => {
  const path = join(folder, 'x.tar.gz');
  await writeFile(path, 'hello');
  await expect(readBundle(path)).rejects.toThrow(/is not an evidence bundle/);
  await expect(readBundle(join(folder, 'gone.tar.gz'))).rejects.toThrow(/does not exist/);
  expect(() => signManifest('{}', 'no key')).toThrow(/is no key in PEM/);
});
