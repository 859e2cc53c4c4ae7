/** Runs one command line: from words to an exit code. The process around it is `main.ts`. */
import { type Application, proposeCompletions, run } from '@stricli/core';
import { ExitCode } from '../errors.ts';
import { buildPadlock } from './app.ts';
import type { Context } from './context.ts';
import { asPadlockWords } from './kubectl-words.ts';
import type { ErrorStyle } from './print-error.ts';

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
  const { command, words: understood } = asPadlockWords(words);
  const usage = `\`${[context.program, ...command].join(' ')} --help\` shows what can be given`;
  const app = buildPadlock(context.program, { ...style, usage });
  if (words[0] === '__complete') return complete(app, words.slice(1), context);
  await run(app, understood, context);
  const code = Number(context.process.exitCode ?? ExitCode.ok);
  // The parser's own codes are negative: it could not make out the command or its flags.
  return code >= 0 ? code : ExitCode.couldNotRun;
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
