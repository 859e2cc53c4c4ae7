/** Listeners that nobody thought of: few values, so that entries beside one another meet often. */
import fc from 'fast-check';
import { chain, httpInspector, network, type Sockets, tlsInspector } from './listeners.ts';

const prefixes = fc.uniqueArray(
  fc.constantFrom(
    network('127.0.0.0', 8),
    network('127.0.0.1', 32),
    network('127.9.9.9', 8),
    network('10.0.0.0', 8),
    network('0.0.0.0', 0),
    network('::', 0),
  ),
  { maxLength: 2 },
);
const sources = fc.constantFrom(
  [],
  [],
  [],
  [network('127.0.0.0', 8)],
  [network('127.0.0.1', 32)],
  [network('10.0.0.0', 8)],
  [network('0.0.0.0', 0)],
);
const few = <Value>(...values: readonly Value[]): fc.Arbitrary<readonly Value[]> =>
  fc.oneof(
    { weight: 2, arbitrary: fc.constant<readonly Value[]>([]) },
    { weight: 1, arbitrary: fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength: 3 }) },
  );

const match = (port: number): fc.Arbitrary<object> =>
  fc.record({
    destination_port: fc.constantFrom(undefined, undefined, port, 9),
    prefix_ranges: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: prefixes }),
    server_names: few('a.test', '*.test', '*.b.test', 'x.b.test'),
    transport_protocol: fc.constantFrom('', 'tls', 'raw_buffer'),
    application_protocols: few(
      'istio',
      'istio-http/1.1',
      'istio-peer-exchange',
      'http/1.1',
      'http/1.0',
      'h2c',
      'h2',
      'foo',
    ),
    source_type: fc.constantFrom('ANY', 'ANY', 'ANY', 'SAME_IP_OR_LOOPBACK', 'EXTERNAL'),
    direct_source_prefix_ranges: sources,
    source_prefix_ranges: sources,
    source_ports: fc.constantFrom([], [], [], [7]),
  });

const inspector = (filter: object, port: number): fc.Arbitrary<readonly object[]> => {
  const off = (rule: object): readonly object[] => [{ ...filter, filter_disabled: rule }];
  const here = { destination_port_range: { start: port, end: port + 1 } };
  return fc.constantFrom(
    [],
    [filter],
    [filter],
    [filter],
    off({ any_match: true }),
    off(here),
    off({ not_match: here }),
    off({ or_match: { rules: [here, { destination_port_range: { start: 9, end: 10 } }] } }),
  );
};

/** @returns a listener's chains and filters, for a listener on that port */
export function listenerPieces(port: number, { mutual, anonymous }: Sockets): fc.Arbitrary<object> {
  const socket = fc.constantFrom(undefined, mutual, mutual, anonymous);
  const chains = fc.array(fc.tuple(match(port), socket), { minLength: 1, maxLength: 6 });
  return fc
    .record({
      chains,
      fallback: fc.option(socket, { freq: 2 }),
      tls: inspector(tlsInspector, port),
      http: inspector(httpInspector, port),
    })
    .map(({ chains: made, fallback, tls, http }) => ({
      listener_filters: [...tls, ...http],
      filter_chains: made.map(([one, used], index) => chain(one, used, `chain-${index}`)),
      ...(fallback === null ? {} : { default_filter_chain: chain(undefined, fallback, 'default') }),
    }));
}
