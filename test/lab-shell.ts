/** A lab as a user has it: started by the built `padlock lab up`, used from a shell with the real kubectl and curl. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ensureBuilt, padlock, type Result } from './built.ts';

export interface LabShell {
  /** A folder of its own: home, state and temporary files. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  /** Runs a line of a shell, with `KUBECONFIG` exported as `padlock lab up` says. */
  sh(line: string, stdin?: string): Promise<Result>;
  /** As `sh`, and throws unless it ends with 0. @returns what it printed, without the last newline */
  ok(line: string, stdin?: string): Promise<string>;
  padlock(...args: readonly string[]): Promise<Result>;
  close(): Promise<void>;
}

/** Inputs that nobody here wrote; tests that need them are skipped where they are absent. */
export const inputs = resolve(import.meta.dirname, '../../shared/inputs');
export const hasInputs = existsSync(inputs);

/** kubectl 1.30 or newer and curl are there; in their absence the tests say so and are skipped. */
export function hasTools(): boolean {
  return ['kubectl', 'curl'].every(
    (tool) => spawnSync(tool, tool === 'curl' ? ['--version'] : ['version', '--client']).status === 0,
  );
}

export async function startLabShell(...flags: readonly string[]): Promise<LabShell> {
  await ensureBuilt();
  const folder = mkdtempSync(join(tmpdir(), 'padlock-lab-test-'));
  const env: Record<string, string> = { PATH: process.env.PATH ?? '', HOME: folder };
  const run = (...args: readonly string[]): Promise<Result> => padlock(args, { cwd: folder, env });
  const up = await run('lab', 'up', ...flags);
  if (up.code !== 0) throw new Error(`padlock lab up: ${up.stderr}`);
  env.KUBECONFIG = /^export KUBECONFIG=(\S+)$/m.exec(up.stdout)?.[1] ?? '';
  const sh = (line: string, stdin = ''): Promise<Result> => shell(line, stdin, folder, env);
  return {
    folder,
    env,
    sh,
    async ok(line, stdin) {
      const { code, stdout, stderr } = await sh(line, stdin);
      if (code !== 0) throw new Error(`${line}\nended with ${code}: ${stderr}${stdout}`);
      return stdout.replace(/\n$/, '');
    },
    padlock: run,
    async close() {
      const log = join(folder, '.local/state/padlock/lab/lab/lab.log');
      const problems = existsSync(log) ? readFileSync(log, 'utf8') : '';
      const down = await run('lab', 'down');
      rmSync(folder, { recursive: true });
      if (down.code !== 0) throw new Error(`padlock lab down: ${down.stderr}`);
      if (problems !== '') throw new Error(`the lab's log says: ${problems}`);
    },
  };
}

function shell(
  line: string,
  stdin: string,
  cwd: string,
  env: Readonly<Record<string, string>>,
): Promise<Result> {
  return new Promise((finish, reject) => {
    const child = spawn('bash', ['-o', 'pipefail', '-c', line], { cwd, env });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('error', reject);
    child.on('close', (code) => finish({ code, stdout, stderr }));
    // A command may end without reading what it is sent.
    child.stdin.on('error', () => child.stdin.destroy());
    child.stdin.end(stdin);
  });
}
