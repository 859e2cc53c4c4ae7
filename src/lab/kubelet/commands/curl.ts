/**
 * curl in a container: the machine's own curl, started with an argument array and an environment of its own, whose
 * network is the pod's. Its files are the container's; it never sees the user's ~/.curlrc or the host's names.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import type { Endpoint } from '../../net/network.ts';
import { errorCode } from '../../net/socket-error.ts';
import { type Command, type CommandContext, exit, say, write } from './command.ts';
import { CurlRefusal, planCurl } from './curl-arguments.ts';
import { type CurlOptions, parseCurlHelp } from './curl-options.ts';
import { type Attempt, createWriteOut, exitCodeOf, rewriteErrors, type WriteOut } from './curl-report.ts';
import { smallCurl } from './small-curl/small-curl.ts';

export const curl: Command = async (context) => {
  const path = context.tools.curl;
  if (path === undefined) return smallCurl(context);
  const folder = mkdtempSync(join(context.tools.folder, 'curl-'));
  try {
    return await run(context, path, folder);
  } catch (error) {
    if (!(error instanceof CurlRefusal)) throw error;
    await say(context.stderr, `curl: ${error.message}`);
    return exit.usage;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

async function run(context: CommandContext, path: string, folder: string): Promise<number> {
  const options = await optionsOf(path);
  const writeOut = createWriteOut(context.network.ip);
  const config = join(folder, 'network.conf');
  const { args, resolve } = planCurl(context.argv.slice(1), options, ['--config', config], (file) =>
    context.files.locate(file, context.workingDirectory),
  );
  const attempts: { last: Attempt | undefined } = { last: undefined };
  const access = context.tools.socks.admit((host, port) => connect(context, resolve, attempts, host, port));
  // In a file of its own and not among the arguments, which every user of the machine may read.
  writeFileSync(config, `preproxy = "${access.url}"\nproto = "-file"\n`, { mode: 0o600 });
  const cwd = context.files.locate('.', context.workingDirectory);
  mkdirSync(cwd, { recursive: true, mode: 0o700 });
  try {
    const child = spawn(path, markWriteOut(args, writeOut), {
      cwd,
      env: { HOME: folder, CURL_HOME: folder, LC_ALL: 'C', PATH: '/usr/bin:/bin' },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const code = await follow(context, child, attempts, writeOut);
    return exitCodeOf(code, attempts.last);
  } finally {
    access.revoke();
  }
}

/** What the machine's curl can do, asked once for each. */
const known = new Map<string, Promise<CurlOptions>>();

function optionsOf(path: string): Promise<CurlOptions> {
  const before = known.get(path);
  if (before !== undefined) return before;
  const asked = new Promise<CurlOptions>((resolve, reject) => {
    execFile(path, ['--help', 'all'], { maxBuffer: 1024 * 1024 }, (error, stdout) => {
      if (error === null) resolve(parseCurlHelp(stdout));
      else reject(error);
    });
  });
  known.set(path, asked);
  return asked;
}

function markWriteOut(args: readonly string[], writeOut: WriteOut): readonly string[] {
  return args.map((word, index) =>
    args[index - 1] === '--write-out' && !word.startsWith('@') ? writeOut.mark(word) : word,
  );
}

/** A connection that curl asked for, made as its container makes it. */
async function connect(
  context: CommandContext,
  resolve: ReadonlyMap<string, string>,
  attempts: { last: Attempt | undefined },
  host: string,
  port: number,
): Promise<Socket> {
  const name = resolve.get(`${host.toLowerCase()}:${port}`) ?? host;
  const started = performance.now();
  try {
    const socket = await context.network.connect(context.caller, name, port);
    attempts.last = { kind: 'connected', to: addressOf(context, name, port) };
    return socket;
  } catch (error) {
    const milliseconds = Math.round(performance.now() - started);
    attempts.last =
      errorCode(error) === 'ENOTFOUND'
        ? { kind: 'unresolved', host }
        : { kind: 'refused', host, port, milliseconds };
    throw error;
  }
}

function addressOf(context: CommandContext, host: string, port: number): Endpoint {
  return { ip: context.network.resolve(host)[0] ?? host, port };
}

const complaint = 'curl: (';

/** Passes the streams on and waits for the end; a caller that goes away ends curl. */
async function follow(
  context: CommandContext,
  child: ChildProcess,
  attempts: { readonly last: Attempt | undefined },
  writeOut: WriteOut,
): Promise<number> {
  const { stdin, stdout, stderr } = child;
  if (stdin === null || stdout === null || stderr === null) throw new Error('curl was started without pipes');
  // curl may end before it has read all that it was given.
  stdin.on('error', (error) => stdin.destroy(error));
  if (context.stdin === undefined) stdin.end();
  else context.stdin.pipe(stdin);
  const stop = (): void => {
    child.kill('SIGTERM');
  };
  context.signal.addEventListener('abort', stop);
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) =>
      resolve(code ?? (signal === 'SIGTERM' ? exit.terminated : exit.killed)),
    );
  });
  const copyOut = async (): Promise<void> => {
    const { restore, rest } = writeOut.restorer();
    for await (const chunk of stdout) await write(context.stdout, restore(chunk, attempts.last));
    await write(context.stdout, rest());
  };
  const copyErrors = async (): Promise<void> => {
    const { restore, rest } = writeOut.restorer();
    let line = '';
    for await (const chunk of stderr) {
      line += restore(chunk, attempts.last).toString('utf8');
      // Only what may be a complaint waits for the rest of its line; a progress meter never ends one.
      const last = line.slice(line.lastIndexOf('\n') + 1);
      const waits = last.startsWith(complaint) || (last !== '' && complaint.startsWith(last));
      const complete = waits ? line.length - last.length : line.length;
      await write(context.stderr, rewriteErrors(line.slice(0, complete), attempts.last));
      line = line.slice(complete);
    }
    await write(context.stderr, rewriteErrors(line + rest().toString('utf8'), attempts.last));
  };
  if (context.signal.aborted) stop();
  try {
    const [code] = await Promise.all([ended, copyOut(), copyErrors()]);
    return code;
  } finally {
    context.signal.removeEventListener('abort', stop);
    if (context.stdin !== undefined) context.stdin.unpipe(stdin);
  }
}
