/** A command as a container's program: its output is the container's log. */
import { Writable } from 'node:stream';
import type { Program } from '../workloads/program.ts';
import type { CommandContext } from './commands/command.ts';
import { runCommand } from './commands/run-command.ts';

export type CommandSurroundings = Omit<CommandContext, 'argv' | 'stdin' | 'stdout' | 'stderr' | 'signal'>;

/** @param log takes a line without its newline */
export function startCommand(
  argv: readonly string[],
  surroundings: CommandSurroundings,
  log: (line: string) => void,
): Program {
  const life = new AbortController();
  let killed = false;
  const output = lineWriter(log);
  const ended = runCommand({
    ...surroundings,
    argv,
    stdin: undefined,
    stdout: output,
    stderr: output,
    signal: life.signal,
  }).then(
    (code) => {
      output.end();
      return killed ? 137 : code;
    },
    (error) => {
      log(error instanceof Error ? error.message : String(error));
      return 1;
    },
  );
  return {
    ended,
    stop: () => life.abort(),
    kill() {
      killed = true;
      life.abort();
    },
  };
}

/** Cuts what is written into lines. */
export function lineWriter(log: (line: string) => void): Writable {
  let rest = '';
  return new Writable({
    decodeStrings: false,
    write(chunk: Buffer | string, _encoding, done) {
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) log(line);
      done();
    },
    final(done) {
      if (rest !== '') log(rest);
      done();
    },
  });
}
