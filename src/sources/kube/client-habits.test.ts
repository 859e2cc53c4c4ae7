/** What people expect of every Kubernetes client: proxies, logins that run out, a pod's own account, and no storms. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createTcp, connect as dial, type Socket, type Server as TcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ServedApi, serveApi } from '../../lab/api/testing/serve-api.ts';
import type { Kubelet } from '../../lab/kubelet/kubelet.ts';
import type { Cluster, ResourceType } from '../cluster.ts';
import { ApiCluster } from './api-cluster.ts';
import { type ConnectOptions, connectCluster } from './connect.ts';
import { credentialsFor } from './credentials.ts';
import { chooseContext } from './kubeconfig.ts';
import { inClusterKubeconfig } from './kubeconfig-files.ts';
import { Transport } from './transport.ts';

const namespaces: ResourceType = { group: '', version: 'v1', plural: 'namespaces', namespaced: false };
const refuse = (): never => {
  throw new Error('no kubelet here');
};
const noKubelet: Kubelet = { running: refuse, logs: refuse, dial: refuse };

let folder: string;
const closers: (() => Promise<unknown>)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'padlock-client-'));
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  rmSync(folder, { recursive: true });
});

async function listening(server: Server | TcpServer): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  closers.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function served(): Promise<ServedApi> {
  const api = await serveApi(noKubelet);
  closers.push(api.close);
  return api;
}

/** The kubeconfig of a served API with more in its cluster entry. */
function withCluster(api: ServedApi, more: object): string {
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'here',
    contexts: [{ name: 'here', context: { cluster: 'c', user: 'u' } }],
    clusters: [
      {
        name: 'c',
        cluster: {
          server: api.server.url,
          'certificate-authority-data': base64(api.certificates.caCertificate),
          ...more,
        },
      },
    ],
    users: [
      {
        name: 'u',
        user: {
          'client-certificate-data': base64(api.certificates.admin.certificate),
          'client-key-data': base64(api.certificates.admin.key),
        },
      },
    ],
  };
  return kubeconfigFile(config);
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');

function kubeconfigFile(config: unknown): string {
  const file = join(folder, 'config');
  writeFileSync(file, JSON.stringify(config));
  return file;
}

const open = (kubeconfig: string, more: Partial<ConnectOptions> = {}): Promise<Cluster> =>
  connectCluster({ kubeconfig, env: { PATH: process.env.PATH }, now: () => Date.now(), ...more });

/** An HTTP proxy that only tunnels; it keeps what it was asked. */
async function httpProxy(password: string): Promise<{ readonly port: number; readonly asked: string[] }> {
  const asked: string[] = [];
  const server = createServer();
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    asked.push(request.url ?? '');
    const wanted = `Basic ${base64(`me:${password}`)}`;
    if (request.headers['proxy-authorization'] !== wanted) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
      return;
    }
    const [host = '', port = ''] = (request.url ?? '').split(':');
    const onward = dial(Number(port), host, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    for (const end of [socket, onward]) end.on('error', () => end.destroy());
  });
  return { port: await listening(server), asked };
}

/** SOCKS 5 as RFC 1928 has it: no authentication, CONNECT to an IPv4 address or a name. */
async function socksProxy(): Promise<{ readonly port: number; readonly asked: string[] }> {
  const asked: string[] = [];
  const server = createTcp((socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', () => {
      socket.write(Buffer.of(5, 0));
      socket.once('data', (request: Buffer) => {
        const isName = request[3] === 3;
        const end = isName ? 5 + (request[4] ?? 0) : 8;
        const host = isName ? request.subarray(5, end).toString() : request.subarray(4, 8).join('.');
        const port = request.readUInt16BE(end);
        asked.push(`${host}:${port}`);
        const onward = dial(port, host, () => {
          socket.write(Buffer.of(5, 0, 0, 1, 127, 0, 0, 1, 0, 0));
          onward.pipe(socket).pipe(onward);
        });
        onward.on('error', () => socket.destroy());
      });
    });
  });
  return { port: await listening(server), asked };
}

