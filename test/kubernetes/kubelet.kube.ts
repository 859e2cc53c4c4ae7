/**
 * The lab's kubelet server behind a real kube-apiserver: kubectl and the client library reach a runtime through it,
 * over SPDY (a node that declares nothing) and over WebSockets handed on as they are (1.36's way).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KubeObject } from '../../src/istio/kubernetes.ts';
import { ApiStatus, notFound } from '../../src/lab/api/status.ts';
import { nodeObject } from '../../src/lab/bootstrap/nodes.ts';
import { LogRing } from '../../src/lab/kubelet/log-ring.ts';
import { readLog } from '../../src/lab/kubelet/read-log.ts';
import {
  createKubeletCertificates,
  type KubeletCertificates,
} from '../../src/lab/kubelet/server/kubelet-certificates.ts';
import type { PodRuntime } from '../../src/lab/kubelet/server/pod-runtime.ts';
import { type KubeletServer, startKubeletServer } from '../../src/lab/kubelet/server/start-kubelet-server.ts';
import type { Cluster } from '../../src/sources/cluster.ts';
import { connectCluster } from '../../src/sources/kube/connect.ts';
import { type ControlPlane, startControlPlane } from './control-plane.ts';
import { writeObject } from './write-object.ts';

let certificates: KubeletCertificates;
let server: KubeletServer;
let plane: ControlPlane;
let cluster: Cluster;
let echo: Server;
const problems: unknown[] = [];
const log = new LogRing();

/** It needs a control plane whose kubelets it may name. */
const isOwn = process.env.PADLOCK_TEST_KUBECONFIG === undefined;

/** Runs `sh -c` on this machine for the container `main`; the container `gone` does not run. */
const runtime: PodRuntime = {
  running(pod, container) {
    if (!pod.name.startsWith('node-')) throw notFound({ group: '', resource: 'pods' }, pod.name);
    if (container !== 'main')
      throw new ApiStatus(
        'InternalError',
        `unable to upgrade connection: container not found ("${container}")`,
      );
    return {
      isInteractive: true,
      exec: async ([program = '', ...args], streams, signal) => {
        const child: ChildProcess = spawn(program, args, { signal, stdio: 'pipe' });
        child.stdout?.pipe(streams.stdout, { end: false });
        child.stderr?.pipe(streams.stderr, { end: false });
        if (streams.stdin === undefined) child.stdin?.end();
        else streams.stdin.pipe(child.stdin ?? streams.stdout);
        const [code] = await once(child, 'close');
        return code ?? 137;
      },
    };
  },
  logs(_pod, options, signal) {
    if (options.previous) throw new ApiStatus('BadRequest', 'previous terminated container not found');
    return readLog(log, options, signal);
  },
  dial(_pod, port) {
    return new Promise<Socket>((resolve, reject) => {
      const socket = createConnection({ host: '127.0.0.1', port, allowHalfOpen: true }, () =>
        resolve(socket),
      );
      socket.on('error', reject);
    });
  },
};

beforeAll(async () => {
  if (!isOwn) return;
  certificates = await createKubeletCertificates(new Date());
  server = await startKubeletServer({
    runtime,
    certificates,
    now: () => new Date(),
    onInternalError: (error) => problems.push(error),
  });
  plane = await startControlPlane({ controllers: false, kubelet: certificates });
  cluster = await connectCluster({ kubeconfig: plane.kubeconfig, env: {}, now: () => Date.now() });
  await writeObject(cluster, 'serviceaccounts', {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'default', namespace: 'default' },
  });
  for (const webSockets of [false, true]) {
    const name = webSockets ? 'node-ws' : 'node-spdy';
    const now = new Date().toISOString().replace(/\.\d+Z/, 'Z');
    const node = nodeObject({ name, ip: '127.0.0.1', index: 0 }, now, { port: server.port, webSockets });
    await writeObject(cluster, 'nodes', node);
    await writeObject(cluster, 'pods', podOn(name));
  }
  echo = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
  await once(echo, 'listening');
  for (const line of ['one', 'two', 'three']) log.append(line, new Date('2026-01-01T00:00:00Z'));
});

afterAll(async () => {
  await plane?.stop();
  await server?.close();
  echo?.close();
  expect(problems).toEqual([]);
});

function podOn(nodeName: string): KubeObject {
  const containers = ['main', 'gone'].map((name) => ({ name, image: 'example.com/main' }));
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: nodeName, namespace: 'default' },
    spec: { nodeName, containers },
    status: { phase: 'Running' },
  };
}

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function start(args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  const options = ['--kubeconfig', plane.kubeconfig, '--cache-dir', `${plane.kubeconfig}.cache`];
  return spawn('kubectl', [...options, ...args], { env: { ...process.env, ...env }, stdio: 'pipe' });
}

async function kubectl(args: readonly string[], stdin = '', env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const child = start(args, env);
  child.stdin?.end(stdin);
  const [out, err, [code]] = await Promise.all([
    read(child.stdout),
    read(child.stderr),
    once(child, 'close'),
  ]);
  return { code, out, err };
}

const read = (stream: Readable | null): Promise<string> =>
  stream === null ? Promise.resolve('') : text(stream);

/** kubectl's two ways to the API server, and the API server's two ways to the node. */
const ways = [
  ['node-spdy', 'true'],
  ['node-spdy', 'false'],
  ['node-ws', 'true'],
  ['node-ws', 'false'],
] as const;

