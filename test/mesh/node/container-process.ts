/**
 * One container as processes: a mount and a PID namespace, the node's own file system with a writable layer over it as
 * root, the pod's volumes bound into it. Enough of a container engine for the programs of a mesh.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { ExecStreams } from '../../../src/lab/kubelet/kubelet.ts';
import type { Program } from '../../../src/lab/workloads/program.ts';

export interface Bind {
  /** A file or folder of the node. */
  readonly source: string;
  /** Where the container sees it. */
  readonly target: string;
}

export interface ContainerProcess {
  /** A folder of the container's own, for its writable layer. */
  readonly folder: string;
  /** The path of the pod's network namespace; undefined for the node's own. */
  readonly network: string | undefined;
  readonly hostname: string;
  readonly user: number;
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly binds: readonly Bind[];
  readonly argv: readonly string[];
  readonly onLine: (line: string) => void;
}

const setUp = join(import.meta.dirname, 'container.sh');

export interface RunningProcess extends Program {
  /** Runs another command in it, as `kubectl exec` does. Resolves with the exit code. */
  exec(command: readonly string[], streams: ExecStreams, signal: AbortSignal): Promise<number>;
}

export function startProcess(container: ContainerProcess): RunningProcess {
  const { network, folder, hostname, user, env, cwd, binds, argv } = container;
  const unshare = ['--mount', '--pid', '--uts', '--fork', '--'];
  // On the node /var/run is an absolute link, which would lead out of the container's root.
  const mounts = binds.flatMap(({ source, target }) => [source, target.replace(/^\/var\/run\//, '/run/')]);
  const script = ['sh', setUp, folder, hostname, `${user}:${user}`, cwd, ...mounts, '--', ...argv];
  const words = ['unshare', ...unshare, ...script];
  const entered = network === undefined ? words : ['nsenter', `--net=${network}`, '--', ...words];
  const [command = '', ...args] = entered;
  const log = startLog(folder);
  const child = spawn(`/usr/bin/${command}`, args, { env: { ...env }, stdio: ['ignore', 'ignore', 'pipe'] });
  forwardLines(child, container.onLine);
  forwardLines(log, container.onLine);
  const logged = once(log, 'close');
  const exited = new Promise<number>((resolve) => {
    child.once('error', (error) => {
      container.onLine(error.message);
      resolve(128);
    });
    child.once('close', (code, signal) => resolve(code ?? (signal === 'SIGTERM' ? 143 : 137)));
  });
  const ended = exited.then(async (code) => {
    // A container that failed before it wrote: nobody opens the other end any more.
    const late = setTimeout(() => log.kill(), 1000);
    await logged;
    clearTimeout(late);
    return code;
  });
  const first = firstProcess(child);
  return {
    ended,
    stop: () => void first.then((pid) => pid !== undefined && signalProcess(pid, 'SIGTERM')),
    // Not `unshare` itself: its hold on a child ends where the child becomes another user.
    kill: () => void first.then((pid) => pid !== undefined && signalProcess(pid, 'SIGKILL')),
    async exec(words, streams, signal) {
      const pid = await first;
      if (pid === undefined) throw new Error('the container has ended');
      const inside = [
        '--mount',
        '--pid',
        '--uts',
        '--net',
        '--root',
        '--wd',
        '-S',
        `${user}`,
        '-G',
        `${user}`,
      ];
      return runInside([`--target=${pid}`, ...inside, '--', ...words], env, streams, signal);
    },
  };
}

/** Reads the container's output from a named pipe: programs open /dev/stdout again, which Node's own pipes do not allow. */
function startLog(folder: string): ChildProcess {
  const path = join(folder, 'log');
  mkdirSync(folder, { recursive: true });
  rmSync(path, { force: true });
  execFileSync('/usr/bin/mkfifo', ['-m', '622', path]);
  return spawn('/bin/cat', [path], { stdio: ['ignore', 'pipe', 'ignore'] });
}

/** The container's process 1, by its number on the node: the only child of `unshare`. */
async function firstProcess(child: ChildProcess): Promise<number | undefined> {
  while (child.exitCode === null && child.signalCode === null && child.pid !== undefined) {
    const children = await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').catch(() => '');
    const pid = Number(children.trim().split(' ')[0]);
    if (pid > 0) return pid;
    await wait(5);
  }
  return undefined;
}

function runInside(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  streams: ExecStreams,
  signal: AbortSignal,
): Promise<number> {
  const child = spawn('/usr/bin/nsenter', args, {
    env: { ...env },
    stdio: [streams.stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    // A group of its own: what nsenter forks ends with it.
    detached: true,
  });
  const stop = (): void => {
    if (child.pid !== undefined) signalProcess(-child.pid, 'SIGKILL');
  };
  signal.addEventListener('abort', stop);
  if (child.stdin !== null) {
    // A command that does not read to the end is no fault of the one who wrote.
    child.stdin.on('error', () => child.stdin?.destroy());
    streams.stdin?.pipe(child.stdin);
  }
  child.stdout?.pipe(streams.stdout, { end: false });
  child.stderr?.pipe(streams.stderr, { end: false });
  return new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 137));
  }).finally(() => signal.removeEventListener('abort', stop));
}

function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // Gone already, which is what was wanted.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

function forwardLines(child: ChildProcess, onLine: (line: string) => void): void {
  for (const stream of [child.stdout, child.stderr]) {
    let rest = '';
    stream?.setEncoding('utf8');
    stream?.on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) onLine(line);
    });
    stream?.on('end', () => {
      if (rest !== '') onLine(rest);
    });
  }
}
