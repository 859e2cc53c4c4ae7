/** What shows mutual TLS where the application echoes nothing: the server's log, its counters; and what does not. */
import { expect, test } from 'vitest';
import { PadlockError } from '../../errors.ts';
import type { ExecResult, RawResponse } from '../../sources/cluster.ts';
import { MemoryCluster } from '../../sources/memory-cluster.ts';
import { ProxyReader } from '../proxy/reader.ts';
import type { MeshClient } from './clients.ts';
import { type MutualTlsTarget, probeMutualTls } from './mutual-tls.ts';
import type { MutualTlsOutcome } from './outcome.ts';

const from: MeshClient = {
  namespace: 'shop',
  pod: 'sleep',
  container: 'sleep',
  address: '10.0.0.6',
  workload: { namespace: 'shop', serviceAccount: 'sleep', revision: 'default' },
};
const target: MutualTlsTarget = {
  host: 'cart.shop.svc.cluster.local',
  port: 80,
  targetPort: 8080,
  bare: false,
  pods: [{ namespace: 'shop', pod: 'cart-1' }],
  server: 'spiffe://td/ns/shop/sa/cart',
  client: 'spiffe://td/ns/shop/sa/sleep',
  serverVouched: true,
  others: [],
};
const sni = 'outbound_.80_._.cart.shop.svc.cluster.local';

interface Server {
  readonly status?: number;
  readonly body?: string;
  readonly exitCode?: number;
  readonly stderr?: string;
  /** What the sidecar's log says of a request, given its user agent; undefined: access logs are off. */
  readonly log?: (userAgent: string) => string;
  readonly logStatus?: number;
  /** The counters' text after so many requests. */
  readonly counters?: (requests: number) => string;
}

function line(request: string, userAgent: string, serverName: string, port = 8080): string {
  return `[2026-11-24T02:12:45.895Z] "${request}" 404 - via_upstream - "-" 0 1 1 1 "-" "${userAgent}" "id" "cart" "10.0.0.7:${port}" inbound|${port}|| 127.0.0.6:1 10.0.0.7:${port} 10.0.0.6:4000 ${serverName} default`;
}

async function probe(server: Server, changes: Partial<MutualTlsTarget> = {}): Promise<MutualTlsOutcome> {
  let requests = 0;
  let userAgent = '';
  let time = Date.parse('2026-11-24T02:12:45Z');
  const cluster = new MemoryCluster({
    exec: (_namespace, _pod, command): ExecResult => {
      if (command[0] === 'pilot-agent')
        return { stdout: server.counters?.(requests) ?? '', stderr: '', exitCode: 0 };
      requests++;
      userAgent = command[command.indexOf('-A') + 1] ?? '';
      const { status = 404, body = 'no such page', exitCode = 0, stderr = '' } = server;
      return { stdout: `${body}\n\npadlock-end 0 ${status} ${exitCode} \n`, stderr, exitCode };
    },
    raw: ({ path }): RawResponse => {
      if (path.includes(':15090/')) return { status: 503, headers: {}, body: '{"message":"no metrics"}' };
      const allowed = server.logStatus === undefined;
      const body = allowed ? (server.log?.(userAgent) ?? '') : '{"message":"forbidden"}';
      return { status: server.logStatus ?? 200, headers: {}, body };
    },
  });
  return probeMutualTls(
    from,
    { ...target, ...changes },
    {
      cluster,
      reader: new ProxyReader({ cluster, now: () => time }),
      now: () => time,
      sleep: async (milliseconds) => {
        time += milliseconds;
      },
      nonce: () => 'abc',
    },
  );
}

test('the server’s log with Istio’s server name shows it, where the server’s identity is vouched for', async () => {
  const log = (userAgent: string) => line('GET /headers HTTP/1.1', userAgent, sni);
  expect(await probe({ log })).toMatchObject({
    kind: 'accepted',
    shownBy: 'access-log',
    client: target.client,
  });
  expect(await probe({ log }, { serverVouched: false })).toMatchObject({ kind: 'unrecorded' });
  expect(await probe({ log: (agent) => line('GET /headers HTTP/1.1', agent, '-') })).toMatchObject({
    kind: 'plaintext',
  });
  // Somebody else's request, and our own as the client's side logged it, show nothing.
  expect(await probe({ log: () => line('GET / HTTP/1.1', 'Mozilla', sni) })).toMatchObject({
    kind: 'unrecorded',
  });
  const outbound = (agent: string) => log(agent).replace('inbound|8080||', 'outbound|80||cart');
  expect(await probe({ log: outbound })).toMatchObject({ kind: 'unrecorded' });
});

test('a bare connection is found by its caller and port, and a refused one is no proof', async () => {
  const bare = { bare: true };
  // It stood for as long as curl keeps it.
  const tcp = (name: string, port = 8080) => line('- - -', '-', name, port).replace('0 1 1 1', '0 1 2001 1');
  const timedOut = {
    status: 0,
    exitCode: 28,
    stderr: 'curl: (28) Operation timed out after 2001 milliseconds with 0 bytes received',
  };
  expect(await probe({ ...timedOut, log: () => tcp(sni) }, bare)).toMatchObject({ kind: 'accepted' });
  expect(await probe({ ...timedOut, log: () => tcp(sni, 9090) }, bare)).toMatchObject({ kind: 'unrecorded' });
  expect(await probe({ ...timedOut, log: () => tcp('-') }, bare)).toMatchObject({ kind: 'plaintext' });
});

