import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import type { Socket } from 'node:net';
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { KubeObject } from '../../istio/kubernetes.ts';
import { type SmallMesh, type SmallWorkload, startSmallMesh } from './testing/small-mesh.ts';
import { type Answer, get, KeptConnection } from './testing/test-client.ts';
import { peerAuthentication } from './testing/test-mesh.ts';

let mesh: SmallMesh;
let client: SmallWorkload;
const servers: SmallWorkload[] = [];
let bare: SmallWorkload;
let ownTls: SecureContext;

beforeAll(async () => {
  mesh = await startSmallMesh();
  const own = await mesh.istiod.ca.issue({ spiffeId: 'spiffe://app.example/own', ttlSeconds: 600 });
  ownTls = createSecureContext({ cert: own.chain, key: own.privateKey });
  client = await mesh.workload({ name: 'client', namespace: 'shop', serviceAccount: 'client' });
  for (const version of ['v1', 'v2']) {
    servers.push(
      await mesh.workload({
        name: `server-${version.slice(1)}`,
        namespace: 'bank',
        labels: { version },
        listen: applications(version),
      }),
    );
  }
  bare = await mesh.workload({
    name: 'bare',
    namespace: 'plain',
    inMesh: false,
    listen: applications('bare'),
  });
  const ports = [
    { name: 'http', port: 80, targetPort: 8080 },
    { name: 'tcp', port: 90, targetPort: 9000 },
    { name: 'grpc', port: 70, targetPort: 7000 },
    { name: 'https', port: 443, targetPort: 8443 },
    { name: 'http-empty', port: 81, targetPort: 8081 },
  ];
  await mesh.service({ name: 'server', namespace: 'bank', ports, members: servers });
  await mesh.service({ name: 'bare', namespace: 'plain', ports, members: [bare] });
  await mesh.service({
    name: 'peers',
    namespace: 'bank',
    ports: [{ name: 'tcp', port: 9000, targetPort: 9000 }],
    headless: true,
    members: servers,
  });
  await mesh.service({
    name: 'nobody',
    namespace: 'bank',
    ports: [{ name: 'http', port: 80, targetPort: 80 }],
    members: [],
  });
  await mesh.apply(peerAuthentication('bank', 'STRICT'));
});

afterAll(() => mesh.close());

/** What each workload serves; its answers tell which one it is and what it was told. */
function applications(version: string): Readonly<Record<number, (socket: Socket) => void>> {
  const http = createServer(async (request, response) => {
    if (request.url === '/reset') {
      request.socket.resetAndDestroy();
      return;
    }
    if (request.url === '/half') {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half');
      setImmediate(() => response.destroy());
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    response.setHeader('x-version', version);
    response.end(JSON.stringify({ version, path: request.url, bytes, headers: request.headers }));
  });
  const grpc = createHttp2Server();
  grpc.on('stream', (stream) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.pipe(stream);
  });
  return {
    8080: (socket) => http.emit('connection', socket),
    9000: (socket) => socket.pipe(socket),
    7000: (socket) => grpc.emit('connection', socket),
    8443: (socket) => {
      const tls = new TLSSocket(socket, { isServer: true, secureContext: ownTls });
      tls.on('error', () => tls.destroy());
      tls.on('data', () => tls.end(`tls ${version}`));
    },
  };
}

/** One request as the client's application makes it: the host of the URL is what its sidecar routes by. */
function call(
  host: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  port = 80,
): Promise<Answer> {
  return get(() => client.connect(host, port), path, { host: `${host}:${port}`, ...headers });
}

test('requests are spread over the endpoints, each with the identity of the caller', async () => {
  const seen = new Set<string>();
  for (let count = 0; count < 4; count += 1) {
    const { body, headers } = await call('server.bank', '/a?b=c');
    const answer = JSON.parse(body);
    seen.add(answer.version);
    expect(answer.path).toBe('/a?b=c');
    expect(answer.headers['x-forwarded-client-cert']).toContain('URI=spiffe://cluster.local/ns/shop/sa/');
    expect(headers.server).toBe('envoy');
    expect(headers).not.toHaveProperty('x-envoy-decorator-operation');
    expect(headers).not.toHaveProperty('x-envoy-peer-metadata-id');
  }
  expect(seen).toEqual(new Set(['v1', 'v2']));
});

