import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { PadlockError } from '../../errors.ts';
import type { Cluster, ResourceType } from '../cluster.ts';
import { connectCluster } from './connect.ts';

const pods: ResourceType = { group: '', version: 'v1', plural: 'pods', namespaced: true };

let folder: string;
let server: Server;
let handler: (request: IncomingMessage, response: ServerResponse) => void;
let onChannels: (socket: WebSocket, request: IncomingMessage) => void;
let seen: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'padlock-test-'));
  seen = [];
  server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    handler(request, response);
  });
  const sockets = new WebSocketServer({ server, handleProtocols: (offered) => [...offered][0] ?? false });
  sockets.on('connection', (socket, request) => onChannels(socket, request));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true });
});

function address(): string {
  const where = server.address();
  return typeof where === 'object' && where !== null ? `http://127.0.0.1:${where.port}` : '';
}

async function connect(user = '{ token: secret }', extra: object = {}): Promise<Cluster> {
  const kubeconfig = join(folder, 'config');
  await writeFile(
    kubeconfig,
    `apiVersion: v1
kind: Config
current-context: here
contexts: [{ name: here, context: { cluster: c, user: u, namespace: shop } }]
clusters: [{ name: c, cluster: { server: '${address()}' } }]
users: [{ name: u, user: ${user} }]
`,
  );
  return connectCluster({ kubeconfig, env: { PATH: process.env.PATH }, now: Date.now, ...extra });
}

function json(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

async function gather<Item>(items: AsyncIterable<Item>): Promise<readonly Item[]> {
  const list: Item[] = [];
  for await (const item of items) list.push(item);
  return list;
}

async function failure(promise: Promise<unknown>): Promise<PadlockError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof PadlockError) return error;
  throw new Error(`expected a PadlockError, got ${String(error)}`);
}

test('a list follows the pages, fills in the type that members leave out, and reads gzip', async () => {
  handler = (request, response) => {
    expect(request.headers.authorization).toBe('Bearer secret');
    const second = request.url?.includes('continue=more') === true;
    const page = {
      kind: 'PodList',
      apiVersion: 'v1',
      metadata: second ? { resourceVersion: '7' } : { resourceVersion: '7', continue: 'more' },
      items: [{ metadata: { name: second ? 'b' : 'a' } }],
    };
    response.writeHead(200, { 'content-encoding': 'gzip' });
    response.end(gzipSync(JSON.stringify(page)));
  };
  const cluster = await connect();
  const list = await cluster.list(pods, { namespace: 'shop', labelSelector: 'app=a,tier!=b' });
  expect(list.resourceVersion).toBe('7');
  expect(list.items).toEqual([
    { kind: 'Pod', apiVersion: 'v1', metadata: { name: 'a' } },
    { kind: 'Pod', apiVersion: 'v1', metadata: { name: 'b' } },
  ]);
  expect(seen[0]).toBe('GET /api/v1/namespaces/shop/pods?labelSelector=app%3Da%2Ctier%21%3Db&limit=500');
  expect(cluster.defaultNamespace).toBe('shop');
});

test('a list whose later page has expired (410) is read anew in one piece; a first page that is refused so is an error', async () => {
  const expired = {
    kind: 'Status',
    code: 410,
    reason: 'Expired',
    message: 'The provided continue parameter is too old',
  };
  let always = false;
  handler = (request, response) => {
    const url = request.url ?? '';
    if (always || url.includes('continue=old')) return json(response, 410, expired);
    const whole = !url.includes('limit=');
    json(response, 200, {
      kind: 'PodList',
      apiVersion: 'v1',
      metadata: whole ? { resourceVersion: '9' } : { resourceVersion: '7', continue: 'old' },
      items: (whole ? ['b', 'c'] : ['a']).map((name) => ({ metadata: { name } })),
    });
  };
  const cluster = await connect();
  const list = await cluster.list(pods, { namespace: 'shop' });
  // Nothing of the old pages is left over.
  expect(list.items.map(({ metadata }) => metadata.name)).toEqual(['b', 'c']);
  expect(list.resourceVersion).toBe('9');
  always = true;
  expect((await failure(cluster.list(pods, { namespace: 'shop' }))).message).toContain('410');
});

