import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PadlockError } from '../../errors.ts';
import { errorCode } from '../net/socket-error.ts';
import type { LabFolder } from './lab-folder.ts';
import { isLabProcess } from './lab-process.ts';

/**
 * Keeps two starts of one lab apart. @returns the function that gives the lock back.
 * @throws PadlockError `LAB_ALREADY_RUNNING` while another start is under way
 */
export async function takeStartLock(folder: LabFolder): Promise<() => void> {
  const file = join(folder.path, 'starting');
  for (let attempt = 0; attempt < 2; attempt += 1) {
    if (tryTake(file)) return () => rmSync(file, { force: true });
    const holder = holderOf(file);
    if (holder !== undefined && (await isLabProcess(holder))) {
      throw new PadlockError(
        'LAB_ALREADY_RUNNING',
        `lab "${folder.name}" is being started by process ${holder}`,
        {
          hint: '`padlock lab status` says when it is up',
        },
      );
    }
    // Whoever held it has gone without a word, and the number may be another program's by now.
    rmSync(file, { force: true });
  }
  throw new PadlockError('LAB_ALREADY_RUNNING', `lab "${folder.name}" is being started by another process`);
}

function tryTake(file: string): boolean {
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx', mode: 0o600 });
    return true;
  } catch (cause) {
    if (errorCode(cause) === 'EEXIST') return false;
    throw new PadlockError('FILE_NOT_WRITABLE', `cannot write ${file}`, { cause });
  }
}

function holderOf(file: string): number | undefined {
  try {
    const pid = Number(readFileSync(file, 'utf8'));
    return Number.isInteger(pid) && pid > 1 ? pid : undefined;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