test('proxy-url: TLS with the API server’s own certificate, through an HTTP proxy that wants a password', async () => {
  const api = await served();
  const proxy = await httpProxy('p@ss');
  const file = withCluster(api, { 'proxy-url': `http://me:p%40ss@127.0.0.1:${proxy.port}` });
  const { items } = await (await open(file)).list(namespaces);
  expect(items.map((item) => item.metadata.name)).toContain('kube-system');
  expect(proxy.asked).toEqual([`127.0.0.1:${api.server.port}`]);
  const wrong = withCluster(api, { 'proxy-url': `http://me:guess@127.0.0.1:${proxy.port}` });
  await expect((await open(wrong)).list(namespaces)).rejects.toMatchObject({
    code: 'CLUSTER_UNREACHABLE',
    message: expect.stringContaining('refused a tunnel'),
  });
});

test('proxy-url: SOCKS 5, and a watch and a WebSocket go the same way', async () => {
  const api = await served();
  const proxy = await socksProxy();
  const cluster = await open(withCluster(api, { 'proxy-url': `socks5://127.0.0.1:${proxy.port}` }));
  const { resourceVersion } = await cluster.list(namespaces);
  const ending = new AbortController();
  const created = api.kubectl(['create', 'namespace', 'seen']);
  for await (const event of cluster.watch(namespaces, resourceVersion, { signal: ending.signal })) {
    if (event.type === 'ADDED') expect(event.object.metadata.name).toBe('seen');
    break;
  }
  expect((await created).code).toBe(0);
  const asked = proxy.asked.length;
  await expect(cluster.exec('default', 'nobody', ['true'])).rejects.toMatchObject({
    code: expect.stringMatching(/^CLUSTER_/),
  });
  expect(proxy.asked.length).toBeGreaterThan(asked);
  expect(new Set(proxy.asked)).toEqual(new Set([`127.0.0.1:${api.server.port}`]));
});

test('a proxy that is not there is what is told, not an API server that is not there', async () => {
  const api = await served();
  for (const kind of ['http', 'socks5']) {
    // Nothing listens on port 1.
    const file = withCluster(api, { 'proxy-url': `${kind}://me:p4ss@127.0.0.1:1` });
    const error: unknown = await (await open(file)).list(namespaces).catch((caught: unknown) => caught);
    expect(error).toMatchObject({
      code: 'CLUSTER_UNREACHABLE',
      message: expect.stringMatching(/through the proxy 127\.0\.0\.1:1: .*ECONNREFUSED/),
      hint: expect.stringContaining('NO_PROXY'),
    });
  }
});

test('tls-server-name is what the certificate is held to; another name, or another authority, is refused', async () => {
  const api = await served();
  const good = await open(withCluster(api, { 'tls-server-name': 'kubernetes.default.svc' }));
  expect((await good.list(namespaces)).items.length).toBeGreaterThan(3);
  const bad = await open(withCluster(api, { 'tls-server-name': 'elsewhere.example' }));
  await expect(bad.list(namespaces)).rejects.toThrow(
    /shows a certificate that the kubeconfig does not trust/,
  );
  const other = await served();
  const stranger = withCluster(api, {
    'certificate-authority-data': base64(other.certificates.caCertificate),
  });
  await expect((await open(stranger)).list(namespaces)).rejects.toThrow(/does not trust/);
});

/** A plain server that answers every GET with an empty list, and keeps the Authorization headers. */
async function plainServer(
  answer?: (n: number) => { readonly status: number; readonly headers?: object },
  together = 1,
) {
  const gate = Promise.withResolvers<void>();
  const seen: string[] = [];
  let open = 0;
  let most = 0;
  const server = createServer((request, response) => {
    seen.push(request.headers.authorization ?? '');
    open += 1;
    most = Math.max(most, open);
    if (open === together) gate.resolve();
    const { status, headers } = answer?.(seen.length) ?? { status: 200 };
    // Nobody is answered before so many have asked.
    void gate.promise.then(() => {
      open -= 1;
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      response.end('{"kind":"NamespaceList","apiVersion":"v1","metadata":{},"items":[]}');
    });
  });
  return { port: await listening(server), seen, most: () => most };
}

