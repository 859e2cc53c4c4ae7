/** Which run this is, for what it leaves in a cluster; and whether another run on this machine is still there. */
import { hostname } from 'node:os';
import { kill, pid } from 'node:process';
import type { RunMark } from '../../plan/rehearsal/policy.ts';

export function thisRun(): RunMark {
  return { host: hostname(), pid };
}

export function isAlive(other: number): boolean {
  try {
    kill(other, 0);
    return true;
  } catch (error) {
    // EPERM: it is there, and somebody else's.
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}
