/** Runs the command line as a user does, from its sources, against the mesh. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';

const main = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export async function padlock(kubeconfig: string, ...words: readonly string[]): Promise<Ran> {
  const child = spawn(process.execPath, [main, ...words], {
    env: { ...process.env, KUBECONFIG: kubeconfig, COLUMNS: '80', NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => (stdout += chunk));
  child.stderr.on('data', (chunk) => (stderr += chunk));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code: code ?? 137, stdout, stderr }));
  });
}
