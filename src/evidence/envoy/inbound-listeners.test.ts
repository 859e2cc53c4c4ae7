/** Which listener a connection meets, as an Envoy 1.40 handed them on. */
import { expect, test } from 'vitest';
import { parseConfigDump } from './config-dump.ts';
import { configured } from './inbound.ts';
import { parseListenerLines, parseListeners } from './listeners.ts';

const mtls = {
  transport_socket: {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': 'x/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext',
      require_client_certificate: true,
      common_tls_context: { validation_context: { trusted_ca: { inline_string: 'PEM' } } },
    },
  },
};
const filters = [{ name: 'envoy.filters.network.echo' }];
const strict = { filter_chains: [{ filters, ...mtls }] };
const open = { filter_chains: [{ filters }] };
const at = (address: string, port_value: number, more: object = {}) => ({
  address: { socket_address: { address, port_value, ...more } },
});
const originalDst = { listener_filters: [{ name: 'envoy.filters.listener.original_dst' }] };
const captured = (more: object) => ({
  name: 'virtualInbound',
  traffic_direction: 'INBOUND',
  ...at('0.0.0.0', 15006),
  ...originalDst,
  ...more,
});

function read(listeners: readonly object[], port = 80, address = '10.0.0.1', metadata: object = {}) {
  const text = JSON.stringify({
    configs: [
      { '@type': 'x/envoy.admin.v3.BootstrapConfigDump', bootstrap: { node: { metadata } } },
      {
        '@type': 'x/envoy.admin.v3.ListenersConfigDump',
        dynamic_listeners: listeners.map((listener) => ({
          name: 'n',
          active_state: { listener },
          ...listener,
        })),
      },
    ],
  });
  const parsed = parseConfigDump(text, 'test');
  if (parsed.kind !== 'envoy') throw new Error('expected an Envoy dump');
  return configured(parsed, port, address);
}

test('a listener bound to the port takes what is not captured, whoever made it: both count', () => {
  const door = { name: 'door', ...at('0.0.0.0', 80), ...open };
  const answer = read([captured(strict), door]);
  expect(answer).toMatchObject({ mode: 'PERMISSIVE', listener: 'door, virtualInbound' });
  expect(answer.notes).toEqual([expect.stringMatching(/door or virtualInbound/)]);
  expect(read([captured(open), { ...door, ...strict }]).acceptsPlaintext).toBe(true);
  expect(read([door]).mode).toBe('DISABLE');
  expect(read([captured(strict), { ...door, traffic_direction: 'OUTBOUND' }]).mode).toBe('PERMISSIVE');
});

test.each([
  ['the pod’s address', at('10.0.0.1', 80), true],
  ['another address', at('10.0.0.2', 80), false],
  ['the loopback', at('127.0.0.1', 80), false],
  ['every address of IPv6', at('::', 80), false],
  ['every address of both', at('::', 80, { ipv4_compat: true }), true],
  ['UDP, as QUIC', at('0.0.0.0', 80, { protocol: 'UDP' }), false],
  ['another port', at('0.0.0.0', 81), false],
  ['a second address', { ...at('127.0.0.1', 9), additional_addresses: [at('0.0.0.0', 80)] }, true],
  ['no port of the host', { ...at('0.0.0.0', 80), bind_to_port: false }, false],
  ['nothing: an internal listener', { internal_listener: {} }, false],
])('bound to %s', (_case, where, takes) => {
  expect(read([captured(strict), { name: 'door', ...where, ...open }]).acceptsPlaintext).toBe(takes);
});

test('a pod on two networks is open where either is', () => {
  const chains = [
    {
      filter_chain_match: { prefix_ranges: [{ address_prefix: '0.0.0.0', prefix_len: 0 }] },
      filters,
      ...mtls,
    },
    { filter_chain_match: { prefix_ranges: [{ address_prefix: '::', prefix_len: 0 }] }, filters },
  ];
  const listener = captured({ filter_chains: chains });
  expect(read([listener]).mode).toBe('STRICT');
  expect(read([listener], 80, '10.0.0.1', { INSTANCE_IPS: '10.0.0.1,fd00::1' }).mode).toBe('PERMISSIVE');
});

