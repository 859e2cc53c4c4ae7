/** What a running lab writes down, so that later commands find it. */
import { readFileSync, rmSync } from 'node:fs';
import { PadlockError } from '../../errors.ts';
import { isFields } from '../../istio/fields.ts';
import { errorCode } from '../net/socket-error.ts';
import type { LabFolder } from './lab-folder.ts';
import { writePrivate } from './write-private.ts';

export interface LabState {
  readonly version: 1;
  readonly name: string;
  readonly pid: number;
  /** RFC 3339. */
  readonly startedAt: string;
  /** `https://127.0.0.1:PORT` */
  readonly server: string;
  readonly context: string;
  readonly kubeconfig: string;
  /** Where the daemon answers `status` and `down`, and the secret that it asks for. */
  readonly control: { readonly port: number; readonly secret: string };
  /** The user's kubeconfig that the lab was merged into, when that was asked. */
  readonly mergedInto?: string;
}

/** @returns undefined where there is no state file. @throws PadlockError `LAB_STATE_STALE` where it is unreadable. */
export function readState(folder: LabFolder): LabState | undefined {
  let text: string;
  try {
    text = readFileSync(folder.stateFile, 'utf8');
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return undefined;
    throw new PadlockError('FILE_NOT_READABLE', `cannot read ${folder.stateFile}`, { cause });
  }
  const state = parse(text);
  if (state === undefined) {
    throw new PadlockError('LAB_STATE_STALE', `${folder.stateFile} is not a state file of this version`, {
      hint: 'if no lab is running, delete that file',
    });
  }
  return state;
}

function parse(text: string): LabState | undefined {
  const value = parseJson(text);
  if (!isFields(value) || value.version !== 1 || !isFields(value.control)) return undefined;
  const { name, pid, startedAt, server, context, kubeconfig, mergedInto, control } = value;
  const { port, secret } = control;
  if (typeof name !== 'string' || typeof startedAt !== 'string' || typeof server !== 'string')
    return undefined;
  if (typeof context !== 'string' || typeof kubeconfig !== 'string' || typeof secret !== 'string')
    return undefined;
  if (typeof pid !== 'number' || !Number.isInteger(pid) || pid < 2 || typeof port !== 'number')
    return undefined;
  return {
    version: 1,
    name,
    pid,
    startedAt,
    server,
    context,
    kubeconfig,
    control: { port, secret },
    ...(typeof mergedInto === 'string' ? { mergedInto } : {}),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export function writeState(folder: LabFolder, state: LabState): void {
  writePrivate(folder.stateFile, `${JSON.stringify(state, undefined, 2)}\n`);
}

/** Removes what a lab that has ended leaves; its log stays. */
export function removeState(folder: LabFolder, kubeconfig = folder.kubeconfig): void {
  rmSync(folder.stateFile, { force: true });
  rmSync(kubeconfig, { force: true });
}
