import { chmodSync, renameSync, writeFileSync } from 'node:fs';
import { PadlockError } from '../../errors.ts';

/**
 * Writes a file that only its owner may read, whole or not at all: readers see the old text or the new one.
 * @throws PadlockError `FILE_NOT_WRITABLE`
 */
export function writePrivate(path: string, text: string): void {
  const draft = `${path}.${process.pid}.new`;
  try {
    writeFileSync(draft, text, { mode: 0o600 });
    chmodSync(draft, 0o600);
    renameSync(draft, path);
  } catch (cause) {
    throw new PadlockError('FILE_NOT_WRITABLE', `cannot write ${path}`, { cause });
  }
}
