/** The promises of "safe by default", each by itself, against the handler that the server runs. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MemoryCluster } from '../sources/memory-cluster.ts';
import { contentSecurityPolicy } from './answers.ts';
import type { Assets } from './assets.ts';
import { type Dashboard, startDashboard } from './dashboard.ts';
import { EventStream } from './event-stream.ts';
import { serveOnLoopback } from './node-server.ts';
import { fixedSource, type Source } from './source.ts';
import { parseManifests } from './testing/manifests.ts';

const text = (content: string, type: string) => ({ content: new TextEncoder().encode(content), type });
const assets: Assets = new Map([
  ['/index.html', text('<!doctype html><title>Padlock</title>', 'text/html')],
  ['/app.js', text('the program', 'text/javascript')],
  ['/app.css', text('body {}', 'text/css')],
]);
/** Time does not pass: whoever sleeps is woken by its signal only. */
const clock = {
  now: () => Date.parse('2026-11-26T12:00:00Z'),
  sleep: (_milliseconds: number, signal?: AbortSignal): Promise<void> =>
    new Promise((_resolve, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
    }),
};

const secret = 'hunter2-do-not-tell';
const source = fixedSource(
  parseManifests(`
apiVersion: v1
kind: Secret
metadata: { name: db, namespace: shop }
stringData: { password: ${secret} }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: app, namespace: shop }
data: { password: ${secret} }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: istio, namespace: istio-system }
data:
  mesh: |
    rootNamespace: istio-system
    defaultConfig:
      tracing:
        lightstep: { address: here }
        accessToken: ${secret}
      proxyMetadata:
        API_TOKEN: ${secret}
---
apiVersion: v1
kind: Namespace
metadata: { name: shop, annotations: { owner.example/key: ${secret} }, labels: { istio-injection: enabled } }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: shop, annotations: { example.com/token: ${secret} } }
spec:
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web }, annotations: { "proxy.istio.io/config": "proxyMetadata: { KEY: ${secret} }" } }
    spec:
      containers:
        - name: web
          image: example/web
          args: [--password, ${secret}]
          command: [run, ${secret}]
          env: [{ name: PASSWORD, value: ${secret} }]
          ports: [{ containerPort: 80 }]
          livenessProbe: { httpGet: { port: 80, httpHeaders: [{ name: authorization, value: ${secret} }] } }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: web, namespace: shop }
spec:
  hosts: [web]
  http: [{ headers: { request: { set: { authorization: ${secret} } } }, route: [{ destination: { host: web } }] }]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: key, namespace: shop }
spec: { rules: [{ when: [{ key: "request.headers[x-api-key]", values: [${secret}] }] }] }
---
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: { name: filter, namespace: shop }
spec: { configPatches: [{ patch: { value: { token: ${secret} } } }] }
---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec: { selector: { app: web }, ports: [{ name: http, port: 80 }] }
`),
  undefined,
);
const open: Dashboard[] = [];

async function start(allowChanges = false, from: Source = source): Promise<Dashboard> {
  const dashboard = await startDashboard({
    source: from,
    assets,
    port: 0,
    allowChanges,
    version: '1.2.3',
    clock,
    nonce: () => 'n',
    onError: (error) => {
      throw error;
    },
  });
  open.push(dashboard);
  return dashboard;
}

let dashboard: Dashboard;
/** What the page sends: the cookie and the key. */
let signedIn: Signed;
beforeAll(async () => {
  dashboard = await start();
  signedIn = await signIn(dashboard);
});
afterAll(() => Promise.all(open.map((one) => one.close())));

const tokenOf = (url: string): string => new URL(url).searchParams.get('token') ?? '';

type Headers = Readonly<Record<string, string>>;
type Signed = { readonly cookie: string; readonly 'x-padlock': string };

async function signIn(one: Dashboard): Promise<Signed> {
  const { headers } = await get(one, `/?token=${tokenOf(one.url)}`);
  return {
    cookie: headers.get('set-cookie')?.split(';')[0] ?? '',
    'x-padlock': /^\/#key=(.+)$/.exec(headers.get('location') ?? '')?.[1] ?? '',
  };
}

function get(one: Dashboard, path: string, headers: Headers = {}): Promise<Response> {
  const host = `127.0.0.1:${one.port}`;
  return one.handler(new Request(`http://${host}${path}`, { headers: { host, ...headers } }));
}

