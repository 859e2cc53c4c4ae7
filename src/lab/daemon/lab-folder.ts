/** Where a lab keeps what outlives a command: its state file, its kubeconfig and its log. Folders 0700, files 0600. */
import { chmodSync, mkdirSync, readdirSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { PadlockError } from '../../errors.ts';
import { errorCode } from '../net/socket-error.ts';

type Env = Readonly<Record<string, string | undefined>>;

export interface LabFolder {
  readonly name: string;
  readonly path: string;
  readonly stateFile: string;
  readonly kubeconfig: string;
  readonly log: string;
}

/** The parent of all labs: `PADLOCK_LAB_DIR`, else `padlock/lab` below the XDG state folder. */
export function labRoot(env: Env, cwd: string): string {
  const own = env.PADLOCK_LAB_DIR ?? '';
  if (own !== '') return resolve(cwd, own);
  const state = env.XDG_STATE_HOME ?? '';
  // The XDG specification has relative paths ignored.
  if (isAbsolute(state)) return join(state, 'padlock', 'lab');
  const home = env.HOME ?? '';
  if (home === '') {
    throw new PadlockError('FILE_NOT_WRITABLE', 'there is no home folder to keep the lab in', {
      hint: 'set PADLOCK_LAB_DIR to a folder of your own',
    });
  }
  return join(home, '.local', 'state', 'padlock', 'lab');
}

/** @throws PadlockError `USAGE` for a name that is no DNS label: it becomes a folder and a context. */
export function labFolder(root: string, name: string): LabFolder {
  if (!/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(name)) {
    throw new PadlockError('USAGE', `"${name}" is no name for a lab`, {
      hint: 'small letters, digits and dashes, 63 at most',
    });
  }
  const path = join(root, name);
  return {
    name,
    path,
    stateFile: join(path, 'state.json'),
    kubeconfig: join(path, 'kubeconfig'),
    log: join(path, 'lab.log'),
  };
}

/** Makes the folder, for its owner only. @throws PadlockError `FILE_NOT_WRITABLE` */
export function makeLabFolder(folder: LabFolder): void {
  try {
    mkdirSync(folder.path, { recursive: true, mode: 0o700 });
    chmodSync(folder.path, 0o700);
  } catch (cause) {
    throw new PadlockError('FILE_NOT_WRITABLE', `cannot make the lab's folder ${folder.path}`, {
      hint: 'set PADLOCK_LAB_DIR to a folder of your own',
      cause,
    });
  }
}

/** Names of the labs that have a folder. */
export function knownLabs(root: string): readonly string[] {
  try {
    return readdirSync(root, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}
