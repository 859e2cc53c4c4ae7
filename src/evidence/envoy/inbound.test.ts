/** Filter chains that no recorded dump has, as Envoy would match them. */
import { expect, test } from 'vitest';
import { parseConfigDump } from './config-dump.ts';
import { configured } from './inbound.ts';
import { outboundClusters } from './outbound.ts';

const mtls = {
  name: 'envoy.transport_sockets.tls',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext',
    require_client_certificate: true,
    common_tls_context: {
      combined_validation_context: { validation_context_sds_secret_config: { name: 'ROOTCA' } },
    },
  },
};
const filters = [{ name: 'envoy.filters.network.tcp_proxy', typed_config: { cluster: 'inbound|80||' } }];
const chain = (match: object, more: object = {}): object => ({ filter_chain_match: match, filters, ...more });
const inspector = { name: 'envoy.filters.listener.tls_inspector' };

function dump(listener: object, state: object = {}): string {
  const virtualInbound = { name: 'virtualInbound', traffic_direction: 'INBOUND', ...listener };
  return JSON.stringify({
    configs: [
      {
        '@type': 'type.googleapis.com/envoy.admin.v3.ListenersConfigDump',
        dynamic_listeners: [{ name: 'virtualInbound', active_state: { listener: virtualInbound }, ...state }],
      },
    ],
  });
}

function read(text: string, port = 80, address?: string) {
  const parsed = parseConfigDump(text, 'test');
  if (parsed.kind !== 'envoy') throw new Error('expected an Envoy dump');
  return configured(parsed, port, address);
}

test('there is no backtracking: a chain for the port hides the ones without a port', () => {
  const listener = {
    listener_filters: [inspector],
    filter_chains: [
      chain({ destination_port: 80, transport_protocol: 'tls' }, { transport_socket: mtls }),
      chain({ transport_protocol: 'raw_buffer' }),
    ],
  };
  expect(read(dump(listener)).mode).toBe('STRICT');
  expect(read(dump(listener), 81).mode).toBe('DISABLE');
});

test('the default filter chain takes what no chain matches', () => {
  const listener = {
    listener_filters: [inspector],
    filter_chains: [chain({ transport_protocol: 'tls' }, { transport_socket: mtls })],
    default_filter_chain: chain({}),
  };
  const answer = read(dump(listener));
  expect(answer.mode).toBe('PERMISSIVE');
  expect(answer.chains.find(({ caller }) => caller === 'plaintext-tcp')?.chain).toBe('default filter chain');
});

test('plaintext for one source address only is still plaintext', () => {
  const source = { direct_source_prefix_ranges: [{ address_prefix: '10.0.0.0', prefix_len: 8 }] };
  const listener = {
    listener_filters: [inspector],
    filter_chains: [
      chain({ transport_protocol: 'tls' }, { transport_socket: mtls }),
      chain({ transport_protocol: 'raw_buffer', ...source }),
    ],
  };
  expect(read(dump(listener)).acceptsPlaintext).toBe(true);
});

test('the longest prefix that holds the pod’s address wins', () => {
  const prefix = (address_prefix: string, prefix_len: number) => ({
    prefix_ranges: [{ address_prefix, prefix_len }],
  });
  const listener = {
    listener_filters: [inspector],
    filter_chains: [
      chain({ ...prefix('0.0.0.0', 0) }),
      chain({ ...prefix('10.0.0.0', 8), transport_protocol: 'tls' }, { transport_socket: mtls }),
    ],
  };
  expect(read(dump(listener), 80, '10.1.1.1').mode).toBe('STRICT');
  expect(read(dump(listener), 80, '192.168.0.1').mode).toBe('DISABLE');
  // Not knowing the address, plaintext is possible.
  expect(read(dump(listener)).acceptsPlaintext).toBe(true);
});

test('without a TLS inspector, or where it is switched off, TLS is bytes', () => {
  const chains = [
    chain({ transport_protocol: 'tls' }, { transport_socket: mtls }),
    chain({ transport_protocol: 'raw_buffer' }),
  ];
  expect(read(dump({ filter_chains: chains })).mode).toBe('DISABLE');
  const off = (rule: object) => ({ ...inspector, filter_disabled: rule });
  const listener = (rule: object) => dump({ filter_chains: chains, listener_filters: [off(rule)] });
  expect(read(listener({ destination_port_range: { start: 80, end: 81 } })).acceptsMtls).toBe(false);
  expect(read(listener({ destination_port_range: { start: 80, end: 81 } }), 81).acceptsMtls).toBe(true);
  expect(read(listener({ not_match: { destination_port_range: { start: 80, end: 81 } } })).acceptsMtls).toBe(
    true,
  );
  expect(read(listener({ any_match: true })).acceptsMtls).toBe(false);
});

