/** What exec and attach need of a connection, whichever way it came. */
import type { Readable, Writable } from 'node:stream';
import type { ApiStatus } from '../status.ts';

/** Which streams the client asked for. */
export interface AskedStreams {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

export interface CommandChannels {
  readonly stdin: Readable | undefined;
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
  /** Says how the command ended, once all of its output has been taken, and closes the connection. */
  finish(end: CommandEnd): Promise<void>;
}

/** An exit code, or the reason why the command did not run. */
export type CommandEnd = number | ApiStatus;

/** The last word on the error channel: a `Status`, whose causes carry an exit code other than 0. */
export function endStatus(end: CommandEnd): object {
  if (typeof end !== 'number') return end.toJSON();
  if (end === 0) return { metadata: {}, status: 'Success' };
  return {
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: exit status ${end}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(end) }] },
  };
}