function post(one: Dashboard, path: string, headers: Headers = {}): Promise<Response> {
  const host = `127.0.0.1:${one.port}`;
  return one.handler(new Request(`http://${host}${path}`, { method: 'POST', headers: { host, ...headers } }));
}

const reads = [
  '/api/state',
  '/api/snapshot',
  '/api/posture',
  '/api/findings',
  '/api/events',
  '/api/rollouts',
];

test('it listens on loopback only', async () => {
  const outside = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .find(({ internal, family }) => !internal && family === 'IPv4');
  const reachable = (host: string): Promise<boolean> =>
    new Promise((resolve) => {
      const socket = connect(dashboard.port, host);
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
  expect(await reachable('127.0.0.1')).toBe(true);
  if (outside !== undefined) expect(await reachable(outside.address)).toBe(false);
});

test('without the cookie there is a sign-in page and nothing else', async () => {
  for (const path of [...reads, '/app.js', '/worker.js']) {
    const answer = await get(dashboard, path);
    expect(answer.status, path).toBe(401);
    expect(await answer.text()).not.toContain('web');
  }
  const page = await get(dashboard, '/');
  expect(page.status).toBe(401);
  expect(await page.text()).toContain('needs the token');
  const guess = { ...signedIn, cookie: `padlock-${dashboard.port}=guess` };
  expect((await get(dashboard, '/api/state', guess)).status).toBe(401);
});

test('the cookie alone opens nothing: a browser hands it to every port of this machine', async () => {
  const { cookie } = signedIn;
  for (const path of reads) {
    expect((await get(dashboard, path, { cookie })).status, path).toBe(401);
    expect((await get(dashboard, path, { cookie, 'x-padlock': '1' })).status, path).toBe(401);
    expect((await get(dashboard, path, { 'x-padlock': signedIn['x-padlock'] })).status, path).toBe(401);
  }
  // The page itself is the same for everybody, and has the key nowhere.
  const page = await get(dashboard, '/', { cookie });
  expect(page.status).toBe(200);
  expect(JSON.stringify([...page.headers]) + (await page.text())).not.toContain(signedIn['x-padlock']);
});

test('the token is exchanged for a cookie that scripts cannot read and other sites cannot send', async () => {
  const answer = await get(dashboard, `/?token=${tokenOf(dashboard.url)}`);
  expect(answer.status).toBe(303);
  // The key is in the fragment: no log, no Referer and no other origin sees it.
  const location = answer.headers.get('location') ?? '';
  expect(location).toMatch(/^\/#key=[\w-]{43}$/);
  const set = answer.headers.get('set-cookie') ?? '';
  expect(set).toMatch(/; HttpOnly; SameSite=Strict; Path=\/$/);
  expect(set + location).not.toContain(tokenOf(dashboard.url));
  expect(set).not.toContain(signedIn['x-padlock']);
  expect((await get(dashboard, '/api/state', signedIn)).status).toBe(200);
  expect((await get(dashboard, '/?token=wrong')).status).toBe(403);
  expect((await get(dashboard, '/?token=')).headers.get('set-cookie')).toBeNull();
});

test('the token that is handed to a browser on a command line works once', async () => {
  const path = `/?token=${tokenOf(dashboard.urlOnce)}`;
  expect((await get(dashboard, path)).status).toBe(303);
  expect((await get(dashboard, path)).status).toBe(403);
});

test('tokens are random and long', async () => {
  const other = await start();
  const tokens = [dashboard.url, dashboard.urlOnce, other.url, other.urlOnce].map(tokenOf);
  expect(new Set(tokens).size).toBe(4);
  for (const token of tokens) expect(token).toMatch(/^[\w-]{32}$/);
});

test('a name that somebody else’s DNS points at loopback is refused (DNS rebinding)', async () => {
  const names =
    'evil.example 127.0.0.1.evil.example localhost.evil.example localhost. 127.0.0.1. 127.1 0.0.0.0';
  const strange = [
    '',
    ':80',
    '[::]',
    '[::ffff:127.0.0.1]',
    '127.0.0.1:x',
    '127.0.0.1, evil.example',
    'a@127.0.0.1',
  ];
  for (const host of [...names.split(' '), `evil.example:${dashboard.port}`, ...strange]) {
    const answer = await get(dashboard, '/api/state', { ...signedIn, host });
    expect(answer.status, host).toBe(403);
  }
  for (const host of ['localhost', `localhost:${dashboard.port}`, '[::1]:1', '127.0.0.1:20001']) {
    expect((await get(dashboard, '/api/state', { ...signedIn, host })).status, host).toBe(200);
  }
});

test('a request of another page is refused, of another local port too', async () => {
  for (const origin of ['https://evil.example', 'http://127.0.0.1:1', 'http://localhost', 'null']) {
    expect((await get(dashboard, '/api/state', { ...signedIn, origin })).status, origin).toBe(403);
  }
  for (const site of ['cross-site', 'same-site']) {
    const headers = { ...signedIn, 'sec-fetch-site': site, 'sec-fetch-mode': 'no-cors' };
    expect((await get(dashboard, '/api/snapshot', headers)).status, site).toBe(403);
  }
  // A person who follows a link is let in: the cookie decides.
  const link = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' };
  expect((await get(dashboard, '/', link)).status).toBe(401);
  expect((await get(dashboard, '/', { ...link, ...signedIn })).status).toBe(200);
});

test('nothing is done for a page that is not this one (CSRF)', async () => {
  const origin = `http://127.0.0.1:${dashboard.port}`;
  const whole = { ...signedIn, origin };
  for (const path of ['/api/evidence', '/api/verify/shop/Deployment/web', '/api/rollouts/shop/abort']) {
    for (const left of ['cookie', 'origin', 'x-padlock'] as const) {
      const { [left]: _left, ...headers } = whole;
      expect([401, 403], `${path} without ${left}`).toContain((await post(dashboard, path, headers)).status);
    }
    expect((await post(dashboard, path, { ...whole, origin: 'http://127.0.0.1:9' })).status).toBe(403);
    expect((await get(dashboard, path, signedIn)).status).toBe(405);
  }
  expect(await (await post(dashboard, '/api/evidence', whole)).json()).toMatchObject({
    error: expect.stringContaining('files are looked at'),
  });
});

test('a workload is probed only in the namespaces that it was started for', async () => {
  const cluster = new MemoryCluster();
  const one = await start(false, { ...source, look: source.look, cluster, namespaces: ['shop'] });
  const before = cluster.requests.length;
  const headers = { ...(await signIn(one)), origin: `http://127.0.0.1:${one.port}` };
  const answer = await post(one, '/api/verify/legacy/Deployment/batch', headers);
  expect(answer.status).toBe(404);
  expect(await answer.json()).toMatchObject({ hint: 'start it with -n legacy or -A to probe there' });
  expect(cluster.requests.length).toBe(before);
});

test('rollouts are not steered unless it was started with --allow-changes', async () => {
  const cluster = new MemoryCluster();
  const live: Source = { ...source, look: source.look, cluster };
  const closed = await start(false, live);
  const opened = await start(true, live);
  for (const [one, status] of [
    [closed, 403],
    [opened, 502],
  ] as const) {
    const headers = { ...(await signIn(one)), origin: `http://127.0.0.1:${one.port}` };
    for (const action of ['resume', 'abort']) {
      const answer = await post(one, `/api/rollouts/shop/${action}`, headers);
      expect(answer.status, action).toBe(status);
    }
  }
  expect(cluster.requests.filter((request) => !/^(get|list|watch) /.test(request))).toEqual([]);
});

test('every answer carries a Content-Security-Policy that allows nothing inline and no other host', async () => {
  expect(contentSecurityPolicy).not.toMatch(/unsafe|https?:|\*|data:/);
  expect(contentSecurityPolicy).toMatch(/default-src 'none'.*frame-ancestors 'none'/);
  const origin = `http://127.0.0.1:${dashboard.port}`;
  const answers = await Promise.all([
    ...['/', '/app.js', '/api/state', '/api/nothing', '/nothing'].map((path) =>
      get(dashboard, path, signedIn),
    ),
    get(dashboard, '/'),
    get(dashboard, '/api/state', { host: 'evil.example' }),
    post(dashboard, '/sign-in', { origin }),
  ]);
  for (const answer of answers) {
    expect(answer.headers.get('content-security-policy')).toBe(contentSecurityPolicy);
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect(answer.headers.get('referrer-policy')).toMatch(/^(no-referrer|same-origin)$/);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
  }
});

/** A request as bytes, for what no well-behaved client sends; resolves with all that comes back until the connection ends. */
function raw(text: string, port = dashboard.port): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let answer = '';
  return new Promise((resolve) => {
    socket.setEncoding('utf8').on('data', (chunk) => {
      answer += chunk;
    });
    socket.once('close', () => resolve(answer)).once('error', () => undefined);
    socket.write(text);
  });
}

test('strange requests are refused, and are no bug of the dashboard', async () => {
  const head = `HTTP/1.1\r\nHost: 127.0.0.1:${dashboard.port}\r\nConnection: close\r\n`;
  const own = `Cookie: ${signedIn.cookie}\r\nX-Padlock: ${signedIn['x-padlock']}\r\n`;
  for (const [text, status] of [
    [`TRACE / ${head}\r\n`, 400],
    [
      `OPTIONS /api/state ${head}Origin: http://127.0.0.1:1\r\nAccess-Control-Request-Headers: x-padlock\r\n\r\n`,
      403,
    ],
    [`DELETE /api/state ${head}${own}\r\n`, 403],
    [`GET http://a:b@127.0.0.1/api/state ${head}${own}\r\n`, 400],
    [`GET /%2e%2e/%2e%2e/package.json ${head}${own}\r\n`, 404],
    [`GET /../../package.json ${head}${own}\r\n`, 404],
    [`GET /%00 ${head}${own}\r\n`, 404],
    [`GET //evil.example/app.js ${head}\r\n`, 401],
    [`GET /api/state ${head}Host: evil.example\r\n${own}\r\n`, 403],
    [`GET /api/state HTTP/1.0\r\n${own}\r\n`, 400],
    [`GET /api/events ${head}Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n`, 401],
    [`POST /sign-in ${head}Content-Length: 70000\r\n\r\n${'x'.repeat(70_000)}`, 400],
    [`GET / ${head}X: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
  ] as const) {
    expect((await raw(text)).slice(0, 12), text.slice(0, 60)).toBe(`HTTP/1.1 ${status}`);
  }
});

test('whoever goes away in the middle of a request is no bug of the dashboard', async () => {
  const errors: unknown[] = [];
  const handled = Promise.withResolvers<void>();
  const server = await serveOnLoopback({
    port: 0,
    handler: async () => {
      handled.resolve();
      return new Response();
    },
    onError: (error) => errors.push(error),
  });
  const socket = connect(server.port, '127.0.0.1');
  const gone = once(socket, 'close');
  socket.write('POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\nhalf', () => socket.destroy());
  await gone;
  await raw('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n', server.port);
  await handled.promise;
  expect(errors).toEqual([]);
  await server.close();
});

test('HEAD of the events leaves no listener behind', async () => {
  let pings = 0;
  const events = new EventStream('boot', () => {
    pings++;
    return () => pings--;
  });
  const onError = (error: unknown): never => {
    throw error;
  };
  const server = await serveOnLoopback({
    port: 0,
    handler: async (request) => events.open(request),
    onError,
  });
  const ask = 'HEAD / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n';
  expect(await raw(ask, server.port)).toMatch(/^HTTP\/1\.1 200 [\s\S]*\r\n\r\n$/);
  expect([events.listeners, pings]).toEqual([0, 0]);
  await server.close();
});

test('the page has no inline script or style', () => {
  const page = readFileSync('src/ui/index.html', 'utf8');
  expect(page).not.toMatch(/<script(?![^>]*\ssrc=)|<style|\son\w+=|\sstyle=|javascript:/);
  expect(page).not.toMatch(/https?:\/\//);
});

test('secrets do not leave the process, wherever a manifest holds them', async () => {
  for (const path of [...reads, '/api/certificates', '/']) {
    if (path === '/api/events') continue;
    const answer = await get(dashboard, path, signedIn);
    expect(await answer.text(), path).not.toContain(secret);
  }
  const snapshot = await (await get(dashboard, '/api/snapshot', signedIn)).text();
  expect(snapshot).toContain('"containerPort":80');
  expect(snapshot).not.toContain('"kind":"Secret"');
  expect(snapshot).not.toContain('EnvoyFilter');
});
