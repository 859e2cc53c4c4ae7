/** Runs the built `padlock`, as a user would: bin/padlock.js on the pinned Node, in a folder of its own. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const root = resolve(import.meta.dirname, '..');
const bin = join(root, 'bin', 'padlock.js');
const built = join(root, 'dist', 'main.js');
const lock = join(root, 'node_modules', '.padlock-build');

/** Builds when a source is newer than what was built. One test file builds, the others wait for it. */
export async function ensureBuilt(): Promise<void> {
  // While one builds, the command is there before the page is.
  while (existsSync(lock) || isStale()) {
    try {
      mkdirSync(lock);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
      if (Date.now() - statSync(lock).mtimeMs > 120_000) rmdirSync(lock);
      await sleep(200);
      continue;
    }
    try {
      if (!isStale()) return;
      const build = spawnSync(process.execPath, ['scripts/build.ts'], { cwd: root, encoding: 'utf8' });
      // Types that do not compile are the type check's business; the bundle is what runs.
      if (!existsSync(built)) throw new Error(`the build failed: ${build.stdout}${build.stderr}`);
      return;
    } finally {
      rmdirSync(lock);
    }
  }
}

function isStale(): boolean {
  if (!existsSync(built)) return true;
  const at = statSync(built).mtimeMs;
  return readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true }).some(
    (entry) =>
      entry.isFile() &&
      !entry.name.endsWith('.test.ts') &&
      statSync(join(entry.parentPath, entry.name)).mtimeMs > at,
  );
}

export interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Asked again and again; the first yes sends a SIGINT, as Ctrl-C does. */
  readonly interruptWhen?: (output: string) => boolean;
  /** What is sent then; SIGINT when absent. */
  readonly interruptBy?: 'SIGINT' | 'SIGKILL';
}

/** Runs `padlock ARGS...` with an environment that holds nothing of the machine's clusters. */
export function padlock(args: readonly string[], options: RunOptions = {}): Promise<Result> {
  return new Promise((finish, reject) => {
    const child = spawn(process.execPath, [bin, ...args], {
      cwd: options.cwd ?? root,
      env: { PATH: process.env.PATH ?? '', HOME: options.cwd ?? '/nonexistent', ...options.env },
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const looking = setInterval(() => {
      if (options.interruptWhen?.(stdout + stderr) !== true) return;
      clearInterval(looking);
      child.kill(options.interruptBy ?? 'SIGINT');
    }, 20);
    child.on('error', reject);
    child.on('close', (code) => {
      clearInterval(looking);
      finish({ code, stdout, stderr });
    });
    // A program that refuses its flags may end before it is fed; its exit code is what is asked about.
    child.stdin.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') reject(error);
    });
    child.stdin.end(options.stdin ?? '');
  });
}
