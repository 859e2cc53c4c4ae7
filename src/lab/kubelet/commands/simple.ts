/** Small commands that containers have and people type: sleep, echo, env, hostname, cat, ls and the like. */
import { createReadStream, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { errorCode } from '../../net/socket-error.ts';
import { type Command, type CommandContext, exit, say, write } from './command.ts';

const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** setTimeout takes 2^31 ms at most; longer sleeps are made of several. */
const longestTimer = 2_000_000_000;

/** `sleep 30`, `sleep 1.5`, `sleep 3650d`, `sleep infinity`; several are added up, as GNU sleep does. */
const sleep: Command = async (context) => {
  let seconds = 0;
  for (const amount of context.argv.slice(1)) {
    const match = /^(\d+(?:\.\d+)?)([smhd]?)$/.exec(amount);
    if (amount === 'infinity' || amount === 'inf') seconds = Number.POSITIVE_INFINITY;
    else if (match === null) {
      await say(context.stderr, `sleep: invalid time interval '${amount}'`);
      return exit.failed;
    } else seconds += Number(match[1]) * (units[match[2] ?? ''] ?? 1);
  }
  if (context.argv.length === 1) {
    await say(context.stderr, 'sleep: missing operand');
    return exit.failed;
  }
  let left = seconds * 1000;
  while (left > 0 && !context.signal.aborted) {
    const step = Math.min(left, longestTimer);
    if (!(await pause(step, context.signal))) return exit.terminated;
    left -= step;
  }
  return context.signal.aborted ? exit.terminated : exit.ok;
};

/** False where the signal came first. */
async function pause(milliseconds: number, signal: AbortSignal): Promise<boolean> {
  try {
    await wait(milliseconds, undefined, { signal });
    return true;
  } catch (error) {
    if (error instanceof Error && error.name === 'AbortError') return false;
    throw error;
  }
}

const echo: Command = async ({ argv, stdout }) => {
  const bare = argv[1] === '-n';
  await write(stdout, argv.slice(bare ? 2 : 1).join(' ') + (bare ? '' : '\n'));
  return exit.ok;
};

const env: Command = async (context) => {
  if (context.argv.length > 1) {
    await say(
      context.stderr,
      `env: '${context.argv[1]}': only printing the environment is supported in the lab`,
    );
    return exit.notFound;
  }
  for (const [name, value] of Object.entries(context.env)) await say(context.stdout, `${name}=${value}`);
  return exit.ok;
};

const printenv: Command = async (context) => {
  const names = context.argv.slice(1);
  if (names.length === 0) return env({ ...context, argv: ['env'] });
  let code: number = exit.ok;
  for (const name of names) {
    const value = context.env[name];
    if (value === undefined) code = exit.failed;
    else await say(context.stdout, value);
  }
  return code;
};

const hostname: Command = async ({ argv, stdout, hostname: name, network }) => {
  await say(stdout, argv.includes('-i') || argv.includes('-I') ? network.ip : name);
  return exit.ok;
};

const cat: Command = async (context) => {
  const paths = context.argv.slice(1);
  let code: number = exit.ok;
  if (paths.length === 0 && context.stdin !== undefined) {
    for await (const chunk of context.stdin) await write(context.stdout, chunk);
  }
  for (const path of paths) if (!(await catFile(context, path))) code = exit.failed;
  return code;
};

async function catFile(context: CommandContext, path: string): Promise<boolean> {
  try {
    const stream = createReadStream(context.files.locate(path, context.workingDirectory));
    for await (const chunk of stream) await write(context.stdout, chunk);
    return true;
  } catch (error) {
    await say(context.stderr, `cat: ${path}: ${reason(error)}`);
    return false;
  }
}

const ls: Command = async (context) => {
  const paths = context.argv.slice(1).filter((word) => !word.startsWith('-'));
  for (const path of paths.length === 0 ? [context.workingDirectory] : paths) {
    const real = context.files.locate(path, context.workingDirectory);
    try {
      if (!statSync(real).isDirectory()) await say(context.stdout, path);
      else for (const name of (await readdir(real)).sort()) await say(context.stdout, name);
    } catch (error) {
      await say(context.stderr, `ls: cannot access '${path}': ${reason(error)}`);
      return exit.usage;
    }
  }
  return exit.ok;
};

function reason(error: unknown): string {
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: 'No such file or directory',
    EISDIR: 'Is a directory',
    ENOTDIR: 'Not a directory',
  };
  const code = errorCode(error);
  const sentence = code === undefined ? undefined : reasons[code];
  if (sentence === undefined) throw error;
  return sentence;
}

/** `getent hosts NAME` and `nslookup NAME`: what cluster DNS answers this pod. */
const getent: Command = async ({ argv, stdout, network }) => {
  const name = argv.at(-1) ?? '';
  const addresses = argv.length < 2 ? [] : network.resolve(name);
  for (const address of addresses) await say(stdout, `${address.padEnd(15)} ${name}`);
  return addresses.length > 0 ? exit.ok : 2;
};

const nslookup: Command = async ({ argv, stdout, network }) => {
  const name = argv[1] ?? '';
  await write(stdout, 'Server:\t\t10.96.0.10\nAddress:\t10.96.0.10#53\n\n');
  const addresses = network.resolve(name);
  if (addresses.length === 0) {
    await say(stdout, `** server can't find ${name}: NXDOMAIN`);
    return exit.failed;
  }
  for (const address of addresses) await write(stdout, `Name:\t${name}\nAddress: ${address}\n`);
  return exit.ok;
};

const date: Command = async ({ stdout, now }) => {
  await say(stdout, now().toUTCString());
  return exit.ok;
};

const identity =
  (root: string, proxy: string): Command =>
  async ({ stdout, caller }) => {
    await say(stdout, caller === 'proxy' ? proxy : root);
    return exit.ok;
  };

export const simpleCommands: Readonly<Record<string, Command>> = {
  sleep,
  echo,
  env,
  printenv,
  hostname,
  cat,
  ls,
  getent,
  nslookup,
  date,
  pwd: async ({ stdout, workingDirectory }) => {
    await say(stdout, workingDirectory);
    return exit.ok;
  },
  true: async () => exit.ok,
  false: async () => exit.failed,
  whoami: identity('root', 'istio-proxy'),
  id: identity(
    'uid=0(root) gid=0(root) groups=0(root)',
    'uid=1337(istio-proxy) gid=1337(istio-proxy) groups=1337(istio-proxy)',
  ),
};
