/** Finds and runs a command of a container. Nothing here ever starts a shell, and curl is the only program of the host. */
import { posix } from 'node:path';
import { type Command, type CommandContext, exit, say } from './command.ts';
import { curl } from './curl.ts';
import { pilotAgent, pilotDiscovery } from './pilot-agent.ts';
import { parseScript, ShellRefusal, type Step } from './shell-words.ts';
import { simpleCommands } from './simple.ts';

const shells: ReadonlySet<string> = new Set(['sh', 'bash', 'ash']);

/** Images that bring curl along; the others have none, as their real ones. */
const withCurl = /curl|sleep|netshoot|dnsutils|toolbox|agnhost|proxyv2|alpine\/k8s|nginx/;
const proxyImage = /\/proxyv2\b/;
const controlPlaneImage = /\/pilot\b/;

/** @returns the command, or undefined where the image has no such executable. */
export function findCommand(executable: string, image: string): Command | undefined {
  const name = posix.basename(executable);
  if (name === 'curl') return withCurl.test(image) ? curl : undefined;
  if (name === 'pilot-agent') return proxyImage.test(image) ? pilotAgent : undefined;
  if (name === 'pilot-discovery') return controlPlaneImage.test(image) ? pilotDiscovery : undefined;
  if (shells.has(name)) return shell;
  return Object.hasOwn(simpleCommands, name) ? simpleCommands[name] : undefined;
}

/** Runs it. An executable that is not there is reported as a container runtime reports it, with exit code 127. */
export async function runCommand(context: CommandContext): Promise<number> {
  const executable = context.argv[0] ?? '';
  const command = findCommand(executable, context.image);
  if (command !== undefined) return command(context);
  const where = executable.includes('/') ? 'no such file or directory' : 'executable file not found in $PATH';
  await say(
    context.stderr,
    `OCI runtime exec failed: exec failed: unable to start container process: exec: "${executable}": ${where}: unknown`,
  );
  return exit.notFound;
}

/** `sh -c SCRIPT`, as far as shell-words.ts goes; no shell of the host takes part. */
const shell: Command = async (context) => {
  const [name = 'sh', ...rest] = context.argv;
  const flag = rest.findIndex((word) => /^-\w*c\w*$/.test(word));
  const script = flag === -1 ? undefined : rest[flag + 1];
  if (script === undefined) {
    await say(
      context.stderr,
      `${name}: the lab has no interactive shell; use ${name} -c 'COMMAND' or the command itself`,
    );
    return exit.cannotExecute;
  }
  try {
    return await runSteps(context, name, parseScript(script, context.env));
  } catch (error) {
    if (error instanceof ShellExit) return error.code;
    if (!(error instanceof ShellRefusal)) throw error;
    await say(
      context.stderr,
      `${name}: ${error.message} by the lab's shell, which runs simple commands only`,
    );
    return exit.usage;
  }
};

/** `exit` in a script. */
class ShellExit extends Error {
  override readonly name = 'ShellExit';
  readonly code: number;

  constructor(code: number) {
    super(`exit ${code}`);
    this.code = code;
  }
}

/** @throws ShellRefusal where it is no number: `exit` alone means the last command's code, which no script here asks for. */
function exitCode(argument: string | undefined): number {
  if (argument !== undefined && /^\d+$/.test(argument)) return Number(argument) & 0xff;
  throw new ShellRefusal('"exit" without a number is not supported');
}

async function runSteps(context: CommandContext, shellName: string, steps: readonly Step[]): Promise<number> {
  let code: number = exit.ok;
  for (const step of steps) {
    if (context.signal.aborted) return exit.terminated;
    if (step.joint === 'if-ok' && code !== 0) continue;
    if (step.joint === 'if-failed' && code === 0) continue;
    if (step.kind === 'command') code = await runStep(context, shellName, step.words);
    else while (!context.signal.aborted) code = await runSteps(context, shellName, step.body);
  }
  return code;
}

async function runStep(
  context: CommandContext,
  shellName: string,
  words: readonly string[],
): Promise<number> {
  const [name = '', argument] = words;
  if (name === 'exec') return runStep(context, shellName, words.slice(1));
  if (name === ':') return exit.ok;
  if (name === 'exit') throw new ShellExit(exitCode(argument));
  const command = findCommand(name, context.image);
  if (command === undefined) {
    await say(context.stderr, `${shellName}: 1: ${name}: not found`);
    return exit.notFound;
  }
  if (shells.has(posix.basename(name)) && argument === undefined) return exit.ok;
  // A loop of commands that end at once must leave the process time for everything else.
  await new Promise((resolve) => setImmediate(resolve));
  return command({ ...context, argv: words });
}