test('an application in the mesh cannot forge an identity', async () => {
  const { body } = await call('server.bank', '/', {
    'x-forwarded-client-cert': 'By=x;URI=spiffe://forged',
  });
  expect(JSON.parse(body).headers['x-forwarded-client-cert']).not.toContain('forged');
});

test('bodies of megabytes pass in both directions and are counted', async () => {
  const connection = new KeptConnection(await client.connect('server.bank', 80));
  const { body } = await connection.send(
    'POST',
    '/upload',
    { host: 'server.bank', 'content-type': 'text/plain' },
    Buffer.alloc(3_000_000, 'x'),
  );
  expect(JSON.parse(body).bytes).toBe(3_000_000);
  connection.socket.destroy();
  expect(
    client.log.some((line) => line.includes('"POST /upload HTTP/1.1" 200 - via_upstream - "-" 3000000 ')),
  ).toBe(true);
});

test('TCP goes through mutual TLS, half-close and all', async () => {
  const socket = await client.connect('server.bank', 90);
  socket.end('over tcp');
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk);
  expect(Buffer.concat(chunks).toString()).toBe('over tcp');
  const { body } = await client.admin('/stats/prometheus', 15090);
  expect(body).toMatch(
    /istio_tcp_connections_closed_total\{reporter="source",source_workload="client".*destination_service="server.bank.svc.cluster.local".*request_protocol="tcp"/,
  );
});

