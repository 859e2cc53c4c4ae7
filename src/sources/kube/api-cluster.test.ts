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

test('a list that breaks off in the middle is read again, whole', async () => {
  let calls = 0;
  handler = (request, response) => {
    calls++;
    const page = { kind: 'PodList', apiVersion: 'v1', metadata: {}, items: [{ metadata: { name: 'a' } }] };
    const zipped = gzipSync(JSON.stringify(page));
    response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': zipped.length });
    if (calls > 1) return void response.end(zipped);
    response.write(zipped.subarray(0, 20), () => request.socket.resetAndDestroy());
  };
  const { items } = await (await connect()).list(pods);
  expect(items.map(({ metadata }) => metadata.name)).toEqual(['a']);
  expect(calls).toBe(2);
});

const busy = 'Too many requests, please try again later.\n';
const write = { method: 'POST', path: '/api/v1/namespaces', body: '{}' } as const;
const throughProxy = { method: 'GET', path: '/api/v1/namespaces/shop/pods/a:80/proxy/x' } as const;
test.each([
  ['a write that was refused before it began', write, 429, '0', 'slow down', 2],
  ['a write that the server asks for again', write, 503, '0', '', 2],
  ['a write that may have been carried out', write, 500, undefined, '', 1],
  ['a write whose sender tries by itself', { ...write, retry: 'none' }, 429, '0', '', 1],
  ['a write that does the same twice', { ...write, retry: 'read' }, 500, undefined, '', 2],
  ['a pod’s own 429', throughProxy, 429, '0', 'slow down', 1],
  ['a pod’s own 503', throughProxy, 503, '0', '', 1],
  ['the API server’s 429 before the pod', throughProxy, 429, '0', busy, 2],
] as const)(
  '%s: %j after %i (Retry-After %s) "%s" is sent %i times',
  async (_name, request, status, retryAfter, body, times) => {
    let calls = 0;
    handler = (_request, response) => {
      calls++;
      const headers = retryAfter === undefined ? {} : { 'retry-after': retryAfter };
      response.writeHead(calls === 1 ? status : 200, headers).end(calls === 1 ? body : '{}');
    };
    const answer = await (await connect()).raw(request);
    expect(answer.status).toBe(times === 1 ? status : 200);
    expect(calls).toBe(times);
  },
);

test('a server that is too busy for long is asked ten times, and then it is said', async () => {
  handler = (_request, response) => response.writeHead(429, { 'retry-after': '0' }).end(busy);
  const answer = await (await connect(undefined, { random: () => 0 })).raw(write);
  expect(answer.status).toBe(429);
  expect(seen).toHaveLength(10);
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

test('a WebSocket that is refused without a word of closing does not spoil the next request', async () => {
  server.removeAllListeners('upgrade');
  server.on('upgrade', (_request, socket) => {
    const body = '{"message":"is forbidden"}';
    // As kube-apiserver does it: the connection looks as if it were kept, and serves nothing any more.
    socket.write(`HTTP/1.1 403 Forbidden\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    socket.on('data', () => socket.destroy()).on('end', () => socket.end());
  });
  const cluster = await connect();
  for (const question of [
    () => cluster.portForward('shop', 'a', 15000),
    () => cluster.exec('shop', 'a', ['true']),
  ])
    expect((await failure(question())).code).toBe('CLUSTER_FORBIDDEN');
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

test('a watch, and a WebSocket, get a fresh login after a 401 too; an application’s 401 behind the proxy is no reason', async () => {
  const plugin = join(folder, 'plugin.cjs');
  const runs = join(folder, 'runs');
  await writeFile(
    plugin,
    `const fs = require('node:fs');
fs.appendFileSync(${JSON.stringify(runs)}, 'x');
const n = fs.readFileSync(${JSON.stringify(runs)}, 'utf8').length;
console.log(JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status: { token: 'token-' + n } }));`,
  );
  const user = `{ exec: { apiVersion: client.authentication.k8s.io/v1, command: '${process.execPath}', args: ['${plugin}'], interactiveMode: Never } }`;
  const logins: (string | undefined)[] = [];
  let good = 'Bearer token-2';
  handler = (request, response) => {
    logins.push(request.headers.authorization);
    if (request.headers.authorization !== good || request.url?.includes('/proxy/'))
      return json(response, 401, { message: 'who are you?' });
    response.end('{"type":"ADDED","object":{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"}}}\n');
  };
  const cluster = await connect(user);
  expect(await gather(cluster.watch(pods, '5'))).toHaveLength(1);
  expect(logins).toEqual(['Bearer token-1', 'Bearer token-2']);
  expect((await cluster.raw(throughProxy)).status).toBe(401);
  expect(logins).toHaveLength(3);
  good = 'Bearer token-3';
  server.removeAllListeners('upgrade');
  const sockets = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => [...offered][0] ?? false,
  });
  server.on('upgrade', (request, socket, head) => {
    logins.push(request.headers.authorization);
    if (request.headers.authorization !== good) return socket.end('HTTP/1.1 401 Unauthorized\r\n\r\n');
    sockets.handleUpgrade(request, socket, head, (client) => {
      client.send(Buffer.concat([Buffer.of(3), Buffer.from('{"status":"Success"}')]));
    });
  });
  expect(await cluster.exec('shop', 'a', ['true'])).toEqual({ stdout: '', stderr: '', exitCode: 0 });
  expect(logins.slice(3)).toEqual(['Bearer token-2', 'Bearer token-3']);
});

test('impersonation is sent as headers, one for each group', async () => {
  let headers: IncomingMessage['headersDistinct'] = {};
  handler = (request, response) => {
    headers = request.headersDistinct;
    json(response, 200, { kind: 'Pod', apiVersion: 'v1', metadata: { name: 'a' } });
  };
  const cluster = await connect(undefined, { as: 'jane', asGroups: ['dev', 'ops'], asUid: '17' });
  await cluster.get(pods, 'shop', 'a');
  expect(headers['impersonate-user']).toEqual(['jane']);
  expect(headers['impersonate-group']).toEqual(['dev', 'ops']);
  expect(headers['impersonate-uid']).toEqual(['17']);
  // As kubectl: a flag replaces its own field of the kubeconfig, and no other.
  const user = '{ token: secret, as: bot, as-groups: [ci], as-uid: "4", as-user-extra: { "a/b": [x, y] } }';
  await (await connect(user, { as: 'jane' })).get(pods, 'shop', 'a');
  expect(headers['impersonate-user']).toEqual(['jane']);
  expect(headers['impersonate-group']).toEqual(['ci']);
  expect(headers['impersonate-uid']).toEqual(['4']);
  expect(headers['impersonate-extra-a%2fb']).toEqual(['x', 'y']);
  for (const alone of [{ asGroups: ['dev'] }, { asUid: '1' }]) {
    expect(await failure(connect(undefined, alone))).toMatchObject({ code: 'USAGE', hint: 'add --as USER' });
  }
});

test('no cluster, an answer that takes too long, and an unknown context are one sentence each', async () => {
  handler = () => undefined;
  const slow = await failure((await connect(undefined, { requestTimeout: 50 })).get(pods, 'shop', 'a'));
  expect(slow.message).toMatch(/did not answer within 0.05 s/);
  handler = (_request, response) =>
    json(response, 200, { kind: 'Pod', apiVersion: 'v1', metadata: { name: 'a' } });
  const patient = await connect(undefined, { requestTimeout: 0 });
  expect((await patient.get(pods, 'shop', 'a'))?.metadata.name).toBe('a');
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
