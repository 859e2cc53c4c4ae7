/** An API server that knows next to nothing: enough for the mistakes that a command must explain. Plain HTTP on loopback. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a path answers: a status with a body; anything else is 404 as Kubernetes says it. */
export type Answers = Readonly<Record<string, { readonly status?: number; readonly body: unknown } | 'hang'>>;

export interface FakeApi {
  readonly url: string;
  readonly requests: readonly string[];
  close(): Promise<void>;
}

export async function startFakeApi(answers: Answers): Promise<FakeApi> {
  const requests: string[] = [];
  const server: Server = createServer((request, response) => {
    const path = (request.url ?? '').split('?')[0] ?? '';
    requests.push(`${request.method} ${path}`);
    const answer = answers[path];
    if (answer === 'hang') return;
    const { status, body } = answer ?? {
      status: 404,
      body: { kind: 'Status', code: 404, message: 'not found' },
    };
    response.writeHead(status ?? 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A list as the API server prints it. */
export function list(kind: string, items: readonly unknown[]): { readonly body: unknown } {
  return { body: { kind: `${kind}List`, apiVersion: 'v1', metadata: { resourceVersion: '1' }, items } };
}

export function namespace(name: string): unknown {
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, labels: { 'kubernetes.io/metadata.name': name } },
  };
}

/** A kubeconfig for one server. */
export function kubeconfig(server: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'fake',
    contexts: [{ name: 'fake', context: { cluster: 'fake', user: 'me' } }],
    clusters: [{ name: 'fake', cluster: { server } }],
    users: [{ name: 'me', user: { token: 'secret-token-that-must-not-show' } }],
  });
}
