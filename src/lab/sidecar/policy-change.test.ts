import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import type { Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { type SmallMesh, type SmallWorkload, startSmallMesh } from './testing/small-mesh.ts';
import { get, KeptConnection, startLoad } from './testing/test-client.ts';
import { peerAuthentication } from './testing/test-mesh.ts';

let mesh: SmallMesh | undefined;
afterEach(() => mesh?.close());

interface Scene {
  readonly mesh: SmallMesh;
  readonly server: SmallWorkload;
  readonly client: SmallWorkload;
  readonly outsider: SmallWorkload;
  /** Requests to /slow wait here until the test ends them. */
  readonly waiting: ServerResponse[];
}

async function scene(options: Parameters<typeof startSmallMesh>[0] = {}): Promise<Scene> {
  const made = await startSmallMesh(options);
  mesh = made;
  const waiting: ServerResponse[] = [];
  const http: Server = createServer((request, response) => {
    if (request.url === '/slow') waiting.push(response);
    else response.end('hello');
  });
  const listen = {
    8080: (socket: Socket) => http.emit('connection', socket),
    9000: (socket: Socket) => socket.pipe(socket),
  };
  const server = await made.workload({ name: 'server', namespace: 'shop', listen });
  const client = await made.workload({ name: 'client', namespace: 'shop' });
  const outsider = await made.workload({ name: 'outsider', namespace: 'plain', inMesh: false });
  await made.service({
    name: 'server',
    namespace: 'shop',
    ports: [
      { name: 'http', port: 80, targetPort: 8080 },
      { name: 'tcp', port: 90, targetPort: 9000 },
    ],
    members: [server],
  });
  return { mesh: made, server, client, outsider, waiting };
}

const toServer =
  (from: SmallWorkload, port = 80) =>
  () =>
    from.connect('server.shop', port);

test('a plaintext connection from before STRICT is answered once more and told to close', async () => {
  const { mesh: small, outsider } = await scene();
  const old = new KeptConnection(await outsider.connect('server.shop', 80));
  expect((await old.get('/')).headers.connection).not.toBe('close');
  await small.apply(peerAuthentication('shop', 'STRICT'));
  const last = await old.get('/');
  expect(last).toMatchObject({ status: 200, body: 'hello', headers: { connection: 'close' } });
  await expect(get(toServer(outsider), '/')).rejects.toMatchObject({ code: 'ECONNRESET' });
});

test('a request that is under way when STRICT comes is not cut', async () => {
  const { mesh: small, outsider, waiting } = await scene({ drainSeconds: 30 });
  const slow = get(toServer(outsider), '/slow');
  await until(() => waiting.length === 1);
  await small.apply(peerAuthentication('shop', 'STRICT'));
  waiting[0]?.end('late');
  expect(await slow).toMatchObject({ status: 200, body: 'late' });
});

test('an idle plaintext connection ends with the drain time, TCP as well as HTTP', async () => {
  const { mesh: small, outsider } = await scene({ drainSeconds: 0.2 });
  const idle = await outsider.connect('server.shop', 80);
  const tcp = await outsider.connect('server.shop', 90);
  tcp.write('a');
  expect(String((await once(tcp, 'data'))[0])).toBe('a');
  const closed = Promise.all([once(idle.resume(), 'close'), once(tcp, 'close')]);
  idle.on('error', () => idle.destroy());
  idle.on('end', () => idle.end());
  tcp.on('end', () => tcp.end());
  idle.write('GET / HTTP/1.1\r\nHost: server\r\n\r\n');
  await small.apply(peerAuthentication('shop', 'STRICT'));
  tcp.write('b');
  expect(String((await once(tcp, 'data'))[0])).toBe('b');
  await closed;
});

test('HTTP/2 is told to go away; its open stream ends well', async () => {
  const { mesh: small, outsider, waiting } = await scene({ drainSeconds: 30 });
  const socket = await outsider.connect('server.shop', 80);
  const session = connectHttp2('http://server', { createConnection: () => socket });
  const stream = session.request({ ':path': '/slow' });
  await until(() => waiting.length === 1);
  const goaway = once(session, 'goaway');
  await small.apply(peerAuthentication('shop', 'STRICT'));
  await goaway;
  waiting[0]?.end('late');
  const [headers] = await once(stream, 'response');
  expect(headers[':status']).toBe(200);
  let body = '';
  for await (const chunk of stream) body += chunk;
  expect(body).toBe('late');
  session.destroy();
});

test('between PERMISSIVE and STRICT no request of the mesh is lost, whoever hears of it first', async () => {
  const { mesh: small, client } = await scene({ propagation: { min: 5, max: 60, seed: 7 }, drainSeconds: 1 });
  const loads = Array.from({ length: 4 }, () => startLoad(toServer(client)));
  for (const mode of ['STRICT', 'PERMISSIVE', 'STRICT', 'PERMISSIVE']) {
    await small.apply(peerAuthentication('shop', mode));
    const before = loads.map((load) => load.sent);
    await until(() => loads.every((load, index) => load.sent > (before[index] ?? 0) + 20));
  }
  const results = await Promise.all(loads.map((load) => load.stop()));
  expect(results.flatMap(({ failures }) => failures)).toEqual([]);
});

test('leaving DISABLE loses requests where the client hears of it before the server, as on a real mesh', async () => {
  const { mesh: small, client, server } = await scene({ propagation: { min: 1, max: 400, seed: 3 } });
  await small.apply(peerAuthentication('shop', 'DISABLE'));
  const failures: string[] = [];
  // One of the switches finds the client first: the chance is one half for each.
  for (let round = 0; round < 12 && failures.length === 0; round += 1) {
    const load = startLoad(toServer(client));
    await small.apply(peerAuthentication('shop', 'PERMISSIVE'));
    failures.push(...(await load.stop()).failures);
    await small.apply(peerAuthentication('shop', 'DISABLE'));
  }
  expect(failures[0]).toContain(
    'upstream connect error or disconnect/reset before headers. retried and the latest reset reason: remote connection failure, transport failure reason: TLS_error:|268435703:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER:TLS_error_end',
  );
  expect(
    client.log.some((line) => line.includes('" 503 URX,UF upstream_reset_before_response_started{')),
  ).toBe(true);
  expect(server.log.some((line) => line.includes('"- - HTTP/1.1" 400 DPE http1.codec_error'))).toBe(true);
});

/** Until a condition of this process holds. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}
