/**
 * A real Kubernetes control plane on loopback: etcd, kube-apiserver and kube-controller-manager, built from
 * the Go modules that go.mod beside this file names, with Istio's CRDs as istio.io/api ships them. No nodes: what a kubelet would do is
 * the test's part. What Padlock's client and the lab's API server are held to.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createWriteStream, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { KubeletCertificates } from '../../src/lab/kubelet/server/kubelet-certificates.ts';
import type { ClusterProxy } from '../../src/lab/remote/cluster-proxy.ts';

const run = promisify(execFile);
const here = import.meta.dirname;

export interface ControlPlane {
  /** A kubeconfig file, 0600, whose one user is in `system:masters`. */
  readonly kubeconfig: string;
  readonly server: string;
  /** Ends the three processes and removes their files. */
  stop(): Promise<void>;
  /** Ends kube-apiserver alone and starts it again on the same port, as an upgrade does. */
  restartApiServer(): Promise<void>;
  /** Makes etcd forget its past: whoever goes on from an older version is told 410 Gone. */
  compact(): Promise<void>;
}

/** The folder that holds the built binaries; `PADLOCK_KUBERNETES_BIN` names another. */
export function binaryFolder(): string {
  return (
    process.env.PADLOCK_KUBERNETES_BIN ??
    join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'padlock', 'kubernetes')
  );
}

/** True where all three binaries are there, so that a test can say why it is skipped. */
export function isBuilt(): boolean {
  return ['etcd', 'kube-apiserver', 'kube-controller-manager'].every((name) =>
    existsSync(join(binaryFolder(), name)),
  );
}

/** The path of Istio's CRDs in the Go module istio.io/api, downloaded where it is not yet. */
export async function istioCrds(): Promise<string> {
  const { stdout } = await run('go', ['mod', 'download', '-json', 'istio.io/api'], { cwd: here });
  const module: unknown = JSON.parse(stdout);
  if (typeof module !== 'object' || module === null || !('Dir' in module) || typeof module.Dir !== 'string') {
    throw new Error(`go mod download printed no folder: ${stdout}`);
  }
  return join(module.Dir, 'kubernetes', 'customresourcedefinitions.gen.yaml');
}

export interface ControlPlaneOptions {
  /** False: no kube-controller-manager, so that objects stay exactly as they are written. */
  readonly controllers?: boolean;
  /** How the API server shows itself to kubelets, and knows them. Without it, it talks to none. */
  readonly kubelet?: Pick<KubeletCertificates, 'caCertificate' | 'client'>;
  /** An HTTP CONNECT proxy: what the API server sends to nodes, pods and services goes through it. */
  readonly proxy?: Pick<ClusterProxy, 'url' | 'caCertificate' | 'client'>;
  /** The address at which pods reach the API server. Without it, it listens on loopback alone. */
  readonly podsSee?: string;
}

