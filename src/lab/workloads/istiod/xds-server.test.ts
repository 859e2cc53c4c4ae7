/** istiod's port 15012, asked as istioctl asks it: gRPC by hand, over TLS, on a port-forward's way. */
import { type ClientHttp2Session, connect } from 'node:http2';
import type { Duplex } from 'node:stream';
import { connect as tlsConnect } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Lab, startLab } from '../../lab.ts';
import { message } from './wire.ts';

const streamPath = '/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources';

let lab: Lab;
let session: ClientHttp2Session;

beforeAll(async () => {
  lab = await startLab();
  await lab.whenReady();
  const [pod] = lab.api.list('pods', { namespace: 'istio-system', labels: { app: 'istiod' } });
  const socket: Duplex = await lab.kubelet.dial(
    { namespace: 'istio-system', name: pod?.metadata.name ?? '' },
    15012,
    'loopback',
  );
  session = connect('https://istiod', {
    createConnection: () => tlsConnect({ socket, rejectUnauthorized: false, ALPNProtocols: ['h2'] }),
  });
});

afterAll(async () => {
  session.destroy();
  await lab.close();
});

interface Told {
  readonly status: string;
  readonly message: string;
  readonly body: string;
}

/** Sends messages and ends the call. */
function call(messages: readonly Buffer[], path = streamPath): Promise<Told> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc' });
    let body = '';
    let told = { status: 'none', message: '' };
    stream.on('data', (chunk: Buffer) => {
      body += chunk.toString('latin1');
    });
    stream.on('trailers', (trailers) => {
      told = {
        status: String(trailers['grpc-status']),
        message: decodeURI(String(trailers['grpc-message'] ?? '')),
      };
    });
    stream.on('error', reject);
    stream.on('close', () => resolve({ ...told, body }));
    for (const bytes of messages) {
      const head = Buffer.alloc(5);
      head.writeUInt32BE(bytes.length, 1);
      stream.write(Buffer.concat([head, bytes]));
    }
    stream.end();
  });
}

const by = 'test';
const asked = (typeUrl: string, name = ''): Buffer =>
  message([2, message([1, 'istioctl'])], [3, name], [4, typeUrl], [5, 'a nonce of its own']);

test('proxy-status: each proxy with its state, once, and the acknowledgement is no question', async () => {
  lab.api.create(
    'namespaces',
    {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'shop', labels: { 'istio-injection': 'enabled' } },
    },
    by,
  );
  lab.api.create(
    'pods',
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { namespace: 'shop', name: 'cart' },
      spec: { containers: [{ name: 'app', image: 'kennethreitz/httpbin' }] },
    },
    by,
  );
  await lab.whenReady();
  const { status, body } = await call([asked('istio.io/debug/syncz'), asked('istio.io/debug/syncz')]);
  expect(status).toBe('0');
  expect(body.split('"Component":"istiod"')).toHaveLength(2);
  expect(body).toContain('cart.shop');
  expect(body).toContain('type.googleapis.com/envoy.config.listener.v3.Listener');
});

test('internal-debug: the page that there is, and one that is not', async () => {
  expect((await call([asked('istio.io/debug', 'syncz')])).body).toContain('"proxy": "cart.shop"');
  expect(await call([asked('istio.io/debug', 'configz')])).toMatchObject({
    status: '12',
    message: "the lab's istiod has no debug page configz, only syncz",
    body: '',
  });
});

test('what is not served is told by gRPC’s own status, and a broken message is no end of the server', async () => {
  expect(await call([asked('istio.io/debug/config_dump', 'cart.shop')])).toMatchObject({ status: '12' });
  expect(await call([], '/envoy.service.discovery.v3.Other/Call')).toMatchObject({ status: '12' });
  expect(await call([Buffer.of(0x22, 99, 1)])).toMatchObject({
    status: '3',
    message: expect.stringContaining('longer than its message'),
  });
  expect(await call([Buffer.of(0x22, 0xff)])).toMatchObject({ status: '3' });
  expect((await call([asked('istio.io/debug/syncz')])).status).toBe('0');
});
