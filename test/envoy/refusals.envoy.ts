/**
 * What a real Envoy counts and logs of callers that STRICT refuses, by Istio's own log format, and that Padlock's readers
 * take it for that. On a TCP port it logs a failed handshake like a connection, without bytes; on an HTTP port not at all.
 */
import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type AccessLogEntry,
  callerSentNothing,
  isIstioServerName,
  isRefusal,
  parseAccessLog,
} from '../../src/evidence/envoy/access-log.ts';
import { parseStats, statsDelta } from '../../src/evidence/envoy/stats.ts';
import { type Call, make, meshTcp, plaintextCalls, tlsCall } from './calls.ts';
import { createIdentities, type Identities } from './identities.ts';
import { chain, fileLog, sockets, tlsInspector, typed } from './listeners.ts';
import { eventually, findEnvoy, freePorts, type RealEnvoy, startEnvoy } from './real-envoy.ts';

const envoy = await findEnvoy();

/** pkg/config/mesh or pilot/pkg/model/log.go of Istio: `EnvoyTextLogFormat`. */
const istioFormat =
  '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% ' +
  '%RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% "%UPSTREAM_TRANSPORT_FAILURE_REASON%" %BYTES_RECEIVED% ' +
  '%BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" ' +
  '"%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER_RAW% %UPSTREAM_LOCAL_ADDRESS% ' +
  '%DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%\n';
const cluster = 'inbound|80||';

describe.skipIf(envoy === undefined)('a real Envoy (skipped where PADLOCK_ENVOY names none)', () => {
  let real: RealEnvoy;
  let identities: Identities;
  let application: Server;
  let ports: readonly number[];

  beforeAll(async () => {
    identities = await createIdentities();
    ports = await freePorts(2);
    application = createServer((socket) => socket.on('error', () => socket.destroy()).pipe(socket));
    await new Promise<void>((resolve) => application.listen(0, '127.0.0.1', resolve));
    const address = application.address();
    const port_value = typeof address === 'object' ? address?.port : 0;
    const endpoint = { address: { socket_address: { address: '127.0.0.1', port_value } } };
    real = await startEnvoy(envoy ?? '', {
      clusters: [
        {
          name: cluster,
          type: 'STATIC',
          load_assignment: { cluster_name: cluster, endpoints: [{ lb_endpoints: [{ endpoint }] }] },
        },
      ],
    });
    const log = fileLog(real.accessLogPath, istioFormat);
    const pieces = sockets(identities);
    const filters = [tcpProxy(log), connectionManager(log)];
    await real.setListeners(
      ports.map((port, index) => ({
        name: `l${port}`,
        address: { socket_address: { address: '127.0.0.1', port_value: port } },
        listener_filters: [tlsInspector],
        listener_filters_timeout: '0s',
        access_log: [{ ...log, filter: { response_flag_filter: { flags: ['NR'] } } }],
        filter_chains: [
          { ...chain({ transport_protocol: 'tls' }, pieces.mutual), filters: [filters[index]] },
        ],
      })),
    );
  });

  afterAll(async () => {
    application.close();
    await real.stop();
  });

  /** What a call adds to the statistics, and to the log. */
  async function trace(call: Call, port: number, counter: string) {
    const read = async () => parseStats(await real.get('/stats?filter=listener.127|tls_inspector'));
    const before = await read();
    const had = parseAccessLog(await real.accessLog()).length;
    const { answer } = await make(call, port, identities);
    const added = await eventually(counter, async () => {
      const delta = statsDelta(before, await read());
      return [...delta.keys()].some((name) => name.endsWith(counter)) ? delta : undefined;
    });
    return {
      answer,
      counted: [...added.keys()].map((name) => name.replace(/^.*(ssl|listener\.[^:]*_\d+)\./, '$1.')),
      entries: async (): Promise<readonly AccessLogEntry[]> =>
        parseAccessLog(await real.accessLog()).slice(had),
    };
  }

  test.each(['TCP', 'HTTP'])(
    'plaintext to a %s port: NR filter_chain_not_found, and one more no_filter_chain_match',
    async (kind) => {
      for (const call of plaintextCalls) {
        const { answer, entries } = await trace(
          call,
          ports[kind === 'TCP' ? 0 : 1] ?? 0,
          'no_filter_chain_match',
        );
        expect(answer).toBe('refused');
        const [entry] = await eventually('the log', async () => {
          const all = await entries();
          return all.length > 0 ? all : undefined;
        });
        expect(entry).toMatchObject({
          flags: 'NR',
          details: 'filter_chain_not_found',
          status: 0,
          serverName: undefined,
        });
        if (entry !== undefined) expect(isRefusal(entry)).toBe(true);
      }
    },
  );

  test.each([
    ['nobody', 'ssl.fail_verify_no_cert'],
    ['stranger', 'ssl.fail_verify_error'],
    ['expired', 'ssl.fail_verify_error'],
  ] as const)(
    'a handshake of %s that fails on a TCP port is logged as a connection without bytes',
    async (client, counter) => {
      const { answer, counted, entries } = await trace(tlsCall(client, meshTcp), ports[0] ?? 0, counter);
      expect(answer).toBe('refused');
      expect(counted).toContain(counter);
      expect(counted).not.toContain('ssl.handshake');
      const [entry] = await eventually('the log', async () => {
        const all = await entries();
        return all.length > 0 ? all : undefined;
      });
      expect(entry).toMatchObject({ upstreamCluster: cluster, flags: '' });
      if (entry !== undefined) expect([callerSentNothing(entry), isRefusal(entry)]).toEqual([true, false]);
    },
  );

  test('mutual TLS counts a handshake, and its entry has bytes and the server name', async () => {
    const call = tlsCall('friend', meshTcp, 'outbound_.80_._.shop.shop.svc.cluster.local');
    const { answer, counted, entries } = await trace(call, ports[0] ?? 0, 'ssl.handshake');
    expect(answer).toBe('echo');
    expect(counted).toContain('ssl.handshake');
    const [entry] = await eventually('the log', async () => {
      const all = await entries();
      return all.length > 0 ? all : undefined;
    });
    expect(isIstioServerName(entry?.serverName)).toBe(true);
    if (entry !== undefined) expect(callerSentNothing(entry)).toBe(false);
  });
});

function tcpProxy(log: object): object {
  return {
    name: 'envoy.filters.network.tcp_proxy',
    typed_config: typed('envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', {
      stat_prefix: cluster,
      cluster,
      access_log: [log],
    }),
  };
}

function connectionManager(log: object): object {
  const router = typed('envoy.extensions.filters.http.router.v3.Router');
  return {
    name: 'envoy.filters.network.http_connection_manager',
    typed_config: typed('envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', {
      stat_prefix: 'inbound_0.0.0.0_80',
      access_log: [log],
      route_config: {
        virtual_hosts: [
          { name: 'a', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster } }] },
        ],
      },
      http_filters: [{ name: 'envoy.filters.http.router', typed_config: router }],
    }),
  };
}
