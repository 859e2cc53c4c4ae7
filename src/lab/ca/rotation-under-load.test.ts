/** Certificates change under load: by their own end, by a new root, and after an outage of the authority. */
import { createServer, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { type SmallMesh, type SmallWorkload, startSmallMesh } from '../sidecar/testing/small-mesh.ts';
import { get, startLoad } from '../sidecar/testing/test-client.ts';
import { peerAuthentication } from '../sidecar/testing/test-mesh.ts';

let mesh: SmallMesh | undefined;
afterEach(() => mesh?.close());

async function scene(certTtlSeconds: number) {
  const small = await startSmallMesh({ certTtlSeconds });
  mesh = small;
  const http: Server = createServer((_request, response) => {
    // Every request is a connection, and a handshake with what is in force.
    response.setHeader('connection', 'close');
    response.end('hello');
  });
  const listen = { 8080: (socket: Socket) => void http.emit('connection', socket) };
  const server = await small.workload({ name: 'server', namespace: 'shop', listen });
  const client = await small.workload({ name: 'client', namespace: 'shop' });
  // As TCP, so that each connection of the client is one of its proxy too, with a handshake of its own.
  const ports = [{ name: 'tcp', port: 80, targetPort: 8080 }];
  await small.service({ name: 'server', namespace: 'shop', ports, members: [server] });
  await small.apply(peerAuthentication('shop', 'STRICT'));
  return { small, server, client, connect: () => client.connect('server.shop', 80) };
}

test('certificates that live two seconds are renewed under load without a failed request', async () => {
  const { server, client, connect } = await scene(2);
  const before = [await serial(server), await serial(client)];
  const load = startLoad(connect);
  for (const workload of [server, client]) {
    await until(async () => !before.includes(await serial(workload)));
  }
  const sent = load.sent;
  await until(() => load.sent > sent + 20);
  expect((await load.stop()).failures).toEqual([]);
});

test('the root changes with an overlap of trust and no failed request; without one connections fail', async () => {
  const { small, server, client, connect } = await scene(2);
  const { ca } = small.istiod;
  const load = startLoad(connect);
  await ca.addRoot();
  ca.signWithNewestRoot();
  const old = [await serial(server), await serial(client)];
  for (const workload of [server, client]) await until(async () => !old.includes(await serial(workload)));
  // Both hold certificates of the new root: the old one may go.
  ca.dropOldRoots();
  const sent = load.sent;
  await until(() => load.sent > sent + 20);
  expect((await load.stop()).failures).toEqual([]);

  // Without the overlap nobody trusts what the others still hold, until all have renewed.
  await ca.addRoot();
  ca.signWithNewestRoot();
  ca.dropOldRoots();
  await expect(get(connect, '/')).rejects.toThrow();
  await until(() =>
    get(connect, '/').then(
      () => true,
      () => false,
    ),
  );
});

test('an outage that ends before the certificates do is not felt; one that lasts longer is, and heals', async () => {
  const { small, server, client, connect } = await scene(2);
  const { ca } = small.istiod;
  const load = startLoad(connect);
  ca.setAvailable(false);
  const held = [await serial(server), await serial(client)];
  await until(async () => (await secondsLeft(server)) < 0.9 && (await secondsLeft(client)) < 0.9);
  ca.setAvailable(true);
  for (const workload of [server, client]) await until(async () => !held.includes(await serial(workload)));
  expect((await load.stop()).failures).toEqual([]);

  ca.setAvailable(false);
  await until(async () => (await secondsLeft(server)) < 0 && (await secondsLeft(client)) < 0);
  await expect(get(connect, '/')).rejects.toThrow();
  ca.setAvailable(true);
  await until(() =>
    get(connect, '/').then(
      () => true,
      () => false,
    ),
  );
});

interface CertsPage {
  readonly certificates: readonly {
    readonly cert_chain: readonly { readonly serial_number: string; readonly expiration_time: string }[];
  }[];
}

async function leaf(
  workload: SmallWorkload,
): Promise<{ readonly serial_number: string; readonly expiration_time: string }> {
  const page: CertsPage = JSON.parse((await workload.admin('/certs')).body);
  const found = page.certificates.flatMap(({ cert_chain }) => cert_chain)[0];
  if (found === undefined) throw new Error('the proxy holds no certificate');
  return found;
}

async function serial(workload: SmallWorkload): Promise<string> {
  return (await leaf(workload)).serial_number;
}

async function secondsLeft(workload: SmallWorkload): Promise<number> {
  return (Date.parse((await leaf(workload)).expiration_time) - Date.now()) / 1000;
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
}
