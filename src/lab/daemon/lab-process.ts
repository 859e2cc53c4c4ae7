/** Whether a process is there, and whether it is a lab: a number in a file may belong to anybody by now. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { errorCode } from '../net/socket-error.ts';

const run = promisify(execFile);

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !isZombie(pid);
  } catch (error) {
    if (errorCode(error) === 'ESRCH') return false;
    if (errorCode(error) === 'EPERM') return true;
    throw error;
  }
}

/** Ended, but its parent has not asked for its end: so it stays in a container whose first process asks for nobody's. */
function isZombie(pid: number): boolean {
  try {
    // The state follows the name, which stands in parentheses and may hold any character.
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .startsWith('Z');
  } catch (error) {
    // A system without /proc, or a process that has just gone: kill has the last word.
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ESRCH') return false;
    throw error;
  }
}

/** Whether the process is a lab's, by its command line. Where that cannot be read nothing is known, and nothing is ended. */
export async function isLabProcess(pid: number): Promise<boolean> {
  const command = (await procCommand(pid)) ?? (await psCommand(pid)) ?? '';
  return / lab (?:serve|up)\b/.test(command);
}

/** Linux' own answer; small container images have no ps. */
async function procCommand(pid: number): Promise<string | undefined> {
  try {
    return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ');
  } catch (error) {
    // No such process, or a system without /proc.
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ESRCH') return undefined;
    throw error;
  }
}

async function psCommand(pid: number): Promise<string | undefined> {
  try {
    return (await run('ps', ['-ww', '-o', 'command=', '-p', String(pid)])).stdout;
  } catch (error) {
    // It ends with 1 where there is no such process, and may not be installed.
    if (error instanceof Error) return undefined;
    throw error;
  }
}

/** Resolves true once the process has gone, false after the time. */
export async function waitForEnd(pid: number, milliseconds: number): Promise<boolean> {
  const end = performance.now() + milliseconds;
  while (isAlive(pid)) {
    if (performance.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return true;
}
