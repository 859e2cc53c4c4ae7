/**
 * Builds the real etcd, kube-apiserver and kube-controller-manager with the ordinary Go client, once: they stay in
 * the cache folder. A build that takes longer than its budget is ended; Go keeps what is compiled, so the next goes on.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { binaryFolder } from './control-plane.ts';

const here = import.meta.dirname;
const packages: Readonly<Record<string, string>> = {
  etcd: 'go.etcd.io/etcd/server/v3',
  'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
  'kube-controller-manager': 'k8s.io/kubernetes/cmd/kube-controller-manager',
};

/** @returns false where the budget ended first. */
export async function build(budgetMs: number, log: (line: string) => void): Promise<boolean> {
  mkdirSync(binaryFolder(), { recursive: true });
  const deadline = Date.now() + budgetMs;
  for (const [name, path] of Object.entries(packages)) {
    const target = join(binaryFolder(), name);
    if (existsSync(target)) continue;
    log(`building ${name} (${path}); kept in ${binaryFolder()}`);
    const started = Date.now();
    // Under another name until it is whole.
    const output = `${target}.${process.pid}`;
    if (!(await goBuild(output, path, deadline - started))) return false;
    renameSync(output, target);
    log(`built ${name} in ${Math.round((Date.now() - started) / 1000)} s`);
  }
  return true;
}

async function goBuild(output: string, path: string, milliseconds: number): Promise<boolean> {
  if (milliseconds <= 0) return false;
  const args = ['build', '-trimpath', '-ldflags', `-X k8s.io/component-base/version.gitVersion=${version()}`];
  const child = spawn('go', [...args, '-o', output, path], {
    cwd: here,
    stdio: ['ignore', 'inherit', 'inherit'],
    // A group of its own, so that the compilers it starts end with it.
    detached: true,
  });
  let isLate = false;
  const timer = setTimeout(
    () => {
      isLate = true;
      endGroup(child);
    },
    Math.min(milliseconds, 2 ** 31 - 1),
  );
  const interrupted = (): void => endGroup(child);
  process.once('SIGINT', interrupted);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    if (isLate) return false;
    if (code !== 0) throw new Error(`go build ${path} ended with exit code ${code}`);
    return true;
  } finally {
    clearTimeout(timer);
    process.off('SIGINT', interrupted);
  }
}

function endGroup(child: ChildProcess): void {
  if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGTERM');
}

function version(): string {
  const found = /^\tk8s\.io\/kubernetes (v\S+)/m.exec(readFileSync(join(here, 'go.mod'), 'utf8'))?.[1];
  if (found === undefined) throw new Error('go.mod names no version of k8s.io/kubernetes');
  return found;
}
