/** Where bundles lie: a folder, or a `.tar.gz` file. Files are 0600: a bundle tells much about a mesh. */
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { PadlockError } from '../../errors.ts';
import { type ArchiveFile, bundleHint, readTar, writeTar } from './tar.ts';

const compress = promisify(gzip);
const decompress = promisify(gunzip);
const maxBytes = 512 * 1024 * 1024;

/** Folder inside the archive, so that unpacking does not scatter files. */
const inner = 'padlock-evidence';

/**
 * Says before the work that its result could not be kept.
 * @throws PadlockError `FILE_NOT_WRITABLE` where the target exists and is no empty folder
 */
export async function refuseTaken(target: string): Promise<void> {
  if (/\.(zip|tar|gz|7z)$/.test(target) && !isArchive(target)) {
    throw new PadlockError('FILE_NOT_WRITABLE', `${target} is neither a folder nor a .tar.gz file`, {
      hint: 'a bundle is a folder, or a file that ends in .tar.gz',
    });
  }
  const found = await stat(target).catch(() => undefined);
  if (found === undefined) return;
  if (!isArchive(target) && found.isDirectory() && (await readdir(target)).length === 0) return;
  throw new PadlockError('FILE_NOT_WRITABLE', `${target} exists already`, {
    hint: 'name a new file or folder; a bundle replaces nothing',
  });
}

/**
 * Writes a bundle; the target must not exist, or be an empty folder.
 * @param time milliseconds since the epoch
 * @throws PadlockError `FILE_NOT_WRITABLE`
 */
export async function writeBundle(
  target: string,
  files: readonly ArchiveFile[],
  time: number,
): Promise<void> {
  try {
    if (isArchive(target)) {
      const inside = files.map((file) => ({ ...file, path: `${inner}/${file.path}` }));
      const archive = await compress(writeTar(inside, Math.floor(time / 1000)));
      await writeFile(target, archive, { mode: 0o600, flag: 'wx' });
      return;
    }
    await mkdir(target, { recursive: true, mode: 0o700 });
    if ((await readdir(target)).length > 0) throw new Error('the folder is not empty');
    for (const { path, content } of files) {
      await mkdir(dirname(join(target, path)), { recursive: true, mode: 0o700 });
      await writeFile(join(target, path), content, { mode: 0o600, flag: 'wx' });
    }
  } catch (cause) {
    throw new PadlockError(
      'FILE_NOT_WRITABLE',
      `cannot write the evidence to ${target}: ${messageOf(cause)}`,
      {
        cause,
        hint: 'name a new file or folder with -o',
      },
    );
  }
}

/** @throws PadlockError `FILE_NOT_READABLE`, `INPUT_INVALID` */
export async function readBundle(source: string): Promise<readonly ArchiveFile[]> {
  let archive: Buffer;
  try {
    if ((await stat(source)).isDirectory()) return await readFolder(source);
    archive = await readFile(source);
  } catch (cause) {
    const absent = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    const why = absent ? 'does not exist' : `cannot be read: ${messageOf(cause)}`;
    throw new PadlockError('FILE_NOT_READABLE', `${source} ${why}`, {
      cause,
      hint: bundleHint,
    });
  }
  let content: Buffer;
  try {
    content = await decompress(archive, { maxOutputLength: maxBytes });
  } catch (cause) {
    throw new PadlockError('INPUT_INVALID', `${source} is not an evidence bundle: ${messageOf(cause)}`, {
      cause,
      hint: bundleHint,
    });
  }
  return readTar(content, source).map((file) => ({ ...file, path: file.path.replace(`${inner}/`, '') }));
}

async function readFolder(folder: string): Promise<readonly ArchiveFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async (entry) => {
        const path = join(entry.parentPath, entry.name);
        return { path: relative(folder, path).split(sep).join('/'), content: await readFile(path) };
      }),
  );
}

export function isArchive(path: string): boolean {
  return /\.(tar\.gz|tgz)$/.test(path);
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
