/**
 * Builds the real etcd, kube-apiserver and kube-controller-manager with the ordinary Go client, once: they stay in
 * the cache folder. A build that takes longer than its budget is ended; Go keeps what is compiled, so the next goes on.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { binaryFolder } from './control-plane.ts';

const here = import.meta.dirname;
const packages = {
  etcd: 'go.etcd.io/etcd/server/v3',
  'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
  'kube-controller-manager': 'k8s.io/kubernetes/cmd/kube-controller-manager',
  'kube-proxy': 'k8s.io/kubernetes/cmd/kube-proxy',
} as const;

export type KubernetesProgram = keyof typeof packages;

/** What a control plane without nodes consists of. */
export const controlPlanePrograms = ['etcd', 'kube-apiserver', 'kube-controller-manager'] as const;

/** @returns false where the budget ended first. */
export async function build(
  budgetMs: number,
  log: (line: string) => void,
  names: readonly KubernetesProgram[] = controlPlanePrograms,
): Promise<boolean> {
  const ldflags = `-X k8s.io/component-base/version.gitVersion=${version()}`;
  const folder = binaryFolder();
  const programs = names.map((name) => ({ name, path: packages[name], cwd: here, folder, ldflags }));
  return buildPrograms(programs, budgetMs, log);
}

export interface GoProgram {
  readonly name: string;
  /** The package, and a folder of the module that it is built in. */
  readonly path: string;
  readonly cwd: string;
  /** Where it is kept. */
  readonly folder: string;
  readonly ldflags: string;
}

/** Builds what is not there yet. @returns false where the budget ended first. */
export async function buildPrograms(
  programs: readonly GoProgram[],
  budgetMs: number,
  log: (line: string) => void,
): Promise<boolean> {
  const deadline = Date.now() + budgetMs;
  for (const program of programs) {
    const { name, path, folder } = program;
    mkdirSync(folder, { recursive: true });
    const target = join(folder, name);
    if (existsSync(target)) continue;
    log(`building ${name} (${path}); kept in ${folder}`);
    const started = Date.now();
    // Under another name until it is whole.
    const output = `${target}.${process.pid}`;
    if (!(await goBuild(output, program, deadline - started))) return false;
    renameSync(output, target);
    log(`built ${name} in ${Math.round((Date.now() - started) / 1000)} s`);
  }
  return true;
}

async function goBuild(
  output: string,
  { path, cwd, ldflags }: GoProgram,
  milliseconds: number,
): Promise<boolean> {
  if (milliseconds <= 0) return false;
  const child = spawn('go', ['build', '-trimpath', '-ldflags', ldflags, '-o', output, path], {
    cwd,
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
