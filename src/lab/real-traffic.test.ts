/**
 * Two readings of Istio's rules, on random policies: Padlock's posture, and the lab's control plane as real connections meet
 * it. They share parsers and no decision, so where they agree both are likely right; golden snapshots hold each to istiod.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls, createSecureContext, type SecureContext, TLSSocket } from 'node:tls';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { KubeObject } from '../istio/kubernetes.ts';
import { buildMesh } from '../mesh/mesh.ts';
import { type Posture, posture } from '../mesh/posture.ts';
import type { WorkloadCertificate } from './ca/mesh-ca.ts';
import { peek } from './sidecar/listener/peek.ts';
import { type SmallMesh, type SmallWorkload, startSmallMesh } from './sidecar/testing/small-mesh.ts';
import { get } from './sidecar/testing/test-client.ts';

/** Container ports, each with its Service port and the protocol that the Service's port name declares. */
const ports = [
  { name: 'http', port: 80, targetPort: 8080 },
  { name: 'tcp', port: 90, targetPort: 9000 },
  { name: 'web', port: 70, targetPort: 7000 },
] as const;
/** Served, and named by no Service. */
const loose = 6000;

let mesh: SmallMesh;
let workloads: readonly SmallWorkload[];
let outsider: SmallWorkload;
let caller: WorkloadCertificate;
let ownTls: SecureContext;

beforeAll(async () => {
  mesh = await startSmallMesh({ drainSeconds: 0 });
  const own = await mesh.istiod.ca.issue({ spiffeId: 'spiffe://app.example/own', ttlSeconds: 3600 });
  ownTls = createSecureContext({ cert: own.chain, key: own.privateKey });
  caller = await mesh.istiod.ca.issue({ spiffeId: 'spiffe://cluster.local/ns/shop/sa/x', ttlSeconds: 3600 });
  const listen = Object.fromEntries(
    [...ports.map(({ targetPort }) => targetPort), loose].map((port) => [port, application]),
  );
  const all = [
    await mesh.workload({ name: 'front', namespace: 'shop', listen }),
    await mesh.workload({ name: 'ledger', namespace: 'bank', listen }),
    await mesh.workload({ name: 'bare', namespace: 'plain', listen, inMesh: false }),
  ];
  for (const workload of all) {
    const { name, namespace = '' } = workload.pod.metadata;
    await mesh.service({ name, namespace, ports, members: [workload] });
    // Nobody translates ports on the way to a headless service's pods.
    const same = ports.map((port) => ({ ...port, port: port.targetPort }));
    const peers = { name: `${name}-peers`, namespace, members: [workload] };
    await mesh.service({ ...peers, ports: same, headless: true });
  }
  workloads = all;
  outsider = all[2] ?? raise();
});

afterAll(() => mesh.close());

function raise(): never {
  throw new Error('there is no such workload');
}

const http = createServer((request: IncomingMessage, response: ServerResponse) => {
  const encrypted = request.socket instanceof TLSSocket;
  response.end(JSON.stringify({ encrypted, xfcc: request.headers['x-forwarded-client-cert'] ?? '' }));
});

/** Speaks whatever it is spoken to: HTTP, bytes, and both within TLS of its own. */
function application(socket: Duplex): void {
  void peek(socket as Socket, (bytes) => bytes).then((first) => {
    if (first === undefined) socket.destroy();
    else if (first[0] === 0x16) {
      const tls = new TLSSocket(socket as Socket, { isServer: true, secureContext: ownTls });
      tls.on('error', () => tls.destroy());
      application(tls);
    } else if (first.toString('latin1').startsWith('GET ')) {
      http.emit('connection', socket);
      socket.resume();
    } else {
      socket.on('data', () => socket.end(socket instanceof TLSSocket ? 'encrypted' : 'clear'));
    }
  });
}

type Outcome = 'mtls' | 'plaintext' | 'tls' | 'refused';

