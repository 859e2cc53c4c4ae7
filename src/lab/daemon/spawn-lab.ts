/** Starts a lab in a process of its own that outlives the command, and waits until it is up or says why not. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { type ErrorCode, PadlockError } from '../../errors.ts';
import { isFields } from '../../istio/fields.ts';
import { type LabFolder, makeLabFolder } from './lab-folder.ts';

/** What the child says over its channel, once. */
export type StartMessage =
  | {
      readonly kind: 'ready';
      readonly server: string;
      readonly context: string;
      readonly kubeconfig: string;
      readonly hasCurl: boolean;
      readonly nodes: number;
    }
  | {
      readonly kind: 'failed';
      readonly code: string;
      readonly sentence: string;
      readonly hint: string | undefined;
    };

export type ReadyMessage = Extract<StartMessage, { kind: 'ready' }>;

export interface SpawnOptions {
  readonly folder: LabFolder;
  /** What follows the program's name: `lab serve` and its flags. */
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted by Ctrl-C: the child is ended. */
  readonly signal: AbortSignal;
}

const startMilliseconds = 60_000;
const gracefulMilliseconds = 10_000;

/** @throws PadlockError what the child reports, or `LAB_FAILED` with the end of its log. */
export async function spawnLab(options: SpawnOptions): Promise<ReadyMessage> {
  const { folder, words, env, signal } = options;
  makeLabFolder(folder);
  const log = openSync(folder.log, 'w', 0o600);
  const program = process.argv[1] ?? '';
  const child = spawn(process.execPath, [...process.execArgv, program, ...words], {
    detached: true,
    stdio: ['ignore', log, log, 'ipc'],
    env: { ...env },
    cwd: folder.path,
  });
  closeSync(log);
  try {
    const message = await firstMessage(child, folder, signal);
    if (message.kind === 'failed') throw failure(message);
    return message;
  } finally {
    if (child.connected) child.disconnect();
    child.unref();
  }
}

function firstMessage(child: ChildProcess, folder: LabFolder, signal: AbortSignal): Promise<StartMessage> {
  return new Promise((resolve, reject) => {
    let ending: PadlockError | undefined;
    /** Rejects once the child has gone, so that nothing of it is left when the command ends. */
    const end = (reason: PadlockError): void => {
      ending = reason;
      child.kill('SIGTERM');
      setTimeout(() => child.kill('SIGKILL'), gracefulMilliseconds).unref();
    };
    const onAbort = (): void =>
      end(new PadlockError('INTERRUPTED', 'interrupted; the lab that was starting is ended'));
    const timer = setTimeout(
      () =>
        end(
          new PadlockError('LAB_FAILED', `the lab was not up after ${startMilliseconds / 1000} s`, {
            hint: `its log is ${folder.log}`,
          }),
        ),
      startMilliseconds,
    );
    const settle = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    };
    signal.addEventListener('abort', onAbort);
    child.once('error', (cause) => {
      settle();
      reject(new PadlockError('LAB_FAILED', 'the lab’s process could not be started', { cause }));
    });
    child.once('exit', (code, name) => {
      settle();
      if (ending !== undefined) return reject(ending);
      const how = name === null ? `with exit code ${code}` : `by ${name}`;
      const last = lastLine(folder.log);
      return reject(
        new PadlockError(
          'LAB_FAILED',
          `the lab ended ${how} before it was up${last === '' ? '' : `: ${last}`}`,
          {
            hint: `its log is ${folder.log}`,
          },
        ),
      );
    });
    child.once('message', (message) => {
      if (ending !== undefined) return;
      settle();
      const parsed = parseMessage(message);
      if (parsed === undefined)
        reject(new PadlockError('LAB_FAILED', 'the lab’s process answered in an unknown way'));
      else resolve(parsed);
    });
  });
}

function parseMessage(message: unknown): StartMessage | undefined {
  if (!isFields(message)) return undefined;
  const { kind, server, context, kubeconfig, hasCurl, nodes, code, sentence, hint } = message;
  if (kind === 'failed' && typeof code === 'string' && typeof sentence === 'string') {
    return { kind, code, sentence, hint: typeof hint === 'string' ? hint : undefined };
  }
  const complete =
    typeof server === 'string' && typeof context === 'string' && typeof kubeconfig === 'string';
  if (kind !== 'ready' || !complete) return undefined;
  return { kind, server, context, kubeconfig, hasCurl: hasCurl === true, nodes: Number(nodes) };
}

const knownCodes: ReadonlySet<string> = new Set<ErrorCode>([
  'LAB_ALREADY_RUNNING',
  'LAB_STATE_STALE',
  'PORT_IN_USE',
  'FILE_NOT_WRITABLE',
  'FILE_NOT_READABLE',
  'KUBECONFIG_INVALID',
  'USAGE',
]);

function isKnown(code: string): code is ErrorCode {
  return knownCodes.has(code);
}

function failure({ code, sentence, hint }: Extract<StartMessage, { kind: 'failed' }>): PadlockError {
  return new PadlockError(isKnown(code) ? code : 'LAB_FAILED', sentence, hint === undefined ? {} : { hint });
}

function lastLine(log: string): string {
  return readFileSync(log, 'utf8').trim().split('\n').at(-1) ?? '';
}