test('a read is tried again after 429 with Retry-After and after a reset connection; a pod proxy’s 503 is an answer', async () => {
  let calls = 0;
  handler = (request, response) => {
    calls++;
    if (request.url?.includes('proxy'))
      return json(response, 503, { message: 'error trying to reach service' });
    if (calls === 1) return json(response, 429, {}, { 'retry-after': '0' });
    if (calls === 2) return void request.socket.resetAndDestroy();
    json(response, 200, { kind: 'Pod', apiVersion: 'v1', metadata: { name: 'a' } });
  };
  const cluster = await connect();
  expect((await cluster.get(pods, 'shop', 'a'))?.metadata.name).toBe('a');
  expect(calls).toBe(3);
  const answer = await cluster.raw({ method: 'GET', path: '/api/v1/namespaces/shop/pods/a:80/proxy/' });
  expect(answer.status).toBe(503);
  expect(calls).toBe(4);
});

test('refusals name what was refused and the rule that allows it', async () => {
  handler = (_request, response) =>
    json(response, 403, {
      kind: 'Status',
      message:
        'pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "shop"',
      code: 403,
    });
  const cluster = await connect();
  const error = await failure(cluster.list(pods, { namespace: 'shop' }));
  expect(error.code).toBe('CLUSTER_FORBIDDEN');
  expect(error.message).toBe('not allowed to list pods in namespace shop as jane');
  expect(error.hint).toBe('a Role needs the rule: apiGroups: [""], resources: ["pods"], verbs: ["list"]');
});

test('404 is undefined for get and an error for list; a page that is no API says so', async () => {
  handler = (request, response) =>
    request.url?.includes('secrets') ? response.end('<html>') : json(response, 404, { message: 'not found' });
  const cluster = await connect();
  expect(await cluster.get(pods, 'shop', 'gone')).toBeUndefined();
  expect((await failure(cluster.list(pods))).code).toBe('CLUSTER_NOT_FOUND');
  const other = await failure(cluster.list({ ...pods, plural: 'secrets' }));
  expect(other.message).toContain('is not a Kubernetes API server');
});

test('a watch yields events line by line, 410 as an ERROR event', async () => {
  handler = (request, response) => {
    if (request.url?.includes('resourceVersion=1&') || request.url?.endsWith('resourceVersion=1')) {
      return json(response, 410, { kind: 'Status', code: 410, reason: 'Expired' });
    }
    response.write('{"type":"ADDED","object":{"kind":"Pod","apiVersion":"v1","metadata":{"na');
    response.write(
      'me":"ä"}}}\n{"type":"BOOKMARK","object":{"kind":"Pod","apiVersion":"v1","metadata":{}}}\n',
    );
    response.end('{"type":"ERROR","object":{"code":410}}\n');
  };
  const cluster = await connect();
  const events = await gather(cluster.watch(pods, '5'));
  expect(events.map((event) => event.type)).toEqual(['ADDED', 'BOOKMARK', 'ERROR']);
  const expired = await gather(cluster.watch(pods, '1'));
  expect(expired).toEqual([{ type: 'ERROR', status: { kind: 'Status', code: 410, reason: 'Expired' } }]);
});

test('exec gathers both outputs and the exit code, and bounds the output', async () => {
  onChannels = (socket, request) => {
    expect(request.url).toContain('command=curl&command=-s');
    socket.send(Buffer.concat([Buffer.of(1), Buffer.from('out')]));
    socket.send(Buffer.concat([Buffer.of(2), Buffer.from('err')]));
    const status = {
      status: 'Failure',
      reason: 'NonZeroExitCode',
      details: { causes: [{ reason: 'ExitCode', message: '56' }] },
    };
    socket.send(Buffer.concat([Buffer.of(3), Buffer.from(JSON.stringify(status))]));
    socket.close();
  };
  const cluster = await connect();
  expect(await cluster.exec('shop', 'a', ['curl', '-s'], { container: 'app' })).toEqual({
    stdout: 'out',
    stderr: 'err',
    exitCode: 56,
  });
  const large = await failure(cluster.exec('shop', 'a', ['curl', '-s'], { maxOutput: 4 }));
  expect(large.code).toBe('INPUT_TOO_LARGE');
});