test('TLS that asks for no client certificate, or checks it against nothing, is not STRICT', () => {
  const socket = (context: object) => ({ ...mtls, typed_config: { ...mtls.typed_config, ...context } });
  const listener = (context: object) =>
    dump({
      listener_filters: [inspector],
      filter_chains: [chain({ transport_protocol: 'tls' }, { transport_socket: socket(context) })],
    });
  expect(read(listener({}))).toMatchObject({ mode: 'STRICT', requiresClientCertificate: true });
  expect(read(listener({ require_client_certificate: false }))).toMatchObject({
    mode: 'ANONYMOUS_TLS',
    acceptsMtls: false,
  });
  expect(read(listener({ common_tls_context: {} })).acceptsMtls).toBe(false);
});

test('a transport socket that is not known makes the answer UNKNOWN, never STRICT', () => {
  const odd = { name: 'vendor.socket', typed_config: { '@type': 'type.googleapis.com/vendor.v1.Socket' } };
  const listener = { listener_filters: [inspector], filter_chains: [chain({}, { transport_socket: odd })] };
  expect(read(dump(listener)).mode).toBe('UNKNOWN');
});

test('ECDS references, unknown filters and a blackhole are read for what they are', () => {
  const ecds = { name: 'x', config_discovery: { type_urls: ['envoy.x'] } };
  const hole = { name: 'envoy.filters.network.tcp_proxy', typed_config: { cluster: 'BlackHoleCluster' } };
  expect(read(dump({ filter_chains: [{ filters: [ecds, ...filters] }] })).mode).toBe('DISABLE');
  expect(read(dump({ filter_chains: [{ filters: [hole] }] })).mode).toBe('REFUSES');
});

test('states of a listener: warming, draining and refused updates are told', () => {
  const strict = {
    listener_filters: [inspector],
    filter_chains: [chain({ transport_protocol: 'tls' }, { transport_socket: mtls })],
  };
  const open = { listener: { traffic_direction: 'INBOUND', filter_chains: [chain({})] } };
  const answer = read(
    dump(strict, {
      warming_state: open,
      draining_state: open,
      error_state: { details: 'bad', version_info: 'v' },
    }),
  );
  expect(answer).toMatchObject({ mode: 'STRICT', drainingAcceptsPlaintext: true });
  expect(answer.notes.join('\n')).toMatch(/refused an update of virtualInbound: bad[\s\S]*still warming/);
  const notYet = JSON.parse(dump(strict));
  delete notYet.configs[0].dynamic_listeners[0].active_state;
  notYet.configs[0].dynamic_listeners[0].warming_state = open;
  expect(read(JSON.stringify(notYet)).mode).toBe('UNKNOWN');
});

test('old shapes: v2 types, tls_context, one list for each state; and camelCase as other tools print', () => {
  const old = {
    configs: [
      {
        '@type': 'type.googleapis.com/envoy.admin.v2alpha.ListenersConfigDump',
        dynamic_active_listeners: [
          {
            listener: {
              '@type': 'type.googleapis.com/envoy.api.v2.Listener',
              name: 'virtualInbound',
              listenerFilters: [inspector],
              filterChains: [
                {
                  filterChainMatch: { transportProtocol: 'tls' },
                  tlsContext: {
                    requireClientCertificate: true,
                    commonTlsContext: { validationContext: { trustedCa: { filename: '/x' } } },
                  },
                  filters,
                },
              ],
            },
          },
        ],
      },
    ],
  };
  expect(read(JSON.stringify(old)).mode).toBe('STRICT');
});

test('missing sections say nothing; ztunnel’s dump is recognised; other text is one sentence', () => {
  expect(read('{"configs":[]}')).toMatchObject({
    mode: 'UNKNOWN',
    notes: ['the dump has no listeners section'],
  });
  expect(read(dump({ filter_chain_matcher: {} })).mode).toBe('UNKNOWN');
  expect(parseConfigDump('{"workloads":[],"services":[]}', 'z').kind).toBe('ztunnel');
  expect(() => parseConfigDump('{"configs":', 'p')).toThrow(/the config dump of p is not JSON/);
  expect(() => parseConfigDump('[]', 'p')).toThrow(/is not a config dump/);
});

test('without endpoints in the dump what each one is sent is not known', () => {
  const parsed = parseConfigDump(
    JSON.stringify({
      configs: [
        {
          '@type': 'type.googleapis.com/envoy.admin.v3.ClustersConfigDump',
          dynamic_active_clusters: [
            {
              cluster: {
                name: 'outbound|80||a.b.svc.cluster.local',
                type: 'EDS',
                transport_socket_matches: [
                  { name: 'tlsMode-istio', match: { tlsMode: 'istio' }, transport_socket: {} },
                ],
              },
            },
          ],
        },
      ],
    }),
    'client',
  );
  if (parsed.kind !== 'envoy') throw new Error('expected an Envoy dump');
  const [cluster] = outboundClusters(parsed, 'a.b.svc.cluster.local', 80);
  expect(cluster?.endpoints.map(({ sends }) => sends)).toEqual(['unknown']);
  expect(cluster?.notes[0]).toMatch(/include_eds/);
});
