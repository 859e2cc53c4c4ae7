/** The one way in which Padlock prints what went wrong: a sentence, the place in the text, a hint; no stack trace. */
import { ArgumentScannerError, FlagNotFoundError, formatMessageForArgumentScannerError } from '@stricli/core';
import pc from 'picocolors';
import { type ErrorCode, ExitCode, PadlockError, type TextPosition } from '../errors.ts';

export interface ErrorStyle {
  readonly color: boolean;
  /** Adds the chain of causes, and the stack of an unexpected exception. */
  readonly debug: boolean;
  /** What to look at after wrong usage: the help of the command that was asked for. */
  readonly usage?: string;
  /** The line of the file with a caret below the column, or undefined where the file cannot be read. */
  excerpt(position: TextPosition): string | undefined;
}

/** @returns what goes to standard error for a thrown value, without the last newline. */
export function formatError(thrown: unknown, style: ErrorStyle): string {
  const colors = pc.createColors(style.color);
  const label = colors.bold(colors.red('error:'));
  if (thrown instanceof PadlockError) return formatExpected(thrown, label, style);
  if (thrown instanceof ArgumentScannerError) {
    const hint = thrown instanceof FlagNotFoundError ? kubectlFlags[bareFlag(thrown.input)] : undefined;
    return [`${label} ${usageSentence(thrown)}`, hintLine(hint ?? usageOf(style), style.color)].join('\n');
  }
  const sentence = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  const lines = [`${label} this is a bug in Padlock: ${sentence}`];
  if (!style.debug) lines.push(hintLine('run it again with --debug and report what it prints', style.color));
  return [...lines, ...debugLines(thrown, style)].join('\n');
}

/** @returns the exit code for a thrown value; an unexpected exception could not run. */
export function exitCodeOf(thrown: unknown): ExitCode {
  return thrown instanceof PadlockError ? thrown.exitCode : ExitCode.couldNotRun;
}

/** @returns `hint: …` in the one style of hints. */
export function hintLine(hint: string, color: boolean): string {
  return `${pc.createColors(color).cyan('hint:')} ${hint}`;
}

function formatExpected(error: PadlockError, label: string, style: ErrorStyle): string {
  const lines: string[] = [];
  if (error.position === undefined) lines.push(`${label} ${error.message}`);
  else {
    const { file, line, column } = error.position;
    lines.push(`${label} ${file}:${line}:${column}: ${error.message}`);
    const excerpt = style.excerpt(error.position);
    if (excerpt !== undefined) lines.push(excerpt);
  }
  const hint = error.hint ?? (error.code === 'USAGE' ? usageOf(style) : usualHints[error.code]);
  if (hint !== undefined) lines.push(hintLine(hint, style.color));
  return [...lines, ...debugLines(error, style)].join('\n');
}

function usageOf({ usage }: ErrorStyle): string {
  return usage ?? '--help after the command shows what can be given';
}

/** For the places that know no better one. */
const usualHints: Partial<Readonly<Record<ErrorCode, string>>> = {
  FILE_NOT_READABLE: 'check the path; a folder works too, and - is standard input',
  FILE_NOT_WRITABLE: 'check that the folder exists and may be written',
  YAML_SYNTAX: 'mend the text there; the mistake may begin a few lines earlier',
  INPUT_INVALID: 'expected are manifests in YAML or JSON, or what `padlock snapshot` saved',
  CLUSTER_NOT_FOUND: 'it may have been deleted meanwhile; try again',
  CLUSTER_CONFLICT: 'somebody changed it at the same time; try again',
};

function debugLines(thrown: unknown, style: ErrorStyle): readonly string[] {
  if (!style.debug || !(thrown instanceof Error)) return [];
  const lines = [thrown.stack ?? String(thrown)];
  let cause: unknown = thrown.cause;
  // A cause may name itself; ten levels are more than any real chain has.
  for (let depth = 0; cause !== undefined && depth < 10; depth++) {
    lines.push(`caused by: ${cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)}`);
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return lines;
}

const inKubeconfig = 'that is the kubeconfig’s part; name one with --kubeconfig';
const notOnCommandLine = 'others can read it on a command line; kubectl config set-credentials';
/** Flags of kubectl that Padlock has not: docs/cluster-access.md says why. */
const kubectlFlags: Readonly<Partial<Record<string, string>>> = {
  token: notOnCommandLine,
  password: notOnCommandLine,
  username: inKubeconfig,
  server: inKubeconfig,
  'tls-server-name': inKubeconfig,
  'certificate-authority': inKubeconfig,
  'client-certificate': inKubeconfig,
  'client-key': inKubeconfig,
  'insecure-skip-tls-verify': inKubeconfig,
};

function bareFlag(input: string): string {
  return input.replace(/^-+/, '').replace(/=.*$/, '');
}

/** The parser's own mistakes in Padlock's words. */
function usageSentence(error: ArgumentScannerError): string {
  return formatMessageForArgumentScannerError(error, {
    FlagNotFoundError: ({ input, corrections }) =>
      `unknown flag --${input.replace(/^-+/, '')}${didYouMean(corrections.map((name) => `--${name.replace(/^-+/, '')}`))}`,
    AliasNotFoundError: ({ input }) => `unknown flag -${input}`,
    ArgumentParseError: ({ externalFlagNameOrPlaceholder, input, exception }) =>
      exception instanceof PadlockError
        ? `${flagName(externalFlagNameOrPlaceholder)}: ${exception.message}`
        : `${flagName(externalFlagNameOrPlaceholder)}: "${input}" cannot be read`,
    EnumValidationError: ({ externalFlagName, input, values }) =>
      `--${externalFlagName}: "${input}" is none of ${values.join(', ')}`,
    UnsatisfiedFlagError: ({ externalFlagName }) => `--${externalFlagName} needs a value`,
    UnexpectedFlagError: ({ externalFlagName, previousInput, input }) =>
      `--${externalFlagName} is given twice: "${previousInput}" and "${input}"`,
    UnexpectedPositionalError: ({ expectedCount, input }) =>
      expectedCount === 0
        ? `unexpected argument "${input}"; this command takes none`
        : `unexpected argument "${input}"; this command takes ${expectedCount}`,
    UnsatisfiedPositionalError: ({ placeholder }) => `${placeholder} is missing`,
    InvalidNegatedFlagSyntaxError: ({ externalFlagName }) => `--${externalFlagName} takes no value`,
  });
}

/** Flags are lower case, positional placeholders upper case. */
function flagName(name: string): string {
  return name === name.toUpperCase() ? name : `--${name}`;
}

/** @returns `; did you mean …?`, or nothing where nothing is near. */
export function didYouMean(corrections: readonly string[]): string {
  return corrections.length === 0 ? '' : `; did you mean ${corrections.join(' or ')}?`;
}