test('a port-forward carries bytes both ways and ends with the pod’s side', async () => {
  onChannels = (socket) => {
    const port = Buffer.from([0x98, 0x3a]);
    socket.send(Buffer.concat([Buffer.of(0), port]));
    socket.send(Buffer.concat([Buffer.of(1), port]));
    socket.on('message', (data) => {
      socket.send(Buffer.isBuffer(data) ? data : Buffer.from(''));
      socket.close();
    });
  };
  const cluster = await connect();
  const stream = await cluster.portForward('shop', 'a', 15000);
  stream.write('ping');
  const parts = await gather<Buffer>(stream);
  expect(Buffer.concat(parts).toString()).toBe('ping');
});

test('a refused WebSocket carries the API server’s reason', async () => {
  server.removeAllListeners('upgrade');
  server.on('upgrade', (_request, socket) => {
    socket.end(
      'HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\n{"message":"pods \\"a\\" is forbidden: User \\"jane\\" cannot create"}',
    );
  });
  const error = await failure((await connect()).exec('shop', 'a', ['true']));
  expect(error.code).toBe('CLUSTER_FORBIDDEN');
  expect(error.hint).toContain('pods/exec');
});

test('an exec plug-in is told about the request, its token is used, and a 401 makes it run again', async () => {
  const plugin = join(folder, 'plugin.cjs');
  const runs = join(folder, 'runs');
  await writeFile(
    plugin,
    `const fs = require('node:fs');
fs.appendFileSync(${JSON.stringify(runs)}, 'x');
const info = JSON.parse(process.env.KUBERNETES_EXEC_INFO);
const n = fs.readFileSync(${JSON.stringify(runs)}, 'utf8').length;
console.log(JSON.stringify({ apiVersion: info.apiVersion, kind: 'ExecCredential', status: { token: 'token-' + n } }));`,
  );
  const logins: (string | undefined)[] = [];
  handler = (request, response) => {
    logins.push(request.headers.authorization);
    if (request.headers.authorization === 'Bearer token-1')
      return json(response, 401, { message: 'Unauthorized' });
    json(response, 200, { kind: 'Pod', apiVersion: 'v1', metadata: { name: 'a' } });
  };
  const exec = `{ exec: { apiVersion: client.authentication.k8s.io/v1, command: '${process.execPath}', args: ['${plugin}'], interactiveMode: Never } }`;
  const cluster = await connect(exec);
  await Promise.all([cluster.get(pods, 'shop', 'a'), cluster.get(pods, 'shop', 'b')]);
  expect(new Set(logins)).toEqual(new Set(['Bearer token-1', 'Bearer token-2']));
});

test('impersonation is sent as headers, one for each group', async () => {
  let headers: IncomingMessage['headersDistinct'] = {};
  handler = (request, response) => {
    headers = request.headersDistinct;
    json(response, 200, { kind: 'Pod', apiVersion: 'v1', metadata: { name: 'a' } });
  };
  const cluster = await connect(undefined, { as: 'jane', asGroups: ['dev', 'ops'] });
  await cluster.get(pods, 'shop', 'a');
  expect(headers['impersonate-user']).toEqual(['jane']);
  expect(headers['impersonate-group']).toEqual(['dev', 'ops']);
});

test('no cluster, an answer that takes too long, and an unknown context are one sentence each', async () => {
  handler = () => undefined;
  const slow = await failure((await connect(undefined, { requestTimeout: 50 })).get(pods, 'shop', 'a'));
  expect(slow.message).toMatch(/did not answer within 0.05 s/);
  const unknown = await failure(connect(undefined, { context: 'nope' }));
  expect(unknown.code).toBe('CONTEXT_UNKNOWN');
  expect(unknown.hint).toContain('here');
  const cluster = await connect();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  const gone = await failure(cluster.get(pods, 'shop', 'a'));
  expect(gone.message).toContain('nothing listens there');
  server.listen(0, '127.0.0.1');
});
