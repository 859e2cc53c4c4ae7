/**
 * The process: the only place that touches `process` and the clock. It turns signals, closed pipes and the parser's
 * codes into documented exit codes (docs/exit-codes.md) and hands everything else to `run.ts`.
 */
import { ExitCode } from '../errors.ts';
import { sourceExcerpt } from './excerpt.ts';
import { formatError } from './print-error.ts';
import { processContext } from './process-context.ts';
import { runPadlock } from './run.ts';

const interrupt = new AbortController();
const { context, finishesOnInterrupt } = processContext(process, interrupt.signal, () => Date.now());

const words = process.argv.slice(2);
const endOfFlags = words.indexOf('--');
const isGlobal = (word: string, index: number): boolean =>
  word === '--debug' && (endOfFlags === -1 || index < endOfFlags);
const style = {
  color: context.stderr.color,
  columns: Math.min(context.stdout.columns, 100),
  debug: words.some(isGlobal) || (process.env.PADLOCK_DEBUG ?? '') !== '',
  excerpt: sourceExcerpt,
};

/** Ends the process once both streams have taken what was written. */
async function end(code: number): Promise<never> {
  await Promise.allSettled([context.stdout.write(''), context.stderr.write('')]);
  return process.exit(code);
}

for (const stream of [process.stdout, process.stderr]) {
  // The reader went away (`padlock … | head`): nothing is left to say, and nobody to say it to.
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(Number(process.exitCode ?? ExitCode.ok));
    throw error;
  });
}

for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    const second = interrupt.signal.aborted;
    interrupt.abort(new Error(`ended by ${name}`));
    if (!second && finishesOnInterrupt()) return;
    process.stderr.write('interrupted\n');
    void end(ExitCode.interrupted);
  });
}

process.on('uncaughtException', (thrown) => {
  process.stderr.write(`${formatError(thrown, style)}\n`);
  void end(ExitCode.couldNotRun);
});

await end(
  await runPadlock(
    words.filter((word, index) => !isGlobal(word, index)),
    context,
    style,
  ),
);
