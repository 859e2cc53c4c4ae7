/** What stands of a lab: running, not there, or a state file that nobody answers for. */
import { PadlockError } from '../../errors.ts';
import { isFields } from '../../istio/fields.ts';
import { askControl } from './control-client.ts';
import type { LabFolder } from './lab-folder.ts';
import { isAlive, isLabProcess, waitForEnd } from './lab-process.ts';
import { unmergeKubeconfig } from './merge-kubeconfig.ts';
import { type LabState, readState, removeState } from './state-file.ts';

export type LabStanding =
  | { readonly kind: 'absent' }
  | { readonly kind: 'running'; readonly state: LabState; readonly facts: Readonly<Record<string, unknown>> }
  /** The file names a process that has gone, or is another program by now. */
  | { readonly kind: 'stale'; readonly state: LabState }
  /** The process is a lab and does not answer. */
  | { readonly kind: 'hanging'; readonly state: LabState };

/** Looks at the state file and asks the lab that it names. @throws PadlockError `LAB_STATE_STALE` for an unreadable file. */
export async function findLab(folder: LabFolder): Promise<LabStanding> {
  const state = readState(folder);
  if (state === undefined) return { kind: 'absent' };
  const answer = await askControl(state, 'GET', '/status');
  if (answer !== undefined) {
    const facts: unknown = JSON.parse(answer);
    return { kind: 'running', state, facts: isFields(facts) ? facts : {} };
  }
  const hanging = isAlive(state.pid) && (await isLabProcess(state.pid));
  return { kind: hanging ? 'hanging' : 'stale', state };
}

/** What `down` did. */
export type Ending = 'stopped' | 'killed' | 'cleaned' | 'absent';

const gracefulMilliseconds = 10_000;

/**
 * Ends a lab: by its control server; by signal where that does not answer and the process is certainly a lab.
 * @throws PadlockError `LAB_FAILED` where it would not end
 */
export async function endLab(folder: LabFolder): Promise<Ending> {
  const standing = await findLab(folder);
  if (standing.kind === 'absent') return 'absent';
  if (standing.kind === 'stale') {
    removeState(folder, standing.state.kubeconfig);
    if (standing.state.mergedInto !== undefined) {
      unmergeKubeconfig(standing.state.mergedInto, standing.state.context);
    }
    return 'cleaned';
  }
  const { pid } = standing.state;
  if (standing.kind === 'running') await askControl(standing.state, 'POST', '/stop');
  else process.kill(pid, 'SIGTERM');
  if (await waitForEnd(pid, gracefulMilliseconds)) {
    removeState(folder);
    return 'stopped';
  }
  process.kill(pid, 'SIGKILL');
  if (!(await waitForEnd(pid, gracefulMilliseconds))) {
    throw new PadlockError('LAB_FAILED', `process ${pid} of lab "${folder.name}" does not end`);
  }
  removeState(folder);
  return 'killed';
}
