/** The whole table of what arrives and what becomes of it, with real connections against real sidecars. */
import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import { connect as connectTls, createSecureContext, type SecureContext, TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { WorkloadCertificate } from '../ca/mesh-ca.ts';
import { peek } from './listener/peek.ts';
import { type SmallMesh, type SmallWorkload, startSmallMesh } from './testing/small-mesh.ts';
import { peerAuthentication } from './testing/test-mesh.ts';

type Wire = 'http' | 'tcp' | 'tls' | 'mtls-http' | 'mtls-tcp';
/**
 * `app`: the application answered, in plaintext to it. `app-tls`: it got the TLS bytes themselves. `400`: HTTP's protocol
 * error. `refused`: a reset or a TLS alert.
 */
type Outcome = 'app' | 'app-tls' | '400' | 'refused';

const ports = { HTTP: 8080, TCP: 9000, AUTO: 7000, undeclared: 6000 } as const;
let mesh: SmallMesh;
let server: SmallWorkload;
let outsider: SmallWorkload;
let identity: WorkloadCertificate;
let applicationTls: SecureContext;

beforeAll(async () => {
  mesh = await startSmallMesh();
  const own = await mesh.istiod.ca.issue({ spiffeId: 'spiffe://app.example/own', ttlSeconds: 600 });
  applicationTls = createSecureContext({ cert: own.chain, key: own.privateKey });
  identity = await mesh.istiod.ca.issue({
    spiffeId: 'spiffe://cluster.local/ns/shop/sa/caller',
    ttlSeconds: 600,
  });
  const listen = Object.fromEntries(Object.values(ports).map((port) => [port, application]));
  server = await mesh.workload({ name: 'server', namespace: 'shop', listen });
  outsider = await mesh.workload({ name: 'outsider', namespace: 'plain', inMesh: false });
  await mesh.service({
    name: 'server',
    namespace: 'shop',
    ports: [
      { name: 'http', port: 80, targetPort: ports.HTTP },
      { name: 'tcp', port: 90, targetPort: ports.TCP },
      { name: 'web', port: 70, targetPort: ports.AUTO },
    ],
    members: [server],
  });
});

afterAll(() => mesh.close());

const http = createServer((_request, response) => response.end('app'));

/** Speaks whatever it is spoken to: TLS of its own, HTTP, or bytes. */
function application(socket: Socket): void {
  void peek(socket, (bytes) => bytes).then((first) => {
    if (first === undefined) socket.destroy();
    else if (first[0] === 0x16) {
      const tls = new TLSSocket(socket, { isServer: true, secureContext: applicationTls });
      tls.on('error', () => tls.destroy());
      tls.on('data', () => tls.end('app-tls'));
    } else if (first.toString('latin1').startsWith('GET ')) {
      http.emit('connection', socket);
      socket.resume();
    } else {
      socket.on('data', () => socket.end('app'));
    }
  });
}

async function send(port: number, wire: Wire): Promise<Outcome> {
  const raw = await mesh.network.dial(outsider.ip, { ip: server.ip, port });
  raw.on('error', () => raw.destroy());
  const mutual = wire === 'mtls-http' || wire === 'mtls-tcp';
  const alpn =
    wire === 'mtls-http' ? ['istio-http/1.1', 'istio', 'http/1.1'] : ['istio-peer-exchange', 'istio'];
  const socket =
    wire === 'http' || wire === 'tcp'
      ? raw
      : connectTls({
          socket: raw,
          rejectUnauthorized: false,
          ...(mutual ? { cert: identity.chain, key: identity.privateKey, ALPNProtocols: alpn } : {}),
        });
  const text =
    wire === 'tcp' || wire === 'mtls-tcp'
      ? 'hello'
      : 'GET / HTTP/1.1\r\nHost: server\r\nConnection: close\r\n\r\n';
  socket.write(text);
  return new Promise((resolve) => {
    let received = '';
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1');
    });
    socket.on('error', () => resolve('refused'));
    socket.on('close', () => resolve(judge(received)));
    socket.on('end', () => socket.end());
  });
}

function judge(received: string): Outcome {
  if (received.includes('app-tls')) return 'app-tls';
  if (received.startsWith('HTTP/1.1 400')) return '400';
  return received.endsWith('app') ? 'app' : 'refused';
}

const wires: readonly Wire[] = ['http', 'tcp', 'tls', 'mtls-http', 'mtls-tcp'];
const expected: Readonly<Record<keyof typeof ports, Readonly<Record<string, readonly Outcome[]>>>> = {
  HTTP: {
    STRICT: ['refused', 'refused', 'refused', 'app', '400'],
    PERMISSIVE: ['app', '400', 'refused', 'app', '400'],
    // A TLS client takes the 400 that it gets in plaintext for a broken handshake.
    DISABLE: ['app', '400', 'refused', 'refused', 'refused'],
  },
  TCP: {
    STRICT: ['refused', 'refused', 'refused', 'app', 'app'],
    PERMISSIVE: ['app', 'app', 'app-tls', 'app', 'app'],
    DISABLE: ['app', 'app', 'app-tls', 'app-tls', 'app-tls'],
  },
  AUTO: {
    STRICT: ['refused', 'refused', 'refused', 'app', 'app'],
    PERMISSIVE: ['app', 'app', 'app-tls', 'app', 'app'],
    DISABLE: ['app', 'app', 'app-tls', 'app-tls', 'app-tls'],
  },
  undeclared: {
    STRICT: ['refused', 'refused', 'refused', 'app', 'app'],
    PERMISSIVE: ['app', 'app', 'app-tls', 'app', 'app'],
    DISABLE: ['app', 'app', 'app-tls', 'app-tls', 'app-tls'],
  },
};

test.each(['STRICT', 'PERMISSIVE', 'DISABLE'])('%s, on a port of each kind', async (mode) => {
  await mesh.apply(peerAuthentication('shop', mode));
  const got = Object.fromEntries(
    await Promise.all(
      Object.entries(ports).map(async ([kind, port]) => [
        kind,
        await Promise.all(wires.map((wire) => send(port, wire))),
      ]),
    ),
  );
  expect(got).toEqual(
    Object.fromEntries(Object.entries(expected).map(([kind, modes]) => [kind, modes[mode]])),
  );
});

test('a certificate of another trust domain, an expired one and one of another root are refused', async () => {
  await mesh.apply(peerAuthentication('shop', 'STRICT'));
  const good = identity;
  const other = await startSmallMesh();
  for (const bad of [
    await mesh.istiod.ca.issue({ spiffeId: 'spiffe://other.example/ns/shop/sa/caller', ttlSeconds: 600 }),
    await mesh.istiod.ca.issue({ spiffeId: good.spiffeId, ttlSeconds: -60 }),
    await other.istiod.ca.issue({ spiffeId: good.spiffeId, ttlSeconds: 600 }),
  ]) {
    identity = bad;
    expect(await send(ports.HTTP, 'mtls-http')).toBe('refused');
  }
  identity = good;
  expect(await send(ports.HTTP, 'mtls-http')).toBe('app');
  const { body } = await server.admin('/stats?filter=15006.ssl.fail');
  expect(body).toContain('ssl.fail_verify_san: 1\n');
  expect(body).toContain('ssl.fail_verify_error: 2\n');
  await other.close();
});
