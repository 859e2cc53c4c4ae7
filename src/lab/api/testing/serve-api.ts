/** For tests: an API server on a free port, a kubeconfig for its administrator, and the real kubectl run against it. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Kubelet } from '../../kubelet/kubelet.ts';
import { type ApiCertificates, createApiCertificates } from '../api-certificates.ts';
import type { KeyPem } from '../authority.ts';
import { createApi, type LabApi } from '../create-api.ts';
import { type ApiServer, startApiServer } from '../server.ts';

export interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ServedApi {
  readonly api: LabApi;
  readonly server: ApiServer;
  readonly certificates: ApiCertificates;
  readonly kubeconfig: string;
  /** What handlers threw that was no refusal: a test that sees one has found a bug. */
  readonly internalErrors: readonly unknown[];
  kubectl(args: readonly string[], stdin?: string): Promise<Output>;
  close(): Promise<void>;
}

/** The kubectl that tests run; `PADLOCK_KUBECTL` names another version. */
export function kubectlPath(): string {
  return process.env.PADLOCK_KUBECTL ?? 'kubectl';
}

/** False where there is no kubectl, so that a test can say why it is skipped. */
export function hasKubectl(): boolean {
  return spawnSync(kubectlPath(), ['version', '--client'], { stdio: 'ignore' }).status === 0;
}

export async function serveApi(kubelet: Kubelet, api: LabApi = createApi()): Promise<ServedApi> {
  const certificates = await createApiCertificates(new Date());
  const internalErrors: unknown[] = [];
  const server = await startApiServer({
    api,
    kubelet,
    host: '127.0.0.1',
    port: 0,
    caCertificate: certificates.caCertificate,
    certificate: certificates.server,
    onInternalError: (error) => internalErrors.push(error),
  });
  const folder = mkdtempSync(join(tmpdir(), 'padlock-api-'));
  const kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, kubeconfigText(server.url, certificates.caCertificate, certificates.admin), {
    mode: 0o600,
  });
  return {
    api,
    server,
    certificates,
    kubeconfig,
    internalErrors,
    kubectl: (args, stdin) =>
      run(kubectlPath(), ['--kubeconfig', kubeconfig, '--cache-dir', join(folder, 'cache'), ...args], stdin),
    close: async () => {
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function kubeconfigText(url: string, ca: string, user: KeyPem): string {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'lab',
    clusters: [{ name: 'lab', cluster: { server: url, 'certificate-authority-data': base64(ca) } }],
    users: [
      {
        name: 'admin',
        user: { 'client-certificate-data': base64(user.certificate), 'client-key-data': base64(user.key) },
      },
    ],
    contexts: [{ name: 'lab', context: { cluster: 'lab', user: 'admin' } }],
  });
}

function run(command: string, args: readonly string[], stdin = ''): Promise<Output> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? -1, stdout, stderr }));
    // kubectl may end without reading what it is sent.
    child.stdin.on('error', () => child.stdin.destroy());
    child.stdin.end(stdin);
  });
}