const plainConfig = (port: number, user: object): string =>
  kubeconfigFile({
    kind: 'Config',
    'current-context': 'here',
    contexts: [{ name: 'here', context: { cluster: 'c', user: 'u' } }],
    clusters: [{ name: 'c', cluster: { server: `http://127.0.0.1:${port}` } }],
    users: [{ name: 'u', user }],
  });

function plugin(body: string): { readonly exec: object } {
  const file = join(folder, 'plugin.cjs');
  writeFileSync(file, body);
  return {
    exec: {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: process.execPath,
      args: [file],
      interactiveMode: 'Never',
      provideClusterInfo: true,
      installHint: 'get it from your platform team',
    },
  };
}

test('an exec plug-in is run once for many requests, and again when its token has run out', async () => {
  const server = await plainServer();
  const runs = JSON.stringify(join(folder, 'runs'));
  const user = plugin(`const fs = require('node:fs');
fs.appendFileSync(${runs}, 'x');
const n = fs.readFileSync(${runs}, 'utf8').length;
const info = JSON.parse(process.env.KUBERNETES_EXEC_INFO);
const token = new URL(info.spec.cluster.server).port + '-' + n;
console.log(JSON.stringify({ apiVersion: info.apiVersion, kind: 'ExecCredential', status: {
  token, expirationTimestamp: '2026-01-01T01:00:00Z' } }));`);
  let now = Date.parse('2026-01-01T00:00:00Z');
  const cluster = await open(plainConfig(server.port, user), { now: () => now });
  await Promise.all(Array.from({ length: 20 }, () => cluster.list(namespaces)));
  expect(new Set(server.seen)).toEqual(new Set([`Bearer ${server.port}-1`]));
  now = Date.parse('2026-01-01T00:59:55Z');
  await cluster.list(namespaces);
  expect(server.seen.at(-1)).toBe(`Bearer ${server.port}-2`);
});

test('requests that wait together when a token runs out run the plug-in once, also where what it gives has run out already', async () => {
  const server = await plainServer();
  const runs = join(folder, 'runs');
  const user = plugin(`require('node:fs').appendFileSync(${JSON.stringify(runs)}, 'x');
console.log(JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status: {
  token: 'old', expirationTimestamp: '2026-01-01T00:00:00Z' } }));`);
  const cluster = await open(plainConfig(server.port, user), {
    now: () => Date.parse('2026-06-01T00:00:00Z'),
  });
  await Promise.all(Array.from({ length: 12 }, () => cluster.list(namespaces)));
  expect(readFileSync(runs, 'utf8')).toBe('xx');
});

test('a plug-in is told the authority of a file and the cluster’s own extension, and gets standard input only from a person', async () => {
  const server = await plainServer();
  const said = join(folder, 'said');
  const { exec } = plugin(`const fs = require('node:fs');
const { spec } = JSON.parse(process.env.KUBERNETES_EXEC_INFO);
fs.writeFileSync(${JSON.stringify(said)}, JSON.stringify({ spec, region: process.env.REGION, input: fs.readFileSync(0, 'utf8') }));
console.log(JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status: { token: 't' } }));`);
  writeFileSync(join(folder, 'ca.pem'), 'PEM');
  const entry = { ...exec, interactiveMode: 'IfAvailable', env: [{ name: 'REGION', value: 'eu' }] };
  const extensions = [{ name: 'client.authentication.k8s.io/exec', extension: { audience: 'shop' } }];
  const address = `http://127.0.0.1:${server.port}`;
  const cluster = { server: address, 'certificate-authority': 'ca.pem', extensions };
  const config = { ...JSON.parse(readFileSync(plainConfig(server.port, { exec: entry }), 'utf8')) };
  const file = kubeconfigFile({ ...config, clusters: [{ name: 'c', cluster }] });
  await (await open(file)).list(namespaces);
  expect(JSON.parse(readFileSync(said, 'utf8'))).toEqual({
    spec: {
      interactive: false,
      cluster: {
        server: address,
        'certificate-authority-data': base64('PEM'),
        config: { audience: 'shop' },
      },
    },
    region: 'eu',
    input: '',
  });
  const always = plainConfig(server.port, { exec: { ...entry, interactiveMode: 'Always' } });
  await expect((await open(always)).list(namespaces)).rejects.toMatchObject({
    code: 'CLUSTER_UNAUTHORIZED',
    message: expect.stringContaining('there is no terminal'),
  });
});