/** Starts the control plane and waits until it is ready. Logs of the processes go to files in its own temporary folder. */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const folder = mkdtempSync(join(tmpdir(), 'padlock-kubernetes-'));
  const [etcdPort, peerPort, apiPort] = await freePorts(3);
  const token = randomBytes(16).toString('hex');
  writeFileSync(join(folder, 'tokens.csv'), `${token},test-admin,test-admin,system:masters\n`, {
    mode: 0o600,
  });
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  writeFileSync(join(folder, 'sa.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  writeFileSync(join(folder, 'sa.pub'), publicKey.export({ type: 'spki', format: 'pem' }), { mode: 0o600 });

  const towardsNodes = [...kubeletFlags(folder, options), ...proxyFlags(folder, options)];
  const etcdUrl = `http://127.0.0.1:${etcdPort}`;
  const peerUrl = `http://127.0.0.1:${peerPort}`;
  const address = options.podsSee ?? '127.0.0.1';
  const server = `https://${address}:${apiPort}`;
  const kubeconfig = join(folder, 'kubeconfig');
  const etcd = start(folder, 'etcd', [
    `--data-dir=${join(folder, 'etcd')}`,
    `--listen-client-urls=${etcdUrl}`,
    `--advertise-client-urls=${etcdUrl}`,
    `--listen-peer-urls=${peerUrl}`,
    `--initial-advertise-peer-urls=${peerUrl}`,
    `--initial-cluster=default=${peerUrl}`,
    '--unsafe-no-fsync',
  ]);
  const startApiServer = () =>
    start(folder, 'kube-apiserver', [
      `--etcd-servers=${etcdUrl}`,
      `--bind-address=${address}`,
      `--advertise-address=${address}`,
      `--secure-port=${apiPort}`,
      `--cert-dir=${join(folder, 'certs')}`,
      `--token-auth-file=${join(folder, 'tokens.csv')}`,
      '--authorization-mode=Node,RBAC',
      '--service-cluster-ip-range=10.96.0.0/16',
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${join(folder, 'sa.pub')}`,
      `--service-account-signing-key-file=${join(folder, 'sa.key')}`,
      '--allow-privileged=true',
      ...towardsNodes,
    ]);
  let apiServer = startApiServer();
  const ready = async () => {
    await until(`${server}/readyz`, token, () => apiServer.exitCode === null, folder);
  };
  await ready();
  writeFileSync(
    kubeconfig,
    kubeconfigText(server, readFileSync(join(folder, 'certs', 'apiserver.crt')), token),
    { mode: 0o600 },
  );
  const controllers =
    options.controllers === false
      ? undefined
      : start(folder, 'kube-controller-manager', [
          `--kubeconfig=${kubeconfig}`,
          '--bind-address=127.0.0.1',
          '--secure-port=0',
          '--leader-elect=false',
          '--use-service-account-credentials=false',
          `--service-account-private-key-file=${join(folder, 'sa.key')}`,
          `--root-ca-file=${join(folder, 'certs', 'apiserver.crt')}`,
        ]);
  return {
    kubeconfig,
    server,
    stop: async () => {
      if (controllers !== undefined) await end(controllers);
      await end(apiServer);
      await end(etcd);
      rmSync(folder, { recursive: true, force: true });
    },
    compact: () => compact(etcdUrl),
    restartApiServer: async () => {
      // It would wait a minute for the clients of its watches, and it serves nobody meanwhile.
      await end(apiServer, 2_000);
      apiServer = startApiServer();
      await ready();
    },
  };
}

/** By etcd's JSON gateway (etcd.io, "gRPC gateway"). */
async function compact(etcdUrl: string): Promise<void> {
  const ask = async (path: string, body: object): Promise<string> => {
    const answer = await fetch(`${etcdUrl}${path}`, { method: 'POST', body: JSON.stringify(body) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`etcd ${path}: ${answer.status} ${text}`);
    return text;
  };
  const head = await ask('/v3/kv/range', { key: Buffer.from('/').toString('base64') });
  const revision = /"revision":"(\d+)"/.exec(head)?.[1];
  await ask('/v3/kv/compaction', { revision, physical: true });
}

function kubeletFlags(folder: string, { kubelet }: ControlPlaneOptions): readonly string[] {
  if (kubelet === undefined) return [];
  return [
    `--kubelet-certificate-authority=${privateFile(folder, 'kubelet-ca.crt', kubelet.caCertificate)}`,
    `--kubelet-client-certificate=${privateFile(folder, 'kubelet-client.crt', kubelet.client.certificate)}`,
    `--kubelet-client-key=${privateFile(folder, 'kubelet-client.key', kubelet.client.key)}`,
    '--kubelet-preferred-address-types=InternalIP',
  ];
}

function proxyFlags(folder: string, { proxy }: ControlPlaneOptions): readonly string[] {
  if (proxy === undefined) return [];
  const tlsConfig = {
    caBundle: privateFile(folder, 'proxy-ca.crt', proxy.caCertificate),
    clientCert: privateFile(folder, 'proxy-client.crt', proxy.client.certificate),
    clientKey: privateFile(folder, 'proxy-client.key', proxy.client.key),
  };
  const config = {
    apiVersion: 'apiserver.k8s.io/v1beta1',
    kind: 'EgressSelectorConfiguration',
    egressSelections: [
      {
        name: 'cluster',
        connection: { proxyProtocol: 'HTTPConnect', transport: { tcp: { url: proxy.url, tlsConfig } } },
      },
    ],
  };
  const path = privateFile(folder, 'egress.json', JSON.stringify(config));
  return [`--egress-selector-config-file=${path}`];
}

function privateFile(folder: string, name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

function start(folder: string, name: string, args: readonly string[]): ChildProcess {
  const log = createWriteStream(join(folder, `${name}.log`), { flags: 'a', mode: 0o600 });
  const child = spawn(join(binaryFolder(), name), args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout?.pipe(log, { end: false });
  child.stderr?.pipe(log, { end: false });
  return child;
}

async function end(child: ChildProcess, patienceMs = 10_000): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const hard = setTimeout(() => child.kill('SIGKILL'), patienceMs);
  await ended;
  clearTimeout(hard);
}

/** Ports that were free a moment ago; a race with another program shows as a start that fails with its log. */
async function freePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => {
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  });
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

async function until(url: string, token: string, alive: () => boolean, folder: string): Promise<void> {
  const { Agent, request } = await import('undici');
  // The serving certificate is made by the server itself during its start; its readiness is all that is asked here.
  const dispatcher = new Agent({ connect: { rejectUnauthorized: false } });
  const deadline = Date.now() + 120_000;
  try {
    while (Date.now() < deadline) {
      if (!alive()) throw new Error(`kube-apiserver ended: ${tail(join(folder, 'kube-apiserver.log'))}`);
      const status = await request(url, { dispatcher, headers: { authorization: `Bearer ${token}` } }).then(
        async (response) => {
          await response.body.dump();
          return response.statusCode;
        },
        () => 0,
      );
      if (status === 200) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  } finally {
    await dispatcher.close();
  }
  throw new Error(`kube-apiserver was not ready in time: ${tail(join(folder, 'kube-apiserver.log'))}`);
}

function tail(file: string): string {
  return readFileSync(file, 'utf8').slice(-2000);
}

function kubeconfigText(server: string, certificate: Buffer, token: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'real',
    clusters: [
      { name: 'real', cluster: { server, 'certificate-authority-data': certificate.toString('base64') } },
    ],
    users: [{ name: 'admin', user: { token } }],
    contexts: [{ name: 'real', context: { cluster: 'real', user: 'admin' } }],
  });
}
