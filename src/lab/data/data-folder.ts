/** `--data DIR`: the folder that keeps a lab's objects, for one lab at a time. */
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PadlockError } from '../../errors.ts';
import { isLabProcess } from '../daemon/lab-process.ts';
import { errorCode } from '../net/socket-error.ts';
import { type Journal, openJournal } from './journal.ts';

/**
 * Takes the folder, making it where it is not there, and reads what it holds.
 * @throws PadlockError `LAB_ALREADY_RUNNING` where another lab has it, and what `openJournal` throws
 */
export async function openDataFolder(folder: string): Promise<Journal> {
  const lock = join(folder, 'in-use');
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chmodSync(folder, 0o700);
  } catch (cause) {
    throw new PadlockError('FILE_NOT_WRITABLE', `cannot make the folder ${folder}`, { cause });
  }
  await refuseSecond(folder, lock);
  try {
    writeFileSync(lock, String(process.pid), { mode: 0o600 });
  } catch (cause) {
    throw new PadlockError('FILE_NOT_WRITABLE', `cannot write ${lock}`, { cause });
  }
  const journal = openJournal(folder);
  return {
    ...journal,
    close: () => {
      journal.close();
      rmSync(lock, { force: true });
    },
  };
}

/** A lab that was killed leaves its number behind; the number may be another program's by now. */
async function refuseSecond(folder: string, lock: string): Promise<void> {
  let holder: number;
  try {
    holder = Number(readFileSync(lock, 'utf8'));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return;
    throw error;
  }
  if (holder !== process.pid && !(await isLabProcess(holder))) return;
  throw new PadlockError(
    'LAB_ALREADY_RUNNING',
    `another lab (process ${holder}) keeps its objects in ${folder}`,
    {
      hint: 'end it with `padlock lab down`, or name another folder',
    },
  );
}
