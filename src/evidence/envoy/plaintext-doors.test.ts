/**
 * Ways in which an Envoy takes plaintext although its chains look strict. Each was tried with real connections on an
 * Envoy 1.40: it let plaintext in.
 */
import { expect, test } from 'vitest';
import { parseConfigDump } from './config-dump.ts';
import { configured } from './inbound.ts';

const mtls = {
  transport_socket: {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext',
      require_client_certificate: true,
      common_tls_context: {
        combined_validation_context: { validation_context_sds_secret_config: { name: 'ROOTCA' } },
      },
    },
  },
};
const filters = [{ name: 'envoy.filters.network.tcp_proxy', typed_config: { cluster: 'inbound|80||' } }];
const tls = (match: object) => ({
  filter_chain_match: { transport_protocol: 'tls', ...match },
  filters,
  ...mtls,
});
const raw = (match: object) => ({ filter_chain_match: match, filters });
const network = (address_prefix: string, prefix_len: number) => ({ address_prefix, prefix_len });
const inspectors = [
  { name: 'envoy.filters.listener.tls_inspector' },
  { name: 'envoy.filters.listener.http_inspector' },
];

function mode(listener: object) {
  const virtualInbound = {
    name: 'virtualInbound',
    traffic_direction: 'INBOUND',
    listener_filters: inspectors,
    ...listener,
  };
  const text = JSON.stringify({
    configs: [
      {
        '@type': 'type.googleapis.com/envoy.admin.v3.ListenersConfigDump',
        dynamic_listeners: [{ name: 'virtualInbound', active_state: { listener: virtualInbound } }],
      },
    ],
  });
  const parsed = parseConfigDump(text, 'test');
  if (parsed.kind !== 'envoy') throw new Error('expected an Envoy dump');
  return configured(parsed, 80, '127.0.0.1').mode;
}

test.each(['h2c', 'http/1.0', 'http/1.1'])('a chain for plaintext %s only', (protocol) => {
  const door = raw({ transport_protocol: 'raw_buffer', application_protocols: [protocol] });
  expect(mode({ filter_chains: [tls({}), door] })).toBe('PERMISSIVE');
});

const everywhere = [tls({}), tls({ transport_protocol: 'raw_buffer' })];

test.each([
  ['local callers', { source_type: 'SAME_IP_OR_LOOPBACK' }],
  ['local callers, as a number', { source_type: 1 }],
  ['some addresses', { source_prefix_ranges: [network('10.0.0.0', 8)] }],
  ['some addresses of the connection itself', { direct_source_prefix_ranges: [network('10.0.0.0', 8)] }],
  ['some ports', { source_ports: [4000] }],
])('chains for %s leave the others to the default filter chain', (_case, source) => {
  const filter_chains = [tls(source), tls({ transport_protocol: 'raw_buffer', ...source })];
  expect(mode({ filter_chains, default_filter_chain: raw({}) })).toBe('PERMISSIVE');
});

test('chains for local and for external callers leave nobody to the default filter chain', () => {
  const filter_chains = ['SAME_IP_OR_LOOPBACK', 'EXTERNAL'].flatMap((source_type) =>
    everywhere.map(({ filter_chain_match, ...chain }) => ({
      ...chain,
      filter_chain_match: { ...filter_chain_match, source_type },
    })),
  );
  expect(mode({ filter_chains, default_filter_chain: raw({}) })).toBe('STRICT');
  expect(mode({ filter_chains: everywhere, default_filter_chain: raw({}) })).toBe('STRICT');
});

test('one network written in two ways is one network', () => {
  const filter_chains = [
    tls({ prefix_ranges: [network('127.0.0.1', 8)] }),
    raw({ transport_protocol: 'raw_buffer', prefix_ranges: [network('127.9.0.0', 8)] }),
  ];
  expect(mode({ filter_chains })).toBe('PERMISSIVE');
});

/** Envoy keeps both in one hash table under one prefix: five starts of an Envoy 1.40 took now one chain, now the other. */
test('0.0.0.0/0 and no prefix at all are the same to Envoy: either may be met', () => {
  const every = { prefix_ranges: [network('0.0.0.0', 0)] };
  const written = { prefix_ranges: [{ address_prefix: '0.0.0.0' }] };
  for (const prefix of [every, written]) {
    expect(mode({ filter_chains: [tls(prefix), raw({})] })).toBe('PERMISSIVE');
    expect(mode({ filter_chains: [raw(prefix), tls({})] })).toBe('PERMISSIVE');
  }
  // A longer prefix hides both.
  const own = { transport_protocol: '', prefix_ranges: [network('127.0.0.0', 8)] };
  expect(mode({ filter_chains: [tls(own), raw(every), raw({ destination_port: 81 })] })).toBe('STRICT');
});

const proxyProtocol = (message: object) => ({
  name: 'envoy.filters.listener.proxy_protocol',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol',
    ...message,
  },
});
const strictHere = tls({ transport_protocol: '', destination_port: 80 });
const openElsewhere = raw({ destination_port: 81 });

test('a PROXY protocol header chooses its chain, so a chain for plaintext elsewhere leaves it open', () => {
  const optional = proxyProtocol({ allow_requests_without_proxy_protocol: true });
  const filters = [optional, ...inspectors];
  // Envoy 1.40: `PROXY TCP4 10.0.0.1 10.0.0.2 5 81`, sent to port 80, reached the chain for 81.
  expect(mode({ listener_filters: filters, filter_chains: [strictHere, openElsewhere] })).toBe('UNKNOWN');
  expect(mode({ listener_filters: filters, filter_chains: [strictHere, tls({})] })).toBe('STRICT');
  // Without that option callers of the mesh, who send no header, are closed.
  expect(mode({ listener_filters: [proxyProtocol({})], filter_chains: [strictHere] })).toBe('UNKNOWN');
  expect(mode({ filter_chains: [{ ...strictHere, use_proxy_proto: true }, openElsewhere] })).toBe('UNKNOWN');
});

test.each([
  ['a filter of a vendor', { name: 'vendor.filter', typed_config: { '@type': 'x/vendor.v1.Filter' } }],
  [
    'a filter by discovery that may be anything',
    { name: 'envoy.filters.listener.tls_inspector', config_discovery: { type_urls: ['x/a.A', 'x/b.B'] } },
  ],
  ['an inspector that a rule of tomorrow switches off', { ...inspectors[0], filter_disabled: { sni: 'x' } }],
])('%s makes the answer UNKNOWN where it could lead to plaintext', (_case, filter) => {
  const listener_filters = [...inspectors, filter];
  expect(mode({ listener_filters, filter_chains: [strictHere, openElsewhere] })).toBe('UNKNOWN');
  expect(mode({ listener_filters, filter_chains: [strictHere, tls({})] })).toBe('STRICT');
  expect(mode({ listener_filters, filter_chains: [raw({})] })).toBe('DISABLE');
});

test('filters that leave the choice of a chain alone change nothing', () => {
  const named = (name: string) => ({ name: `envoy.filters.listener.${name}` });
  const known = { ...named('any'), typed_config: { '@type': 'x/envoy.LocalRateLimit' } };
  const listener_filters = [...inspectors, named('original_dst'), named('original_src'), known];
  expect(mode({ listener_filters, filter_chains: [strictHere, openElsewhere] })).toBe('STRICT');
});

test('StartTLS begins in plaintext', () => {
  const transport_socket = {
    name: 'envoy.transport_sockets.starttls',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.starttls.v3.StartTlsConfig',
    },
  };
  expect(mode({ filter_chains: [{ filters, transport_socket }] })).toBe('DISABLE');
});