/** Calls a Service's port as the workload's application does, and finds out what became of it. */
async function call(
  client: SmallWorkload,
  server: SmallWorkload,
  host: string,
  port: number,
): Promise<Outcome> {
  const connect = (): Promise<Socket> => client.connect(host, port);
  if (port === 90 || port === 9000) {
    const answer = await exchange(await connect(), 'hello');
    if (answer === 'encrypted') return 'tls';
    if (answer !== 'clear') return 'refused';
    // The log line of a connection is written when it ends, which the client may see first.
    if (server.sidecar === undefined) return 'plaintext';
    return (await serverName(server)) === '-' ? 'plaintext' : 'mtls';
  }
  try {
    const { status, body } = await get(connect, '/', { host: `${host}:${port}` });
    if (status !== 200) return 'refused';
    const { encrypted, xfcc } = JSON.parse(body);
    return encrypted === true ? 'tls' : xfcc === '' ? 'plaintext' : 'mtls';
  } catch (error) {
    // Without a proxy on the client's side nobody answers 503: the connection is reset, or closed without an answer.
    if (error instanceof Error && 'code' in error && error.code === 'ECONNRESET') return 'refused';
    throw error;
  }
}

/** The server name that the last finished connection asked for: `-` in plaintext. */
async function serverName(server: SmallWorkload): Promise<string> {
  const seen = logged.get(server) ?? 0;
  while (server.log.length === seen) await new Promise((resolve) => setImmediate(resolve));
  return server.log.at(-1)?.split(' ').at(-2) ?? '';
}
const logged = new Map<SmallWorkload, number>();

/** What a caller outside the mesh achieves on a pod's port, in plaintext or with a certificate of the mesh. */
async function knock(server: SmallWorkload, port: number, mutual: boolean): Promise<boolean> {
  const raw = await mesh.network.dial(outsider.ip, { ip: server.ip, port });
  raw.on('error', () => raw.destroy());
  const isHttp = port === 8080;
  const socket = mutual
    ? connectTls({
        socket: raw,
        rejectUnauthorized: false,
        cert: caller.chain,
        key: caller.privateKey,
        ALPNProtocols: isHttp ? ['istio-http/1.1', 'istio', 'http/1.1'] : ['istio-peer-exchange', 'istio'],
      })
    : raw;
  const text = isHttp ? 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' : 'hello';
  const answer = await exchange(socket, text);
  return isHttp ? answer.includes('"encrypted":false') : answer === 'clear';
}

function exchange(socket: Socket, text: string): Promise<string> {
  socket.write(text);
  return new Promise((resolve) => {
    let received = '';
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1');
    });
    socket.on('error', () => socket.destroy());
    socket.on('end', () => socket.end());
    socket.on('close', () => resolve(received));
  });
}

const mode = fc.constantFrom('STRICT', 'PERMISSIVE', 'DISABLE', 'UNSET');
const apps: Readonly<Record<string, readonly string[]>> = {
  'istio-system': ['front', 'ledger'],
  shop: ['front'],
  bank: ['ledger'],
  plain: ['bare'],
};

const policy = fc
  .record({
    namespace: fc.constantFrom(...Object.keys(apps)),
    selects: fc.option(fc.boolean(), { freq: 2 }),
    mtls: fc.option(mode, { freq: 4 }),
    perPort: fc.dictionary(fc.constantFrom('8080', '9000', '7000', '6000', '80'), mode, { maxKeys: 3 }),
  })
  .map(({ namespace, selects, mtls, perPort }): KubeObject => {
    // `false`: an empty selector, which counts as none.
    const app = apps[namespace]?.[0] ?? '';
    const selector = selects === null ? {} : { selector: selects ? { matchLabels: { app } } : {} };
    const withPorts = selects === true && Object.keys(perPort).length > 0;
    const portLevelMtls = Object.fromEntries(
      Object.entries(perPort).map(([port, own]) => [port, { mode: own }]),
    );
    return {
      apiVersion: 'security.istio.io/v1',
      kind: 'PeerAuthentication',
      metadata: { namespace, name: '' },
      spec: {
        ...selector,
        ...(mtls === null ? {} : { mtls: { mode: mtls } }),
        ...(withPorts ? { portLevelMtls } : {}),
      },
    };
  });

