/**
 * Everything a command may do to the outside world, handed to it as `this` by the parser. Only `main.ts` fills it
 * from the process; tests fill it with their own.
 */
import type { CommandContext } from '@stricli/core';
import type { ExitCode } from '../errors.ts';
import type { Cluster } from '../sources/cluster.ts';
import type { ClusterFlags } from './common-flags.ts';

/** One of the two output streams, with what a renderer must know about the terminal behind it. */
export interface Output {
  /** Resolves once the stream has taken the text, so that megabytes do not pile up in memory. */
  write(text: string): Promise<void>;
  readonly isTTY: boolean;
  /** The terminal's width; 80 where there is no terminal. */
  readonly columns: number;
  /** Colours are wanted: a terminal, or FORCE_COLOR, and no NO_COLOR. */
  readonly color: boolean;
}

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Resolves after so many milliseconds; rejects with the signal's reason when it is aborted first. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

export interface Context extends CommandContext {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly stdin: {
    readonly isTTY: boolean;
    /** The whole of standard input. */
    read(): Promise<Uint8Array>;
    /** One line, as a person types it; undefined at the end of the input. */
    readLine(): Promise<string | undefined>;
  };
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly clock: Clock;
  /** A short random text. */
  nonce(): string;
  /** `padlock` or, started by kubectl, `kubectl padlock`: what hints tell people to type. */
  readonly program: string;
  /** Aborted by the first Ctrl-C (or SIGTERM). */
  readonly signal: AbortSignal;
  /**
   * Says that this command must end in its own way after Ctrl-C (say what stands, clean up). Without it the first
   * Ctrl-C ends the process at once with exit code 130; with it the second does.
   */
  finishOnInterrupt(): void;
  /** Reads the kubeconfig and returns a client; sends no request yet. Throws `KUBECONFIG_INVALID`, `CONTEXT_UNKNOWN`. */
  connect(flags: ClusterFlags): Promise<Cluster>;
  /** What the process will end with. Without a call it is `ExitCode.ok`; a thrown error brings its own. */
  setExitCode(code: ExitCode): void;
}
