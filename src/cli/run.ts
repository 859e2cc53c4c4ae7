/** Runs one command line: from words to an exit code. The process around it is `main.ts`. */
import { type Application, proposeCompletions, run } from '@stricli/core';
import { ExitCode } from '../errors.ts';
import { buildPadlock } from './app.ts';
import type { Context } from './context.ts';
import { type ErrorStyle, hintLine } from './print-error.ts';

/** Where the parser leaves its exit code; commands set theirs through `Context.setExitCode`. */
export interface ExitSlot {
  exitCode?: number | string | null;
}

/**
 * @param words what follows the program's name
 * @param context built by `main.ts` or a test; its `process` carries the exit slot
 * @returns what the process must end with, one of `ExitCode`
 */
export async function runPadlock(
  words: readonly string[],
  context: Context & { readonly process: ExitSlot },
  style: ErrorStyle & { readonly columns: number },
): Promise<number> {
  const app = buildPadlock(context.program, style);
  if (words[0] === '__complete') return complete(app, words.slice(1), context);
  await run(app, separateShortValues(words), context);
  const code = Number(context.process.exitCode ?? ExitCode.ok);
  if (code >= 0) return code;
  // The parser's own codes are negative: it could not make out the command (-5) or its flags (-4).
  if (code === -5 || code === -4) {
    const hint = `\`${context.program}${commandWords(app, words)} --help\` shows what can be given`;
    context.process.stderr.write(`${hintLine(hint, style.color)}\n`);
  }
  return ExitCode.couldNotRun;
}

/** What may come next, one proposal a line with its meaning behind a tab: what the completion scripts ask for. */
async function complete(
  app: Application<Context>,
  words: readonly string[],
  context: Context & { readonly process: ExitSlot },
): Promise<number> {
  const proposals = await proposeCompletions(app, words, context);
  await context.stdout.write(proposals.map(({ completion, brief }) => `${completion}\t${brief}\n`).join(''));
  return ExitCode.ok;
}

/** kubectl users write `-ojson` and `-nfoo`; the parser wants `-o json`. */
function separateShortValues(words: readonly string[]): readonly string[] {
  const separated: string[] = [];
  let escaped = false;
  for (const word of words) {
    escaped ||= word === '--';
    const match = escaped ? null : /^-([fnol])=?(.+)$/s.exec(word);
    if (match === null) separated.push(word);
    else separated.push(`-${match[1]}`, match[2] ?? '');
  }
  return separated;
}

/** The command that the words name, as far as there is one: ` lab up` of `lab up --prot 1`. */
function commandWords(app: Application<Context>, words: readonly string[]): string {
  let target: Application<Context>['root'] | undefined = app.root;
  let command = '';
  for (const word of words) {
    if (target === undefined || !('getRoutingTargetForInput' in target)) break;
    target = target.getRoutingTargetForInput(word);
    if (target !== undefined) command += ` ${word}`;
  }
  return command;
}
