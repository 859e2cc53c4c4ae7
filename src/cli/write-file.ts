/** Writes a file that only its owner may read, whole or not at all. */
import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { chmod, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { PadlockError } from '../errors.ts';

/**
 * Writes the pieces beside the file and moves them into its place, with mode 0600. A name in `.gz` is compressed.
 * @throws PadlockError `FILE_NOT_WRITABLE`; nothing is left behind
 */
export async function writeFileWhole(path: string, pieces: Iterable<string>): Promise<void> {
  const draft = join(dirname(path), `.${randomBytes(6).toString('hex')}.tmp`);
  try {
    // A device or a pipe (/dev/stdout) is written to: moving a file into its place would take it away from the system.
    const there = await stat(path).catch(() => undefined);
    if (there !== undefined && !there.isFile()) {
      const device = createWriteStream(path, { flags: 'w' });
      return await pipeline(Readable.from(inChunks(pieces)), device);
    }
    const file = await open(draft, 'wx', 0o600);
    const source = Readable.from(inChunks(pieces));
    const target = file.createWriteStream();
    if (path.endsWith('.gz')) await pipeline(source, createGzip(), target);
    else await pipeline(source, target);
    // The umask may have taken bits away; it never adds any, so this only makes the mode exact.
    await chmod(draft, 0o600);
    await rename(draft, path);
  } catch (cause) {
    await rm(draft, { force: true });
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    throw new PadlockError('FILE_NOT_WRITABLE', `${path} cannot be written (${reason})`, { cause });
  }
}

const chunkSize = 1 << 16;

function* inChunks(pieces: Iterable<string>): Generator<Buffer> {
  let pending = '';
  for (const piece of pieces) {
    pending += piece;
    if (pending.length < chunkSize) continue;
    yield Buffer.from(pending);
    pending = '';
  }
  if (pending !== '') yield Buffer.from(pending);
}