test('use_original_dst hands on to a listener of the destination, also one that binds no port', () => {
  const handing = captured({ ...strict, use_original_dst: true });
  const unbound = { name: 'door', ...at('0.0.0.0', 80), bind_to_port: false, ...open };
  expect(read([handing, unbound]).mode).toBe('DISABLE');
  expect(read([captured(strict), unbound]).mode).toBe('STRICT');
  const exact = { ...unbound, name: 'exact', ...at('10.0.0.1', 80), ...strict };
  expect(read([handing, unbound, exact])).toMatchObject({ mode: 'STRICT', listener: 'exact' });
  expect(read([handing, unbound], 81).mode).toBe('STRICT');
});

test('a listener that was removed takes nothing new; what is on it drains', () => {
  const listener = { ...at('0.0.0.0', 80), bind_to_port: true, ...open };
  const gone = { active_state: undefined, draining_state: { listener } };
  const answer = read([captured({ ...strict, use_original_dst: true }), { name: 'gone', ...gone }]);
  expect(answer).toMatchObject({
    mode: 'STRICT',
    listener: 'virtualInbound',
    drainingAcceptsPlaintext: true,
  });
  const warms = { name: 'new', active_state: undefined, warming_state: { listener } };
  expect(read([captured(strict), warms])).toMatchObject({ mode: 'STRICT', drainingAcceptsPlaintext: false });
  expect(read([warms]).mode).toBe('UNKNOWN');
});

test('until original_dst has run a redirected connection has the capture port', () => {
  const chains = {
    filter_chains: [
      { filter_chain_match: { destination_port: 80, transport_protocol: 'tls' }, filters, ...mtls },
      { filter_chain_match: { destination_port: 15006 }, filters },
    ],
  };
  const inspector = { name: 'envoy.filters.listener.tls_inspector' };
  const off = { ...inspector, filter_disabled: { destination_port_range: { start: 15006, end: 15007 } } };
  const redirect = { INTERCEPTION_MODE: 'REDIRECT' };
  const after = captured({ ...chains, listener_filters: [...originalDst.listener_filters, off] });
  const before = captured({ ...chains, listener_filters: [off, ...originalDst.listener_filters] });
  const none = captured({ ...chains, listener_filters: [inspector] });
  expect(read([after], 80, '10.0.0.1', redirect).mode).toBe('STRICT');
  expect(read([before], 80, '10.0.0.1', redirect).mode).toBe('REFUSES');
  expect(read([before], 80, '10.0.0.1', { INTERCEPTION_MODE: 'TPROXY' }).mode).toBe('STRICT');
  expect(read([none], 80, '10.0.0.1', redirect).mode).toBe('DISABLE');
  expect(read([none], 80, '10.0.0.1').mode).toBe('STRICT');
});

test('/listeners in both formats: each address of a listener', () => {
  const lines = 'virtualInbound::0.0.0.0:15006\nshop::v2::[::]:80\n\nadmin: no address\npipe::@/tmp/x\n';
  expect(parseListenerLines(lines)).toEqual([
    { name: 'virtualInbound', address: '0.0.0.0', port: 15006 },
    { name: 'shop::v2', address: '::', port: 80 },
  ]);
  const socket = (address: string, port_value: number) => ({ socket_address: { address, port_value } });
  const status = {
    name: 'a',
    local_address: socket('::1', 1),
    additional_local_addresses: [socket('::1', 2)],
  };
  expect(parseListeners(JSON.stringify({ listener_statuses: [status] }))).toEqual([
    { name: 'a', address: '::1', port: 1 },
    { name: 'a', address: '::1', port: 2 },
  ]);
});
