/** Whether a process is there, and whether it is a lab: a number in a file may belong to anybody by now. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { errorCode } from '../net/socket-error.ts';

const run = promisify(execFile);

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    if (errorCode(error) === 'ESRCH') return false;
    if (errorCode(error) === 'EPERM') return true;
    throw error;
  }
}

/** Asks the system for the process's command line. */
export async function isLabProcess(pid: number): Promise<boolean> {
  try {
    const { stdout } = await run('ps', ['-ww', '-o', 'command=', '-p', String(pid)]);
    return / lab (?:serve|up)\b/.test(stdout);
  } catch (error) {
    // ps ends with 1 where there is no such process; without ps nothing is known, and nothing is ended.
    if (error instanceof Error) return false;
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
