/** Prometheus as a source: what is asked, what the answers mean, and what becomes of a failure. */
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { meshOf } from '../../mesh/findings/testing/manifests.ts';
import { MemoryCluster } from '../../sources/memory-cluster.ts';
import { findPrometheus } from './find-prometheus.ts';
import { prometheusAt, prometheusIn } from './prometheus-client.ts';
import { readPrometheus } from './prometheus-source.ts';

let server: Server | undefined;
afterEach(() => server?.close());

type Answer = (query: string, authorization: string | undefined) => readonly [number, string];

async function listen(answer: Answer): Promise<number> {
  server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://x');
    const known = url.pathname === '/prom/api/v1/query' || url.pathname === '/api/v1/query';
    const [status, body] = known
      ? answer(url.searchParams.get('query') ?? '', request.headers.authorization)
      : [404, 'no'];
    response.writeHead(status).end(body);
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', resolve);
  await promise;
  return (server.address() as AddressInfo).port;
}

const vector = (...result: readonly (readonly [Readonly<Record<string, string>>, string])[]): string =>
  JSON.stringify({
    status: 'success',
    data: { resultType: 'vector', result: result.map(([metric, value]) => ({ metric, value: [1, value] })) },
  });

const plaintext = { destination_workload: 'web', connection_security_policy: 'none' };
const mutual = { destination_workload: 'web', connection_security_policy: 'mutual_tls' };

/** A Prometheus with data since before the window, or not. */
const answers =
  (covered: boolean, asked: string[]): Answer =>
  (query) => {
    asked.push(query);
    if (query.startsWith('count(')) return [200, covered ? vector([{}, '4']) : vector()];
    if (query.includes('increase(istio_requests_total'))
      return [200, vector([plaintext, '1.07'], [mutual, '0'])];
    return [200, vector()];
  };

test('a path and a login in the URL are used, and only the login is kept to itself', async () => {
  let heard: string | undefined;
  const port = await listen((_query, authorization) => {
    heard = authorization;
    return [200, vector()];
  });
  const client = prometheusAt(new URL(`http://jane:s3cret@127.0.0.1:${port}/prom/`), 'unused');
  expect(await client.query('up')).toEqual([]);
  expect(heard).toBe(`Basic ${Buffer.from('jane:s3cret').toString('base64')}`);
  expect(client.name).toBe(`http://127.0.0.1:${port}/prom`);
  const bearer = prometheusAt(new URL(`http://127.0.0.1:${port}`), 'token');
  await bearer.query('up');
  expect(heard).toBe('Bearer token');
});

test('extrapolated counts are made whole, and what did not move says that it is scraped', async () => {
  const asked: string[] = [];
  const port = await listen(answers(true, asked));
  const client = prometheusAt(new URL(`http://127.0.0.1:${port}`), undefined);
  const { added, covered } = await readPrometheus(client, ['shop', 'pay'], 90_500, false);
  expect(covered).toBe(true);
  expect(added).toEqual([
    { name: 'istio_requests_total', labels: plaintext, value: 1 },
    { name: 'istio_requests_total', labels: mutual, value: 0 },
  ]);
  // Series that are new within the window count from zero.
  expect(asked[1]).toContain('unless last_over_time(istio_requests_total');
  expect(asked[1]).toContain('destination_workload_namespace=~"shop|pay"');
  expect(asked[1]).toContain('[91s]');
});

test('where it has nothing from the beginning, totals are not taken for what was added', async () => {
  const asked: string[] = [];
  const port = await listen(answers(false, asked));
  const client = prometheusAt(new URL(`http://127.0.0.1:${port}`), undefined);
  expect((await readPrometheus(client, ['shop'], 60_000, false)).covered).toBe(false);
  expect(asked[1]).not.toContain('unless');
});

test.each([
  [503, '<html>', /HTTP 503$/],
  [400, '{"status":"error","error":"parse error"}', /HTTP 400: parse error/],
  [200, '<html>login</html>', /not Prometheus’ API/],
])('HTTP %i %s is a failure with its reason', async (status, body, message) => {
  const port = await listen(() => [status, body]);
  const client = prometheusAt(new URL(`http://127.0.0.1:${port}`), undefined);
  await expect(client.query('up')).rejects.toThrow(message);
  await expect(client.query('up')).rejects.toMatchObject({ code: 'PROMETHEUS_FAILED' });
});

const cluster = `
apiVersion: v1
kind: Pod
metadata: { name: prometheus-0, namespace: istio-system, labels: { app: prometheus } }
spec: { containers: [{ name: p, image: p, ports: [{ containerPort: 9090, protocol: TCP }] }] }
status: { phase: Running, podIP: 10.0.0.9, conditions: [{ type: Ready, status: "True" }] }
---
apiVersion: v1
kind: Service
metadata: { name: prometheus, namespace: istio-system, labels: { app.kubernetes.io/name: prometheus } }
spec: { selector: { app: prometheus }, ports: [{ name: http, port: 80, targetPort: 9090, protocol: TCP }] }
---
apiVersion: v1
kind: Service
metadata: { name: prometheus-alertmanager, namespace: istio-system, labels: { app: prometheus } }
spec: { selector: { app: prometheus }, ports: [{ name: http, port: 9093, protocol: TCP }] }
`;

test('the Service of the cluster is found and asked by port-forward', async () => {
  const mesh = meshOf(cluster);
  const place = {
    namespace: 'istio-system',
    pod: 'prometheus-0',
    port: 9090,
    name: 'istio-system/prometheus:80',
  };
  expect(findPrometheus(mesh, 'auto')).toEqual(place);
  expect(findPrometheus(mesh, 'istio-system/prometheus')).toEqual(place);
  expect(findPrometheus(mesh, 'monitoring/prometheus')).toEqual({
    missing: 'there is no Service monitoring/prometheus',
  });
  const port = await listen(() => [200, vector([{ __name__: 'up' }, '1'])]);
  const forwarded: unknown[] = [];
  const memory = new MemoryCluster({
    portForward: (namespace, pod, to) => {
      forwarded.push([namespace, pod, to]);
      return connect(port, '127.0.0.1');
    },
  });
  const client = prometheusIn(memory, place);
  expect(await client.query('up')).toEqual([{ name: 'up', labels: { __name__: 'up' }, value: 1 }]);
  expect(forwarded).toEqual([['istio-system', 'prometheus-0', 9090]]);
});
