/** Dumps that nobody has recorded: whatever stands in them, reading them ends in an answer, and never in one that is too good. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PadlockError } from '../../errors.ts';
import { certificatesInDump } from '../certificates/workload-certificates.ts';
import { parseSyncStatus } from '../control-plane/sync-status.ts';
import { type ConfigDump, parseConfigDump } from './config-dump.ts';
import { type Configured, configured } from './inbound.ts';
import { outboundClusters } from './outbound.ts';

const tls = (required: boolean): object => ({
  name: 'envoy.transport_sockets.tls',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext',
    require_client_certificate: required,
    common_tls_context: {
      combined_validation_context: { validation_context_sds_secret_config: { name: 'ROOTCA' } },
    },
  },
});

interface Chain {
  readonly port: number | undefined;
  readonly transport: '' | 'tls' | 'raw_buffer';
  readonly alpn: readonly string[];
  readonly secure: boolean;
}

const chain: fc.Arbitrary<Chain> = fc.record({
  port: fc.constantFrom(undefined, 80, 81),
  transport: fc.constantFrom('', 'tls', 'raw_buffer'),
  alpn: fc.constantFrom(
    [],
    ['http/1.1', 'h2c'],
    ['istio-http/1.1', 'istio'],
    ['istio-peer-exchange', 'istio'],
  ),
  secure: fc.boolean(),
});
/** Filters of every version: known, unknown, by discovery (ECDS), without configuration, and in the old form. */
const filters = fc.uniqueArray(
  fc.constantFrom(
    { name: 'istio_authn', typed_config: { '@type': 'type.googleapis.com/io.istio.network.Authn' } },
    { name: 'shop.my-wasm', config_discovery: { config_source: { ads: {} }, type_urls: ['x'] } },
    { name: 'envoy.filters.network.rbac' },
    { name: 'old', config: { stat_prefix: 'x' } },
    { name: 'struct', typed_config: { '@type': 'x/udpa.type.v1.TypedStruct', type_url: 'a/b.C', value: {} } },
  ),
  { selector: ({ name }) => name },
);
const last = { name: 'envoy.filters.network.tcp_proxy', typed_config: { cluster: 'inbound|80||' } };

function printed(chains: readonly Chain[], more: readonly object[], extra: object = {}): string {
  const listener = {
    '@type': 'type.googleapis.com/envoy.config.listener.v3.Listener',
    name: 'virtualInbound',
    traffic_direction: 'INBOUND',
    address: { socket_address: { address: '0.0.0.0', port_value: 15006 } },
    listener_filters: [
      { name: 'envoy.filters.listener.tls_inspector' },
      { name: 'envoy.filters.listener.http_inspector' },
    ],
    filter_chains: chains.map(({ port, transport, alpn, secure }, index) => ({
      name: `chain-${index}`,
      filter_chain_match: {
        ...(port === undefined ? {} : { destination_port: port }),
        ...(transport === '' ? {} : { transport_protocol: transport }),
        ...(alpn.length === 0 ? {} : { application_protocols: alpn }),
      },
      filters: [...more, last],
      ...(secure ? { transport_socket: tls(true) } : {}),
    })),
    ...extra,
  };
  const dynamic = { name: 'virtualInbound', active_state: { version_info: '1', listener } };
  return JSON.stringify({
    configs: [
      { '@type': 'type.googleapis.com/envoy.admin.v3.ListenersConfigDump', dynamic_listeners: [dynamic] },
    ],
  });
}

function read(text: string, port = 80): Configured {
  const dump = parseConfigDump(text, 'test');
  if (dump.kind !== 'envoy') throw new Error('expected an Envoy dump');
  return configured(dump, port);
}

/** Envoy's nested maps, written down again: the most specific port, then the transport, then the ALPN; no way back. */
function envoyTakes(
  chains: readonly Chain[],
  port: number,
  transport: string,
  alpn: readonly string[],
): Chain[] {
  const byPort = chains.some((one) => one.port === port) ? port : undefined;
  const first = chains.filter((one) => one.port === byPort);
  const byTransport = first.some((one) => one.transport === transport) ? transport : '';
  const second = first.filter((one) => one.transport === byTransport);
  const taken = alpn.find((protocol) => second.some((one) => one.alpn.includes(protocol)));
  return second.filter((one) => (taken === undefined ? one.alpn.length === 0 : one.alpn.includes(taken)));
}

test('plaintext is taken where Envoy’s own matching leads it to a chain without TLS, and nowhere else', () => {
  const modes = new Set<string>();
  fc.assert(
    fc.property(fc.array(chain, { maxLength: 8 }), filters, (chains, more) => {
      const answer = read(printed(chains, more));
      const reached = [
        ...envoyTakes(chains, 80, 'raw_buffer', ['http/1.1']),
        ...envoyTakes(chains, 80, 'raw_buffer', []),
      ];
      expect(answer.acceptsPlaintext).toBe(reached.some(({ secure }) => !secure));
      if (answer.mode === 'STRICT') expect(reached.every(({ secure }) => secure)).toBe(true);
      modes.add(answer.mode);
    }),
    { numRuns: 500 },
  );
  expect([...modes]).toEqual(expect.arrayContaining(['STRICT', 'PERMISSIVE', 'DISABLE', 'REFUSES']));
});

