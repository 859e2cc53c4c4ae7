/** Bytes that can be read at any offset, in pieces: a regular file, or memory for what has no offsets (pipes, gzip). */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { PadlockError } from '../../errors.ts';

/** More is refused: it is several times the largest listing of a large cluster, and bounds time and memory. */
export const maxInputBytes = 512 * 1024 * 1024;

export interface ByteSource {
  /** How errors name it: the path as it was given, `-` for standard input. */
  readonly name: string;
  /** Fills `target` from `offset` on. @returns how many bytes there were; fewer only at the end of the source */
  read(target: Uint8Array, offset: number): number;
  close(): void;
}

/** Opens a file. Pipes and gzipped files are taken into memory. @throws PadlockError `FILE_NOT_READABLE`, `INPUT_TOO_LARGE` */
export function fileSource(path: string, name: string): ByteSource {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (cause) {
    throw notReadable(name, cause);
  }
  try {
    const { isFile, size } = regularFile(descriptor);
    if (!isFile)
      return memorySource(
        closing(descriptor, () => readPipe(descriptor, name)),
        name,
      );
    if (size > maxInputBytes) throw tooLarge(name);
    const source = descriptorSource(descriptor, name);
    if (!isGzip(source)) return source;
    return memorySource(
      closing(descriptor, () => gunzip(wholeOf(source, size), name)),
      name,
    );
  } catch (cause) {
    if (cause instanceof PadlockError) throw cause;
    throw notReadable(name, cause);
  }
}

function regularFile(descriptor: number): { readonly isFile: boolean; readonly size: number } {
  const status = fstatSync(descriptor);
  return { isFile: status.isFile(), size: status.size };
}

function closing<Value>(descriptor: number, use: () => Value): Value {
  try {
    return use();
  } finally {
    closeSync(descriptor);
  }
}

function descriptorSource(descriptor: number, name: string): ByteSource {
  return {
    name,
    read: (target, offset) => {
      let done = 0;
      while (done < target.length) {
        const count = readSync(descriptor, target, done, target.length - done, offset + done);
        if (count === 0) break;
        done += count;
      }
      return done;
    },
    close: () => closeSync(descriptor),
  };
}

/** A pipe gives what it gives; its end is the only news about its size. */
function readPipe(descriptor: number, name: string): Buffer {
  const chunks: Buffer[] = [];
  let size = 0;
  for (;;) {
    const chunk = Buffer.allocUnsafe(1 << 20);
    const count = readSync(descriptor, chunk, 0, chunk.length, null);
    if (count === 0) return Buffer.concat(chunks, size);
    size += count;
    if (size > maxInputBytes) throw tooLarge(name);
    chunks.push(chunk.subarray(0, count));
  }
}

/** Bytes that are at hand, gzipped or not. @throws PadlockError `INPUT_TOO_LARGE`, `INPUT_INVALID` for broken gzip data */
export function bytesSource(bytes: Uint8Array, name: string): ByteSource {
  if (bytes.length > maxInputBytes) throw tooLarge(name);
  const source = memorySource(bytes, name);
  return isGzip(source) ? memorySource(gunzip(bytes, name), name) : source;
}

function memorySource(bytes: Uint8Array, name: string): ByteSource {
  return {
    name,
    read: (target, offset) => {
      const part = bytes.subarray(offset, offset + target.length);
      target.set(part);
      return part.length;
    },
    close: () => undefined,
  };
}

/** All bytes of a source. */
export function wholeOf(source: ByteSource, expected = 1 << 20): Buffer {
  let bytes = Buffer.allocUnsafe(expected + 1);
  let size = 0;
  for (;;) {
    size += source.read(bytes.subarray(size), size);
    if (size < bytes.length) return bytes.subarray(0, size);
    const larger = Buffer.allocUnsafe(Math.min(bytes.length * 2, maxInputBytes + 1));
    if (larger.length <= bytes.length) throw tooLarge(source.name);
    bytes.copy(larger);
    bytes = larger;
  }
}

function isGzip(source: ByteSource): boolean {
  const start = new Uint8Array(2);
  return source.read(start, 0) === 2 && start[0] === 0x1f && start[1] === 0x8b;
}

function gunzip(bytes: Uint8Array, name: string): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: maxInputBytes });
  } catch (cause) {
    if (cause instanceof RangeError) throw tooLarge(name);
    throw new PadlockError('INPUT_INVALID', `${name} is not readable as gzip data`, { cause });
  }
}

function tooLarge(name: string): PadlockError {
  const limit = `${maxInputBytes / 1024 / 1024} MB`;
  return new PadlockError(
    'INPUT_TOO_LARGE',
    `${name} is larger than ${limit}, the most that is read from one file`,
    {
      hint: 'split it, for example by namespace',
    },
  );
}

export function notReadable(name: string, cause: unknown): PadlockError {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  const why =
    code === 'ENOENT'
      ? 'does not exist'
      : code === 'EACCES'
        ? 'may not be read'
        : `cannot be read (${String(code)})`;
  return new PadlockError('FILE_NOT_READABLE', `${name} ${why}`, { cause });
}
