/** Fills the commands' `Context` from the process. Used by `main.ts` only. */

import { randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExitCode } from '../errors.ts';
import type { Clock, Context, Output } from './context.ts';
import type { ExitSlot } from './run.ts';

type NodeProcess = typeof process;

export interface ProcessContext {
  readonly context: Context & { readonly process: ExitSlot };
  /** True once the command wants to end in its own way after Ctrl-C. */
  finishesOnInterrupt(): boolean;
}

/** @param clock how `main.ts` lets commands see the time */
export function processContext(
  nodeProcess: NodeProcess,
  signal: AbortSignal,
  now: () => number,
): ProcessContext {
  let finishes = false;
  const slot: ExitSlot = {};
  const { stdout, stderr, stdin, env } = nodeProcess;
  const parserProcess = Object.assign(slot, { stdout, stderr, env });
  const program = /kubectl-padlock/.test(nodeProcess.argv[1] ?? '') ? 'kubectl padlock' : 'padlock';
  const context: Context & { readonly process: ExitSlot } = {
    process: parserProcess,
    stdout: output(stdout, env),
    stderr: output(stderr, env),
    stdin: {
      isTTY: stdin.isTTY === true,
      read: () => buffer(stdin),
      readLine: () => readLine(stdin),
    },
    env,
    cwd: nodeProcess.cwd(),
    clock: { now, sleep: sleepUnless },
    nonce: () => randomBytes(6).toString('hex'),
    program,
    signal,
    finishOnInterrupt: () => {
      finishes = true;
    },
    connect: async (flags) => {
      const { connectCluster } = await import('../sources/kube/connect.ts');
      const { asGroup: asGroups, ...rest } = flags;
      return connectCluster({ ...rest, asGroups, env, now, isTerminal: stdin.isTTY === true });
    },
    setExitCode: (code: ExitCode) => {
      slot.exitCode = code;
    },
  };
  return { context, finishesOnInterrupt: () => finishes };
}

function output(stream: NodeJS.WriteStream, env: Readonly<Record<string, string | undefined>>): Output {
  return {
    write: (chunk) =>
      new Promise((resolve, reject) => {
        stream.write(chunk, (error) => (error == null ? resolve() : reject(error)));
      }),
    isTTY: stream.isTTY === true,
    columns: stream.columns ?? 80,
    color: wantsColor(stream.isTTY === true, env),
  };
}

/** https://no-color.org and https://force-color.org; `TERM=dumb` shows no colours. */
export function wantsColor(isTTY: boolean, env: Readonly<Record<string, string | undefined>>): boolean {
  if ((env.NO_COLOR ?? '') !== '') return false;
  if ((env.FORCE_COLOR ?? '') !== '') return env.FORCE_COLOR !== '0';
  return isTTY && env.TERM !== 'dumb';
}

const sleepUnless: Clock['sleep'] = async (milliseconds, signal) => {
  await sleep(milliseconds, undefined, signal === undefined ? {} : { signal });
};

async function readLine(stdin: NodeJS.ReadStream): Promise<string | undefined> {
  const lines = createInterface({ input: stdin });
  for await (const line of lines) {
    lines.close();
    return line;
  }
  return undefined;
}