test('unknown fields, filters and sections change nothing', () => {
  fc.assert(
    fc.property(
      fc.array(chain, { maxLength: 6 }),
      filters,
      fc.dictionary(fc.string(), fc.jsonValue()),
      (chains, more, extra) => {
        const strange = Object.fromEntries(Object.entries(extra).map(([key, value]) => [`x_${key}`, value]));
        const plain = JSON.parse(printed(chains, []));
        const rich = JSON.parse(printed(chains, more, strange));
        rich.configs.unshift(
          { '@type': 'type.googleapis.com/envoy.admin.v9.SomethingNew', ...strange },
          7,
          null,
        );
        const before = read(JSON.stringify(plain));
        const after = read(JSON.stringify(rich));
        expect({ mode: after.mode, mtls: after.acceptsMtls }).toEqual({
          mode: before.mode,
          mtls: before.acceptsMtls,
        });
      },
    ),
    { numRuns: 200 },
  );
});

test('whatever stands anywhere in a dump, reading it throws nothing but Padlock’s own error', () => {
  const base = JSON.parse(printed([{ port: 80, transport: 'tls', alpn: [], secure: true }], [last]));
  base.configs.push(
    {
      '@type': 'x/envoy.admin.v3.SecretsConfigDump',
      dynamic_active_secrets: [{ name: 'default', secret: {} }],
    },
    {
      '@type': 'x/envoy.admin.v3.ClustersConfigDump',
      dynamic_active_clusters: [{ cluster: { name: 'outbound|80||a' } }],
    },
    { '@type': 'x/envoy.admin.v3.ListenersConfigDump.DynamicListener', name: 'a', active_state: {} },
  );
  const paths = allPaths(base);
  fc.assert(
    fc.property(fc.constantFrom(...paths), fc.jsonValue(), (path, value) => {
      const changed = replaced(base, path, value);
      const dump = orPadlockError(() => parseConfigDump(JSON.stringify(changed), 'test'));
      if (dump === undefined) return;
      if (dump.kind === 'envoy') {
        configured(dump, 80);
        outboundClusters(dump, 'a', 80);
      }
      certificatesInDump(dump);
    }),
    { numRuns: 1000 },
  );
});

test('a dump that is cut off, or that is something else, is said to be so', () => {
  const whole = printed([], []);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: whole.length - 1 }), (end) => {
      expect(() => parseConfigDump(whole.slice(0, end), 'shop/web')).toThrow(
        /the config dump of shop\/web is not JSON/,
      );
    }),
  );
  expect(() => parseConfigDump('[]', 'shop/web')).toThrow(/is not a config dump/);
  expect(read('{}').mode).toBe('UNKNOWN');
});

test('istiod’s sync status is read in each of its forms', () => {
  const nonces = [
    { proxy: 'a.shop', listener_sent: '2', listener_acked: '2', cluster_sent: '1', cluster_acked: '1' },
    { proxy: 'sidecar~10.0.0.1~b.shop~shop.svc.cluster.local', listener_sent: '2', listener_acked: '1' },
  ];
  expect(parseSyncStatus(JSON.stringify(nonces))).toMatchObject([
    { pod: 'shop/a', stale: [] },
    { pod: 'shop/b', stale: ['listener'] },
  ]);
  const byType = [
    {
      proxy: 'c.d.shop',
      resources: {
        'type.googleapis.com/envoy.config.listener.v3.Listener': { sent: '2', acked: '1', lastError: 'no' },
        CDS: { sent: '2', acked: '2' },
      },
    },
  ];
  expect(parseSyncStatus(JSON.stringify(byType))).toMatchObject([
    { pod: 'shop/c.d', stale: ['listener'], error: 'no' },
  ]);
  const configs = {
    resources: [
      {
        node: { id: 'e.shop', metadata: { ISTIO_VERSION: '1.27.0' } },
        genericXdsConfigs: [
          { typeUrl: 'type.googleapis.com/envoy.config.cluster.v3.Cluster', configStatus: 'SYNCED' },
          { typeUrl: 'type.googleapis.com/envoy.config.listener.v3.Listener', configStatus: 'STALE' },
        ],
      },
    ],
  };
  expect(parseSyncStatus(JSON.stringify(configs))).toMatchObject([
    { pod: 'shop/e', istioVersion: '1.27.0', stale: ['listener'] },
  ]);
});

type Path = readonly (string | number)[];

function allPaths(value: unknown, at: Path = []): readonly Path[] {
  if (typeof value !== 'object' || value === null) return [at];
  return [at, ...Object.entries(value).flatMap(([key, inner]) => allPaths(inner, [...at, key]))];
}

function replaced(value: unknown, [first, ...rest]: Path, by: unknown): unknown {
  if (first === undefined) return by;
  if (Array.isArray(value)) {
    return value.map((item, index) => (index === Number(first) ? replaced(item, rest, by) : item));
  }
  if (typeof value !== 'object' || value === null) return by;
  return { ...value, [first]: replaced(Reflect.get(value, first), rest, by) };
}

function orPadlockError(work: () => ConfigDump): ConfigDump | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof PadlockError) return undefined;
    throw error;
  }
}
