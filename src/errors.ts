/**
 * The one error class of Padlock. An expected mistake (bad input, no cluster, a missing right) is a
 * `PadlockError`; anything else that is thrown is a bug. The command line prints them one way, see
 * `cli/print-error.ts`; docs/exit-codes.md documents the codes.
 */

/** What the process ends with. The same numbers for every command, documented in docs/exit-codes.md. */
export const ExitCode = {
  /** Done; for `verify`, every row PROVEN; for `check`, no finding at or above `--fail-on`. */
  ok: 0,
  /** The answer is no: FAILED rows, findings, a rollout that was rolled back. */
  failed: 1,
  /** Padlock could not do what was asked: wrong usage, unreadable input, no cluster, missing rights. */
  couldNotRun: 2,
  /** Neither yes nor no: something could not be seen or probed. */
  inconclusive: 3,
  /** Ended by Ctrl-C (128 + SIGINT), after saying what stands. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** Each expected mistake, with the exit code it ends in. A new code must be listed here to compile. */
const errorCodes = {
  USAGE: ExitCode.couldNotRun,
  FILE_NOT_READABLE: ExitCode.couldNotRun,
  FILE_NOT_WRITABLE: ExitCode.couldNotRun,
  YAML_SYNTAX: ExitCode.couldNotRun,
  INPUT_TOO_LARGE: ExitCode.couldNotRun,
  INPUT_INVALID: ExitCode.couldNotRun,
  KUBECONFIG_INVALID: ExitCode.couldNotRun,
  CONTEXT_UNKNOWN: ExitCode.couldNotRun,
  CLUSTER_UNREACHABLE: ExitCode.couldNotRun,
  CLUSTER_UNAUTHORIZED: ExitCode.couldNotRun,
  CLUSTER_FORBIDDEN: ExitCode.couldNotRun,
  CLUSTER_NOT_FOUND: ExitCode.couldNotRun,
  CLUSTER_CONFLICT: ExitCode.couldNotRun,
  CLUSTER_INVALID: ExitCode.couldNotRun,
  CLUSTER_REQUEST_FAILED: ExitCode.couldNotRun,
  ISTIO_NOT_FOUND: ExitCode.couldNotRun,
  NAMESPACE_NOT_FOUND: ExitCode.couldNotRun,
  WORKLOAD_NOT_FOUND: ExitCode.couldNotRun,
  PREFLIGHT_REFUSED: ExitCode.failed,
  ROLLOUT_FAILED: ExitCode.failed,
  ROLLOUT_NOT_FOUND: ExitCode.couldNotRun,
  REHEARSAL_ENFORCED: ExitCode.couldNotRun,
  PROMETHEUS_FAILED: ExitCode.couldNotRun,
  GUARD_NOT_LIVE: ExitCode.failed,
  LAB_ALREADY_RUNNING: ExitCode.couldNotRun,
  LAB_NOT_RUNNING: ExitCode.couldNotRun,
  LAB_STATE_STALE: ExitCode.couldNotRun,
  LAB_FAILED: ExitCode.couldNotRun,
  PORT_IN_USE: ExitCode.couldNotRun,
  TOOL_MISSING: ExitCode.couldNotRun,
  INTERRUPTED: ExitCode.interrupted,
} as const satisfies Record<string, ExitCode>;

export type ErrorCode = keyof typeof errorCodes;

/** A place in a text that a person can open: `file:line:column`, 1-based. */
export interface TextPosition {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export interface PadlockErrorOptions {
  /** One sentence: what to try next. */
  readonly hint?: string;
  readonly cause?: unknown;
  readonly position?: TextPosition;
}

/** An expected mistake: a stable code, one sentence, a hint for what to try, and the cause. */
export class PadlockError extends Error {
  override readonly name = 'PadlockError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly position: TextPosition | undefined;

  constructor(code: ErrorCode, sentence: string, options: PadlockErrorOptions = {}) {
    super(sentence, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.position = options.position;
  }

  get exitCode(): ExitCode {
    return errorCodes[this.code];
  }
}
