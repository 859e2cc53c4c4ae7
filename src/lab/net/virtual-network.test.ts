import { once } from 'node:events';
import { createServer as createHttpServer, get } from 'node:http';
import { createConnection, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import type { KubeObject } from '../../istio/kubernetes.ts';
import { resolveName } from './dns.ts';
import type { Endpoint, Network } from './network.ts';
import { createServiceBook, type ServiceBook } from './service-table.ts';
import { createNetwork } from './virtual-network.ts';

const open: Network[] = [];
afterEach(async () => {
  for (const network of open.splice(0)) await network.close();
});

async function network(book: ServiceBook = createServiceBook()): Promise<Network> {
  const made = await createNetwork(book);
  open.push(made);
  return made;
}

function service(name: string, spec: Record<string, unknown>): KubeObject {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'shop' }, spec };
}

function slice(name: string, port: number, endpoints: readonly unknown[]): KubeObject {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${name}-x`, namespace: 'shop', labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    endpoints,
    ports: [{ name: 'http', port, protocol: 'TCP' }],
  };
}

test('a connection arrives with both virtual addresses and carries bytes both ways', async () => {
  const net = await network();
  const seen: Endpoint[] = [];
  net.attach('10.244.0.2', (socket, from, to) => {
    seen.push(from, to);
    socket.pipe(socket);
  });
  const socket = await net.dial('10.244.0.1', { ip: '10.244.0.2', port: 80 });
  socket.end('ping');
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk);
  expect(Buffer.concat(chunks).toString()).toBe('ping');
  expect(seen).toEqual([
    { ip: '10.244.0.1', port: expect.any(Number) },
    { ip: '10.244.0.2', port: 80 },
  ]);
});

test('an HTTP server takes handed sockets', async () => {
  const net = await network();
  const server = createHttpServer((_request, response) => response.end('hello'));
  net.attach('10.244.0.2', (socket) => server.emit('connection', socket));
  const socket = await net.dial('10.244.0.1', { ip: '10.244.0.2', port: 80 });
  const request = get({ createConnection: () => socket, host: 'x' });
  const [response] = await once(request, 'response');
  expect(await new Response(response).text()).toBe('hello');
});

test('a reset at one end is a reset at the other', async () => {
  const net = await network();
  net.attach('10.244.0.2', (socket) => socket.resetAndDestroy());
  const socket = await net.dial('10.244.0.1', { ip: '10.244.0.2', port: 80 });
  const [error] = await once(socket, 'error');
  expect(error.code).toBe('ECONNRESET');
});

test('no listener refuses, no address has no route, and a detached address resets what is open', async () => {
  const net = await network();
  const accepted: Socket[] = [];
  const detach = net.attach(
    '10.244.0.2',
    (socket) => accepted.push(socket),
    (port) => port === 80,
  );
  await expect(net.dial('10.244.0.1', { ip: '10.244.0.2', port: 81 })).rejects.toMatchObject({
    code: 'ECONNREFUSED',
  });
  await expect(net.dial('10.244.0.1', { ip: '10.244.0.3', port: 80 })).rejects.toMatchObject({
    code: 'EHOSTUNREACH',
  });
  const socket = await net.dial('10.244.0.1', { ip: '10.244.0.2', port: 80 });
  detach();
  const [error] = await once(socket, 'error');
  expect(error.code).toBe('ECONNRESET');
  await expect(net.dial('10.244.0.1', { ip: '10.244.0.2', port: 80 })).rejects.toMatchObject({
    code: 'EHOSTUNREACH',
  });
});

test('an address is taken once', async () => {
  const net = await network();
  net.attach('10.244.0.2', (socket) => socket.end());
  expect(() => net.attach('10.244.0.2', (socket) => socket.end())).toThrow('EADDRINUSE');
});

test('a stranger who connects to the host port reaches nobody', async () => {
  const net = await network();
  const arrived: Socket[] = [];
  net.attach('10.244.0.2', (socket) => arrived.push(socket));
  const own = await net.dial('10.244.0.1', { ip: '10.244.0.2', port: 80 });
  const stranger = createConnection({ host: '127.0.0.1', port: own.remotePort ?? 0 });
  await once(stranger, 'close');
  expect(arrived).toHaveLength(1);
});

test('many connections at once each find their own end', async () => {
  const net = await network();
  net.attach('10.244.0.2', (socket, from) => socket.end(String(from.port)));
  const dials = Array.from({ length: 200 }, () => net.dial('10.244.0.1', { ip: '10.244.0.2', port: 80 }));
  for (const socket of await Promise.all(dials)) {
    const own = String(socket.localPort);
    const [data] = await once(socket, 'data');
    expect(data.toString()).toBe(own);
    socket.destroy();
  }
});

test('a service address goes to its ready endpoints in turn, and is refused without any', async () => {
  const book = createServiceBook();
  const net = await network(book);
  for (const ip of ['10.244.0.2', '10.244.0.3', '10.244.0.4']) {
    net.attach(ip, (socket, _from, to) => socket.end(`${to.ip}:${to.port}`));
  }
  book.put(service('web', { clusterIP: '10.96.0.9', ports: [{ name: 'http', port: 8000 }] }));
  const to = { ip: '10.96.0.9', port: 8000 };
  await expect(net.dial('10.244.0.1', to)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  book.put(
    slice('web', 8080, [
      { addresses: ['10.244.0.2'], conditions: { ready: true } },
      { addresses: ['10.244.0.3'] },
      { addresses: ['10.244.0.4'], conditions: { ready: false } },
    ]),
  );
  const answers = new Set<string>();
  for (let index = 0; index < 4; index += 1) {
    const socket = await net.dial('10.244.0.1', to);
    const [data] = await once(socket, 'data');
    answers.add(data.toString());
  }
  expect(answers).toEqual(new Set(['10.244.0.2:8080', '10.244.0.3:8080']));
});

test('names resolve by the search path, headless services to their pods, hosts and aliases to what they name', () => {
  const book = createServiceBook();
  book.put(service('web', { clusterIP: '10.96.0.9', ports: [{ name: 'http', port: 80 }] }));
  book.put(service('db', { clusterIP: 'None', ports: [{ name: 'http', port: 80 }] }));
  book.put(service('alias', { type: 'ExternalName', externalName: 'web.shop.svc.cluster.local' }));
  book.put(service('loop', { type: 'ExternalName', externalName: 'loop.shop.svc.cluster.local' }));
  book.put(
    slice('db', 80, [
      { addresses: ['10.244.0.2'], hostname: 'db-0' },
      { addresses: ['10.244.0.3'], conditions: { ready: false } },
    ]),
  );
  const cases: readonly (readonly [string, string, readonly string[]])[] = [
    ['web', 'shop', ['10.96.0.9']],
    ['web', 'other', []],
    ['web.shop', 'other', ['10.96.0.9']],
    ['web.shop.svc', 'other', ['10.96.0.9']],
    ['WEB.shop.svc.cluster.local', 'other', ['10.96.0.9']],
    ['web.shop.svc.cluster.local.', 'other', ['10.96.0.9']],
    ['web.', 'shop', []],
    ['db', 'shop', ['10.244.0.2']],
    ['db-0.db', 'shop', ['10.244.0.2']],
    ['db-1.db', 'shop', []],
    ['x.web', 'shop', []],
    ['alias', 'shop', ['10.96.0.9']],
    ['loop', 'shop', []],
    ['10-244-0-7.shop.pod', 'other', ['10.244.0.7']],
    ['10.1.2.3', 'other', ['10.1.2.3']],
    ['example.com', 'shop', []],
  ];
  for (const [name, namespace, addresses] of cases) {
    expect([name, namespace, ...resolveName(book, name, namespace)]).toEqual([name, namespace, ...addresses]);
  }
});