test('gRPC keeps its trailers over HTTP/2 on both legs', async () => {
  const socket = await client.connect('server.bank', 70);
  const session = connectHttp2('http://server.bank:70', { createConnection: () => socket });
  const stream = session.request({
    ':method': 'POST',
    ':path': '/echo',
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  const trailers = once(stream, 'trailers');
  stream.end('frame');
  let body = '';
  for await (const chunk of stream) body += chunk;
  expect(body).toBe('frame');
  expect((await trailers)[0]['grpc-status']).toBe('0');
  session.destroy();
  const { body: stats } = await client.admin('/stats?filter=upstream_cx_http2_total');
  expect(stats).toMatch(/outbound\|70\|\|server.bank.svc.cluster.local;.upstream_cx_http2_total: 1/);
});

test('the Prometheus page keeps what its filter finds in the names before tags, and refuses what is no expression', async () => {
  const page = (filter: string): Promise<{ readonly status: number; readonly body: string }> =>
    client.admin(`/stats/prometheus?filter=${encodeURIComponent(filter)}`);
  const metricsOf = ({ body }: { readonly body: string }): readonly string[] =>
    [...body.matchAll(/^# TYPE (\S+)/gm)].map((match) => match[1] ?? '');
  expect(metricsOf(await page('istio_requests_total|server.uptime'))).toEqual([
    'istio_requests_total',
    'envoy_server_uptime',
  ]);
  expect(metricsOf(await page('destination_service_name.nobody'))).toEqual([]);
  expect(metricsOf(await page(''))).toContain('istio_request_bytes');
  expect(await page('(')).toMatchObject({ status: 400 });
});

test("an application's own TLS travels inside the mesh's", async () => {
  const { connect } = await import('node:tls');
  const socket = connect({ socket: await client.connect('server.bank', 443), rejectUnauthorized: false });
  socket.write('hello');
  expect(String((await once(socket, 'data'))[0])).toMatch(/^tls v[12]$/);
  socket.destroy();
});

test('headless services are called by pod address over mutual TLS', async () => {
  const socket = await client.connect('peers.bank', 9000);
  socket.write('peer');
  expect(String((await once(socket, 'data'))[0])).toBe('peer');
  socket.destroy();
});

test('a pod address that no listener knows is plaintext, which STRICT refuses', async () => {
  const ip = servers[0]?.ip ?? '';
  await expect(call(ip, '/', {}, 8080)).rejects.toMatchObject({ code: 'ECONNRESET' });
});

test('outside the mesh everything is plaintext, and Istio headers show', async () => {
  const { body } = await call('bare.plain', '/');
  const { headers } = JSON.parse(body);
  expect(headers).not.toHaveProperty('x-forwarded-client-cert');
  expect(headers['x-envoy-peer-metadata-id']).toMatch(
    /^sidecar~10\.244\.9\.\d+~client\.shop~shop\.svc\.cluster\.local$/,
  );
});

test.each([
  ['no endpoint', 'nobody.bank', 80, '/', 503, 'no healthy upstream', '503 UH no_healthy_upstream'],
  [
    'nothing listens',
    'server.bank',
    81,
    '/',
    503,
    'upstream connect error or disconnect/reset before headers. retried and the latest reset reason: remote connection failure, transport failure reason: delayed connect error: Connection refused',
    '503 - via_upstream',
  ],
  [
    'the application resets',
    'server.bank',
    80,
    '/reset',
    503,
    // Retried where the server's proxy had kept the connection: it cannot know that the request arrived.
    expect.stringMatching(
      /^upstream connect error or disconnect\/reset before headers\. (retried and the latest )?reset reason: connection termination$/,
    ),
    '503 - via_upstream',
  ],
])('%s', async (_case, host, port, path, status, body, logged) => {
  expect(await call(host, path, {}, port)).toMatchObject({ status, body });
  expect(client.log.at(-1)).toContain(`" ${logged}`);
});

test('an answer that breaks off breaks off for the client too', async () => {
  await expect(call('server.bank', '/half')).rejects.toThrow();
  expect(client.log.at(-1)).toContain('upstream_reset_after_response_started{connection_termination}');
});

const rule = (tls: Readonly<Record<string, unknown>>): KubeObject => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'DestinationRule',
  metadata: { name: 'server', namespace: 'shop' },
  spec: { host: 'server.bank.svc.cluster.local', trafficPolicy: { tls } },
});

test('a DestinationRule that sends plaintext meets STRICT: 503 UC, as a real mesh answers', async () => {
  await mesh.apply(rule({ mode: 'DISABLE' }));
  const answer = await call('server.bank', '/');
  expect(answer.status).toBe(503);
  expect(answer.body).toBe(
    'upstream connect error or disconnect/reset before headers. reset reason: connection termination',
  );
  expect(client.log.at(-1)).toMatch(
    /" 503 UC upstream_reset_before_response_started\{connection_termination\} - "-" 0 95 \d+ - /,
  );
  await mesh.apply(rule({ mode: 'ISTIO_MUTUAL' }));
  expect((await call('server.bank', '/')).status).toBe(200);
  await mesh.remove('destinationrules.networking.istio.io', 'shop', 'server');
});

test('a subset with its own TLS settings, and weights between subsets', async () => {
  await mesh.apply(
    {
      ...rule({ mode: 'ISTIO_MUTUAL' }),
      spec: {
        host: 'server.bank.svc.cluster.local',
        subsets: ['v1', 'v2'].map((version) => ({ name: version, labels: { version } })),
      },
    },
    {
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: { name: 'server', namespace: 'shop' },
      spec: {
        hosts: ['server.bank.svc.cluster.local'],
        http: [
          {
            name: 'only-v2',
            match: [{ uri: { prefix: '/v2' }, headers: { 'x-want': { exact: 'v2' } } }],
            route: [{ destination: { host: 'server.bank.svc.cluster.local', subset: 'v2' } }],
          },
          { route: [{ destination: { host: 'server.bank.svc.cluster.local', subset: 'v1' } }] },
        ],
      },
    },
  );
  for (let count = 0; count < 4; count += 1) {
    expect(JSON.parse((await call('server.bank', '/v2/x', { 'x-want': 'v2' })).body).version).toBe('v2');
    expect(JSON.parse((await call('server.bank', '/v2x', { 'x-want': 'v2' })).body).version).toBe('v1');
  }
  expect(client.log.at(-2)).toMatch(/outbound\|80\|v2\|server.bank.svc.cluster.local .* - only-v2$/);
  await mesh.remove('virtualservices.networking.istio.io', 'shop', 'server');
  await mesh.remove('destinationrules.networking.istio.io', 'shop', 'server');
});

test('an unknown destination is refused where the mesh allows registered ones only', async () => {
  await mesh.apply({
    apiVersion: 'networking.istio.io/v1',
    kind: 'Sidecar',
    metadata: { name: 'default', namespace: 'shop' },
    spec: { outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' }, egress: [{ hosts: ['bank/*'] }] },
  });
  expect((await call('server.bank', '/')).status).toBe(200);
  const blocked = await call('bare.plain', '/');
  expect(blocked.status).toBe(502);
  await mesh.remove('sidecars.networking.istio.io', 'shop', 'default');
});
