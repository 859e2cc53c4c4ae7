/** A tar archive of a few small files, written and read whole (POSIX ustar, IEEE Std 1003.1 pax). Same files, same bytes. */
import { PadlockError } from '../../errors.ts';

export interface ArchiveFile {
  /** Relative, with slashes: `padlock-evidence/report.html`. */
  readonly path: string;
  readonly content: Buffer;
}

const block = 512;

export const bundleHint = 'expected is the folder or .tar.gz file that `padlock evidence -o` wrote';

/** @param time seconds since the epoch, for every file */
export function writeTar(files: readonly ArchiveFile[], time: number): Buffer {
  const parts = files.flatMap(({ path, content }) => [
    header(path, content.length, time),
    content,
    Buffer.alloc((block - (content.length % block)) % block),
  ]);
  return Buffer.concat([...parts, Buffer.alloc(2 * block)]);
}

function header(path: string, size: number, time: number): Buffer {
  if (Buffer.byteLength(path) > 100) throw new RangeError(`${path} is too long a name for a ustar archive`);
  const head = Buffer.alloc(block);
  const octal = (value: number, at: number, length: number): void => {
    head.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at, 'latin1');
  };
  head.write(path, 0);
  octal(0o600, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(time, 136, 12);
  head.write('0', 156);
  head.write('ustar\0', 257, 'latin1');
  head.write('00', 263);
  head.write(`${checksum(head).toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return head;
}

/** The sum of the header's bytes, its own field taken as blanks. */
function checksum(head: Buffer): number {
  let sum = 8 * 32;
  for (let index = 0; index < block; index++) if (index < 148 || index >= 156) sum += head[index] ?? 0;
  return sum;
}

/**
 * Reads regular files; folders are passed over.
 * @throws PadlockError `INPUT_INVALID` for a broken archive, or one with links or paths that lead elsewhere
 */
export function readTar(archive: Buffer, source: string): readonly ArchiveFile[] {
  const files: ArchiveFile[] = [];
  const broken = (why: string): PadlockError =>
    new PadlockError('INPUT_INVALID', `${source} is not an evidence bundle: ${why}`, { hint: bundleHint });
  for (let at = 0; at + block <= archive.length; ) {
    const head = archive.subarray(at, at + block);
    if (head.every((byte) => byte === 0)) return files;
    const text = (from: number, length: number): string =>
      head
        .subarray(from, from + length)
        .toString('latin1')
        .replace(/\0.*$/s, '')
        .trim();
    const size = Number.parseInt(text(124, 12), 8);
    if (Number.parseInt(text(148, 8), 8) !== checksum(head) || !Number.isSafeInteger(size)) {
      throw broken('the archive is damaged');
    }
    const path = text(0, 100);
    const type = text(156, 1);
    if (type !== '' && type !== '0' && type !== '5') throw broken(`${path} is no regular file`);
    if (path.startsWith('/') || path.split('/').includes('..')) throw broken(`${path} leads outside`);
    const content = archive.subarray(at + block, at + block + size);
    if (content.length < size) throw broken('the archive is cut off');
    if (type !== '5') files.push({ path, content });
    at += block + Math.ceil(size / block) * block;
  }
  throw broken('the archive is cut off');
}