describe.skipIf(!isOwn).each(ways)('%s, kubectl with WebSockets: %s', (pod, webSockets) => {
  const env = {
    KUBECTL_REMOTE_COMMAND_WEBSOCKETS: webSockets,
    KUBECTL_PORT_FORWARD_WEBSOCKETS: webSockets,
  };

  test('exec: output, errors, input and the exit code', async () => {
    const script = 'cat; echo wrong >&2; exit 7';
    const { code, out, err } = await kubectl(
      ['exec', '-i', pod, '-c', 'main', '--', 'sh', '-c', script],
      'in\n',
      env,
    );
    expect({ code, out }).toEqual({ code: 7, out: 'in\n' });
    expect(err).toBe('wrong\ncommand terminated with exit code 7\n');
  });

  test('a megabyte each way arrives whole', async () => {
    const sent = 'abcdefghijklmno\n'.repeat(65_536);
    const { code, out } = await kubectl(['exec', '-i', pod, '-c', 'main', '--', 'cat'], sent, env);
    expect(code).toBe(0);
    expect(out === sent).toBe(true);
  });

  test('a container that does not run', async () => {
    const { code, err } = await kubectl(['exec', pod, '-c', 'gone', '--', 'true'], '', env);
    expect(code).toBe(1);
    expect(err).toMatch(/container not found \("gone"\)/);
  });

  test('port-forward', async () => {
    const address = echo.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const child = start(['port-forward', `pod/${pod}`, `:${port}`], env);
    try {
      const [line] = await once(child.stdout ?? child, 'data');
      const local = Number(/127\.0\.0\.1:(\d+)/.exec(String(line))?.[1]);
      const socket = createConnection({ host: '127.0.0.1', port: local, allowHalfOpen: true });
      socket.end('there and back');
      expect(await text(socket)).toBe('there and back');
    } finally {
      child.kill();
      await once(child, 'close');
    }
  });

  test('attach shows what comes, until the container ends or the client goes', async () => {
    const child = start(['attach', pod, '-c', 'main'], env);
    try {
      const [first] = await once(child.stdout ?? child, 'data');
      expect(String(first)).toMatch(/^one/);
    } finally {
      child.kill();
      await once(child, 'close');
    }
  });
});

test.skipIf(!isOwn)('the API server made SPDY of some WebSockets, and handed the others on', async () => {
  const { body } = await cluster.raw({ method: 'GET', path: '/metrics' });
  for (const how of ['translated_at_apiserver', 'proxied_to_kubelet'])
    expect(body).toMatch(new RegExp(`websocket_streaming_requests_total\\{.*${how}.*\\} [1-9]`));
});

describe.skipIf(!isOwn)('logs', () => {
  const logs = async (...args: readonly string[]): Promise<string> => {
    const { out, err } = await kubectl(['logs', 'node-spdy', '-c', 'main', ...args]);
    return out + err;
  };

  test('whole, the last lines, with times, since, and no more than some bytes', async () => {
    expect(await logs()).toBe('one\ntwo\nthree\n');
    expect(await logs('--tail=1')).toBe('three\n');
    expect(await logs('--tail=1', '--timestamps')).toBe('2026-01-01T00:00:00.000000000Z three\n');
    expect(await logs('--since=1h')).toBe('');
    expect(await logs('--since-time=2025-12-31T00:00:00Z')).toBe('one\ntwo\nthree\n');
    expect(await logs('--limit-bytes=4')).toBe('one\n');
  });

  test('followed: a line that is written later arrives', async () => {
    const child = start(['logs', 'node-ws', '-c', 'main', '--tail=0', '-f']);
    try {
      const arrived = once(child.stdout ?? child, 'data');
      const writing = setInterval(() => log.append('later', new Date()), 50);
      const [line] = await arrived.finally(() => clearInterval(writing));
      expect(String(line)).toMatch(/^later\n/);
    } finally {
      child.kill();
      await once(child, 'close');
    }
  });

  test('of a previous run there are none', async () => {
    expect(await logs('--previous')).toMatch(/previous terminated container not found/);
  });
});

describe.skipIf(!isOwn)('who may ask the kubelet', () => {
  const ask = (client: Partial<Record<'cert' | 'key', string>>): Promise<string> =>
    new Promise((resolve) => {
      const options = { host: '127.0.0.1', port: server.port, ca: certificates.caCertificate, ...client };
      let answer = '';
      const socket = connectTls(options, () =>
        socket.write('GET /healthz HTTP/1.1\r\nHost: kubelet\r\nConnection: close\r\n\r\n'),
      );
      socket.on('data', (chunk) => {
        answer += String(chunk);
      });
      socket.on('error', (error) => resolve(String(error)));
      socket.on('end', () => resolve(answer));
    });

  test('the API server', async () => {
    const { certificate: cert, key } = certificates.client;
    expect(await ask({ cert, key })).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*\r\n\r\nok$/);
  });

  test('nobody without a certificate, and nobody with one of another authority', async () => {
    expect(await ask({})).not.toContain('HTTP/1.1');
    const { client } = await createKubeletCertificates(new Date());
    expect(await ask({ cert: client.certificate, key: client.key })).not.toContain('HTTP/1.1');
  });
});
