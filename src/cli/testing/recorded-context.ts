/** A command's context around a cluster in memory: output is gathered, the clock stands where it is told to. */
import type { ExitCode } from '../../errors.ts';
import type { Cluster } from '../../sources/cluster.ts';
import type { Context, Output } from '../context.ts';

export interface RecordedContext extends Context {
  readonly written: { out: string; err: string; exitCode: number };
}

/** @param now RFC 3339; sleeping moves the clock on and takes no time */
export function recordedContext(cluster: Cluster, now: string, cwd = '/'): RecordedContext {
  const written = { out: '', err: '', exitCode: 0 };
  let time = Date.parse(now);
  const output = (name: 'out' | 'err'): Output => ({
    write: async (text) => {
      written[name] += text;
    },
    isTTY: false,
    columns: 120,
    color: false,
  });
  return {
    written,
    process: { stdout: { write: () => undefined }, stderr: { write: () => undefined } },
    stdout: output('out'),
    stderr: output('err'),
    stdin: { isTTY: false, read: async () => new Uint8Array(), readLine: async () => undefined },
    env: {},
    cwd,
    clock: {
      now: () => time,
      sleep: async (milliseconds) => {
        time += milliseconds;
      },
    },
    nonce: () => 'n',
    program: 'padlock',
    signal: new AbortController().signal,
    finishOnInterrupt: () => undefined,
    connect: async () => cluster,
    setExitCode: (code: ExitCode) => {
      written.exitCode = code;
    },
  };
}