test('a plug-in that is missing, fails or talks nonsense is one sentence with what to do', async () => {
  const server = await plainServer();
  const failing = async (user: object): Promise<unknown> =>
    (await open(plainConfig(server.port, user))).list(namespaces).catch((error: unknown) => error);
  const exec = {
    apiVersion: 'client.authentication.k8s.io/v1',
    command: 'no-such-plugin-here',
    installHint: 'ask',
  };
  expect(await failing({ exec })).toMatchObject({
    code: 'CLUSTER_UNAUTHORIZED',
    message: 'cannot run "no-such-plugin-here", which the kubeconfig logs in with: there is no such program',
    hint: 'ask',
  });
  expect(
    await failing(
      plugin(
        'console.log(JSON.stringify({apiVersion:"client.authentication.k8s.io/v1beta1",status:{token:"t"}}))',
      ),
    ),
  ).toMatchObject({
    message: expect.stringContaining('answers in client.authentication.k8s.io/v1beta1'),
  });
  expect(await failing(plugin('process.exit(3)'))).toMatchObject({
    message: expect.stringContaining('ended with exit code 3'),
  });
  expect(await failing(plugin('console.log("hello")'))).toMatchObject({
    message: expect.stringContaining('not JSON'),
  });
  expect(
    await failing({ exec: { ...exec, apiVersion: 'client.authentication.k8s.io/v1alpha1' } }),
  ).toMatchObject({
    code: 'KUBECONFIG_INVALID',
  });
  expect(server.seen).toEqual([]);
});

test('inside a cluster: the pod’s own account, namespace and authority; a renewed token is used at once', async () => {
  const api = await served();
  await api.kubectl([
    'create',
    'clusterrolebinding',
    'all',
    '--clusterrole=cluster-admin',
    '--serviceaccount=default:bot',
  ]);
  await api.kubectl(['create', 'serviceaccount', 'bot']);
  const token = async (): Promise<string> => (await api.kubectl(['create', 'token', 'bot'])).stdout.trim();
  mkdirSync(join(folder, 'account'));
  const file = (name: string): string => join(folder, 'account', name);
  writeFileSync(file('ca.crt'), api.certificates.caCertificate);
  writeFileSync(file('namespace'), 'shop\n');
  writeFileSync(file('token'), await token());
  const env = { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: String(api.server.port) };
  const config = inClusterKubeconfig(env, join(folder, 'account'));
  if (config === undefined) throw new Error('expected a configuration');
  const chosen = chooseContext(config, undefined);
  const now = (): number => Date.now();
  const transport = await Transport.open({
    context: chosen.name,
    cluster: chosen.cluster,
    credentials: credentialsFor(chosen.user, { env, now, cluster: chosen.cluster, isTerminal: false }),
    env,
    requestTimeoutMs: 10_000,
    headers: {},
  });
  const cluster = new ApiCluster({ transport, defaultNamespace: chosen.namespace, now, random: () => 0 });
  expect(cluster.defaultNamespace).toBe('shop');
  expect((await cluster.list(namespaces)).items.length).toBeGreaterThan(3);
  writeFileSync(file('token'), 'run-out');
  await expect(cluster.list(namespaces)).rejects.toMatchObject({ code: 'CLUSTER_UNAUTHORIZED' });
  writeFileSync(file('token'), await token());
  expect((await cluster.list(namespaces)).items.length).toBeGreaterThan(3);
});

test('no storm: a hundred questions at once are a dozen at a time, and 429 is waited out', async () => {
  const server = await plainServer(
    (n) => (n % 10 === 3 ? { status: 429, headers: { 'retry-after': '0' } } : { status: 200 }),
    12,
  );
  const cluster = await open(plainConfig(server.port, { token: 'x' }));
  await Promise.all(Array.from({ length: 100 }, () => cluster.list(namespaces)));
  expect(server.most()).toBe(12);
  expect(server.seen.length).toBeGreaterThanOrEqual(111);
});
