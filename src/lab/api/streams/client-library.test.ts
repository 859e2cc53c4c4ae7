/** The official client library against the lab, as its users write it: lists, watches, exec, attach, logs, port-forward. */
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import {
  Attach,
  CoreV1Api,
  CustomObjectsApi,
  Exec,
  KubeConfig,
  Log,
  PortForward,
  type V1Status,
  Watch,
} from '@kubernetes/client-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { resourceOf } from '../../cluster-core.ts';
import { type Lab, startLab } from '../../lab.ts';
import { deployment, namespace } from '../../scenarios/objects.ts';
import { eventually, isRolledOut } from '../../testing/wait.ts';

let lab: Lab;
let pod: string;
const config = new KubeConfig();
const problems: string[] = [];

beforeAll(async () => {
  lab = await startLab({
    path: process.env.PATH ?? '',
    onProblem: (sentence, error) => problems.push(`${sentence}: ${String(error)}`),
  });
  config.loadFromString(lab.kubeconfig);
  const container = { image: 'kennethreitz/httpbin', ports: [{ containerPort: 80 }] };
  const objects = [namespace('shop', true), ...deployment({ name: 'httpbin', namespace: 'shop', container })];
  for (const object of objects) lab.api.create(resourceOf(lab.api, object), object, 'test');
  const done = (): boolean => lab.api.list('deployments.apps').every(isRolledOut);
  await eventually(lab.api, ['deployments.apps'], done);
  pod = lab.api.list('pods', { namespace: 'shop' })[0]?.metadata.name ?? '';
});
afterAll(async () => {
  await lab.close();
  expect(problems).toEqual([]);
});

test('typed and custom objects', async () => {
  const { items } = await config.makeApiClient(CoreV1Api).listNamespacedPod({ namespace: 'shop' });
  expect(items[0]?.status?.containerStatuses?.every(({ ready }) => ready)).toBe(true);
  const custom = config.makeApiClient(CustomObjectsApi);
  const type = {
    group: 'security.istio.io',
    version: 'v1',
    namespace: 'shop',
    plural: 'peerauthentications',
  };
  const body = {
    apiVersion: 'security.istio.io/v1',
    kind: 'PeerAuthentication',
    metadata: { name: 'default' },
    spec: { mtls: { mode: 'STRCT' } },
  };
  await expect(custom.createNamespacedCustomObject({ ...type, body })).rejects.toThrow(/Unsupported value/);
  body.spec.mtls.mode = 'STRICT';
  expect(await custom.createNamespacedCustomObject({ ...type, body })).toMatchObject({ spec: body.spec });
});

test('a watch sees what is created after it', async () => {
  const seen = Promise.withResolvers<string>();
  const stop = await new Watch(config).watch(
    '/api/v1/namespaces/shop/configmaps',
    {},
    (type, object) => object.metadata.name === 'fresh' && seen.resolve(type),
    () => undefined,
  );
  await config
    .makeApiClient(CoreV1Api)
    .createNamespacedConfigMap({ namespace: 'shop', body: { metadata: { name: 'fresh' } } });
  expect(await seen.promise).toBe('ADDED');
  stop.abort();
});

test('exec carries input, output and the exit code', async () => {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const run = (command: string[], input: PassThrough | null): Promise<V1Status> =>
    new Promise((resolve, reject) => {
      new Exec(config)
        .exec('shop', pod, 'httpbin', command, stdout, stderr, input, false, resolve)
        .catch(reject);
    });
  const ended = run(['cat'], stdin);
  stdin.end('over the wire');
  expect((await ended).status).toBe('Success');
  expect(stdout.read()?.toString()).toBe('over the wire');
  expect(await run(['false'], null)).toMatchObject({
    status: 'Failure',
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: '1' }] },
  });
});

test('a port-forward reaches the pod’s loopback, and says where nobody listens', async () => {
  const heard = async (port: number): Promise<string> => {
    const [input, output, errors] = [new PassThrough(), new PassThrough(), new PassThrough()];
    const said = Promise.race([output, errors].map((stream) => once(stream, 'data')));
    const forwarded = await new PortForward(config).portForward('shop', pod, [port], output, errors, input);
    input.write('GET /get HTTP/1.1\r\nHost: localhost\r\n\r\n');
    const [first] = await said;
    if ('close' in forwarded) forwarded.close();
    return String(first);
  };
  expect(await heard(80)).toMatch(/^HTTP\/1\.1 200 OK/);
  expect(await heard(9999)).toContain('dial tcp4 127.0.0.1:9999: connect: connection refused');
});

test('logs are read, and an attached client sees what comes', async () => {
  const attached = new PassThrough();
  const socket = await new Attach(config).attach('shop', pod, 'httpbin', attached, null, null, false);
  const next = once(attached, 'data');
  const stream = await lab.kubelet.dial({ namespace: 'shop', name: pod }, 80, 'loopback');
  stream.write('GET /anything/else HTTP/1.1\r\nHost: localhost\r\n\r\n');
  expect(String((await next)[0])).toContain('"GET /anything/else HTTP/1.1" 200');
  const logged = new PassThrough();
  await new Log(config).log('shop', pod, 'httpbin', logged, { tailLines: 1 });
  expect(await text(logged)).toContain('"GET /anything/else HTTP/1.1" 200');
  stream.destroy();
  socket.close();
});