test('counters that name both principals show it; those of others do not', async () => {
  const counter = (source: string, destination: string, policy: string) => (requests: number) =>
    `istio_requests_total{reporter="destination",connection_security_policy="${policy}",source_principal="${source}",destination_principal="${destination}"} ${requests}\n`;
  const { client, server } = target;
  expect(await probe({ counters: counter(client, server, 'mutual_tls') })).toMatchObject({
    kind: 'accepted',
    shownBy: 'metrics',
    client,
    server,
  });
  expect(await probe({ counters: counter(client, 'spiffe://td/ns/x/sa/y', 'mutual_tls') })).toMatchObject({
    kind: 'wrong-identity',
  });
  expect(await probe({ counters: counter('spiffe://td/ns/x/sa/y', server, 'mutual_tls') })).toMatchObject({
    kind: 'unrecorded',
  });
  const still = () => counter(client, server, 'mutual_tls')(7);
  expect(await probe({ counters: still })).toMatchObject({ kind: 'unrecorded' });
});

test('where logs may not be read and nothing else tells, the reason names the right', async () => {
  const outcome = await probe({ logStatus: 403 });
  expect(outcome).toMatchObject({ kind: 'unrecorded' });
  expect(outcome).toHaveProperty('detail', expect.stringMatching(/not allowed to get pods\/log/));
});

test('behind one Service with others, only an answer that is the workload’s own counts', async () => {
  const xfcc = (sa: string) => `By=spiffe://td/ns/shop/sa/${sa};Hash=00;Subject="";URI=${target.client}`;
  const other = 'spiffe://td/ns/shop/sa/other';
  expect(
    await probe({ status: 200, body: `${xfcc('other')}\n${xfcc('cart')}` }, { others: [other] }),
  ).toMatchObject({
    kind: 'accepted',
    shownBy: 'xfcc',
  });
  expect(await probe({ status: 200, body: xfcc('other') }, { others: [other] })).toMatchObject({
    kind: 'unrecorded',
  });
  expect(await probe({ status: 200, body: xfcc('other') })).toMatchObject({ kind: 'wrong-identity' });
  // The same service account: the header cannot tell them apart, the workload's own log can.
  const log = (agent: string) => line('GET /headers HTTP/1.1', agent, sni);
  expect(await probe({ status: 200, body: xfcc('cart'), log }, { others: [target.server] })).toMatchObject({
    shownBy: 'access-log',
  });
});

test('a refused exec is thrown for the caller to name', async () => {
  const cluster = new MemoryCluster({ forbids: (_verb, resource) => resource === 'pods/exec' });
  const effects = {
    cluster,
    reader: new ProxyReader({ cluster, now: () => 0 }),
    now: () => 0,
    sleep: async () => undefined,
    nonce: () => 'abc',
  };
  await expect(probeMutualTls(from, target, effects)).rejects.toThrow(PadlockError);
});

test('a bare connection that is closed at once is no proof: a failed handshake leaves the same line', async () => {
  // As a real server's TCP proxy wrote it: the server name is the client's word from before the handshake ended.
  const tcp = `[2026-11-24T02:12:45.895Z] "- - -" 0 - - - "-" 0 0 57 - "-" "-" "-" "-" "10.0.0.7:8080" inbound|8080|| 127.0.0.6:1 10.0.0.7:8080 10.0.0.6:4000 ${sni} -`;
  const closed = { status: 0, body: '', exitCode: 0 };
  expect(await probe({ ...closed, log: () => tcp }, { bare: true })).toMatchObject({ kind: 'unrecorded' });
  // A server that speaks first: its greeting is counted as sent although the handshake fails. What the client got tells.
  const spoke = tcp.replace('"-" 0 0 57', '"-" 0 12 57');
  expect(await probe({ ...closed, log: () => spoke }, { bare: true })).toMatchObject({ kind: 'unrecorded' });
  const greeted = { ...closed, body: '220 ready', log: () => spoke };
  expect(await probe(greeted, { bare: true })).toMatchObject({ kind: 'accepted' });
});

test('the line of a handshake without a certificate, from the same client, is not taken for the probe’s own', async () => {
  const tcp = (name: string, milliseconds: number, sent = 0): string =>
    `[2026-11-24T02:12:45.895Z] "- - -" 0 - - - "-" 0 ${sent} ${milliseconds} - "-" "-" "-" "-" "10.0.0.7:8080" inbound|8080|| 127.0.0.6:1 10.0.0.7:8080 10.0.0.6:4000 ${name} -`;
  const stood = { status: 0, exitCode: 28, stderr: 'curl: (28) Time-out' };
  // Envoy writes them in any order.
  const log = (): string => `${tcp(sni, 2001)}\n${tcp('-', 57)}`;
  expect(await probe({ ...stood, log }, { bare: true })).toMatchObject({ kind: 'accepted' });
  // A server that speaks first: its greeting is counted, though nobody got it.
  const greeted = (): string => `${tcp(sni, 2007, 11)}\n${tcp('-', 3, 11)}`;
  expect(await probe({ ...stood, log: greeted }, { bare: true })).toMatchObject({ kind: 'accepted' });
  // A client whose sidecar sends plaintext: it stood.
  expect(await probe({ ...stood, log: () => tcp('-', 2001) }, { bare: true })).toMatchObject({
    kind: 'plaintext',
  });
});
