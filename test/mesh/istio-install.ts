/** Installs Istio as its own installer renders it, for the Envoy that is there. */
import { execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';
import { meshBinary } from './binaries.ts';

const run = promisify(execFile);

export interface IstioOptions {
  /** Under `meshConfig`, as in an IstioOperator. */
  readonly meshConfig?: Readonly<Record<string, unknown>>;
  /** istiod's environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Applies Istio's resources. istiod itself is a pod of the node afterwards. */
export async function installIstio(kubeconfig: string, options: IstioOptions = {}): Promise<void> {
  const text = await manifests(options);
  const apply = (...more: readonly string[]) =>
    kubectl(kubeconfig, ['apply', '--server-side', '--force-conflicts', '-f', '-', ...more], text);
  await kubectl(kubeconfig, ['create', 'namespace', 'istio-system']);
  await apply();
}

export async function istioVersion(): Promise<string> {
  const { stdout } = await run(meshBinary('istioctl'), ['version', '--remote=false', '--short']);
  return stdout.trim().replace(/^client version: /, '');
}

async function manifests({ meshConfig = {}, env = {} }: IstioOptions): Promise<string> {
  const operator = {
    apiVersion: 'install.istio.io/v1alpha1',
    kind: 'IstioOperator',
    spec: {
      profile: 'minimal',
      hub: 'docker.io/istio',
      tag: await istioVersion(),
      meshConfig: {
        accessLogFile: '/dev/stdout',
        // Envoy as its own project ships it lacks Istio's extensions: istio.stats, istio.alpn, metadata exchange.
        defaultProviders: { metrics: [] },
        ...meshConfig,
      },
      values: {
        pilot: {
          autoscaleEnabled: false,
          env: { PILOT_ENABLE_ALPN_FILTER: 'false', PILOT_ENABLE_METADATA_EXCHANGE: 'false', ...env },
        },
      },
    },
  };
  return kubectlLike(meshBinary('istioctl'), ['manifest', 'generate', '-f', '-'], JSON.stringify(operator));
}

/** @returns what it printed */
export function kubectl(kubeconfig: string, args: readonly string[], input = ''): Promise<string> {
  return kubectlLike('kubectl', ['--kubeconfig', kubeconfig, ...args], input);
}

function kubectlLike(program: string, args: readonly string[], input: string): Promise<string> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk) => (out += chunk));
  child.stderr.on('data', (chunk) => (err += chunk));
  child.stdin.on('error', () => child.stdin.destroy());
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(out);
      else reject(new Error(`${program} ${args.join(' ')} ended with ${code}: ${err}`));
    });
  });
}