const tls = fc.constantFrom('DISABLE', 'SIMPLE', 'ISTIO_MUTUAL');
const rule = fc
  .record({
    namespace: fc.constantFrom('shop', 'bank', 'istio-system'),
    host: fc.constantFrom('front.shop', 'ledger.bank', 'ledger-peers.bank', 'bare.plain', '*.bank'),
    all: fc.option(tls, { freq: 3 }),
    port: fc.option(fc.tuple(fc.constantFrom(80, 90, 70), fc.option(tls, { freq: 3 }))),
    exportTo: fc.option(fc.constantFrom('.', '*'), { freq: 2 }),
  })
  .map(({ namespace, host, all, port, exportTo }): KubeObject => {
    const own = port === null ? [] : [{ port: { number: port[0] }, ...tlsOf(port[1]) }];
    return {
      apiVersion: 'networking.istio.io/v1',
      kind: 'DestinationRule',
      metadata: { namespace, name: '' },
      spec: {
        host: `${host}.svc.cluster.local`,
        trafficPolicy: { ...tlsOf(all), ...(own.length > 0 ? { portLevelSettings: own } : {}) },
        ...(exportTo === null ? {} : { exportTo: [exportTo] }),
      },
    };
  });

function tlsOf(mode: string | null): object {
  return mode === null ? {} : { tls: { mode } };
}

const policyType = 'peerauthentications.security.istio.io';
const ruleType = 'destinationrules.networking.istio.io';

async function replacePolicies(objects: readonly KubeObject[]): Promise<void> {
  for (const type of [policyType, ruleType]) {
    for (const { metadata } of mesh.api.list(type)) mesh.api.delete(type, metadata.namespace, metadata.name);
  }
  await mesh.apply(
    ...objects.map((object, index) => ({
      ...object,
      metadata: { ...object.metadata, name: `p${index}` },
    })),
  );
}

function declared(): Posture {
  const types = ['namespaces', 'pods', 'services', 'endpointslices.discovery.k8s.io', policyType, ruleType];
  const objects = types.flatMap((type) => mesh.api.list(type));
  const snapshot = {
    source: 'the lab',
    objects: objects.map((object) => ({ object, origin: { source: 'the lab' } })),
    unseen: [],
  };
  return posture(buildMesh(snapshot), { ports: [loose] });
}

function workloadOf(pod: string): SmallWorkload {
  return (
    workloads.find(({ pod: { metadata } }) => `${metadata.namespace}/${metadata.name}` === pod) ?? raise()
  );
}

test('what the posture says of random policies is what real connections meet', async () => {
  let rows = 0;
  const worlds = fc.tuple(fc.array(policy, { maxLength: 6 }), fc.array(rule, { maxLength: 3 }));
  await fc.assert(
    fc.asyncProperty(worlds, async ([policies, rules]) => {
      await replacePolicies([...policies, ...rules]);
      const { inbound, edges } = declared();
      for (const { pod, port, mtls, plaintext } of inbound) {
        const server = workloadOf(pod);
        const met = { mtls: await knock(server, port, true), plaintext: await knock(server, port, false) };
        expect({ pod, port, ...met }).toEqual({ pod, port, mtls, plaintext });
      }
      for (const { client, host, port, server, outcome } of edges) {
        const target = workloadOf(server);
        logged.set(target, target.log.length);
        const met = await call(workloadOf(client), target, host, port);
        expect({ client, host, port, outcome: met }).toEqual({ client, host, port, outcome });
      }
      rows += inbound.length + edges.length;
    }),
    { numRuns: Number(process.env.PADLOCK_RUNS ?? 8) },
  );
  expect(rows).toBeGreaterThan(0);
}, 120_000);
