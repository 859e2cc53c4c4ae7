/** A command in a container: what `kubectl exec`, an exec probe or a container's own command line runs. */
import type { Readable, Writable } from 'node:stream';
import type { SocksServer } from '../../net/socks.ts';
import type { ContainerFiles } from '../container-files.ts';
import type { Environment } from '../environment.ts';
import type { Caller, PodNetwork } from '../pod-network.ts';

/** What the lab needs of the host to run commands. */
export interface HostTools {
  /** The machine's curl; undefined where there is none. */
  readonly curl: string | undefined;
  readonly socks: SocksServer;
  /** A folder of the lab's own, gone with the lab, for what a command needs on disk while it runs. */
  readonly folder: string;
}

export interface CommandContext {
  /** The command and its arguments. */
  readonly argv: readonly string[];
  readonly env: Environment;
  readonly workingDirectory: string;
  readonly stdin: Readable | undefined;
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Aborted when the caller goes away or the container is stopped. */
  readonly signal: AbortSignal;
  readonly files: ContainerFiles;
  readonly network: PodNetwork;
  readonly caller: Caller;
  readonly hostname: string;
  readonly image: string;
  readonly tools: HostTools;
  readonly now: () => Date;
}

/** Resolves with the exit code; rejects for bugs only. */
export type Command = (context: CommandContext) => Promise<number>;

export const exit = {
  ok: 0,
  failed: 1,
  usage: 2,
  cannotExecute: 126,
  notFound: 127,
  killed: 137,
  terminated: 143,
} as const;

/** Writes a line and waits until the stream has taken it. */
export function say(stream: Writable, line: string): Promise<void> {
  return write(stream, `${line}\n`);
}

/** Resolves when the stream took the text, or has gone: an answer that nobody waits for is no error of the command. */
export function write(stream: Writable, text: string | Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.writableEnded) resolve();
    else stream.write(text, () => resolve());
  });
}
