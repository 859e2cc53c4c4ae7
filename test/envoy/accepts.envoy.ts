/**
 * Whom a real Envoy lets in, listener by listener, and that Padlock reads the same off its dump. The second column of a
 * case is what Envoy 1.40 did: `plaintext`, the clients whose TLS it took, `passed` where it handed TLS on unopened.
 */
import { createHash, X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type EnvoyDump, parseConfigDump } from '../../src/evidence/envoy/config-dump.ts';
import { configured } from '../../src/evidence/envoy/inbound.ts';
import { type Call, type Heard, make, meshHttp, meshTcp, plaintextCalls, tlsCall } from './calls.ts';
import { differences } from './compare.ts';
import { type ClientName, createIdentities, type Identities } from './identities.ts';
import {
  chain,
  httpInspector,
  network,
  proxyProtocol,
  type Sockets,
  sockets,
  tlsInspector,
  typed,
} from './listeners.ts';
import { findEnvoy, freePorts, type RealEnvoy, startEnvoy } from './real-envoy.ts';

const envoy = await findEnvoy();

interface Pieces extends Sockets {
  readonly port: number;
  readonly identities: Identities;
}
type Build = (pieces: Pieces) => object;

const one = (socket?: object): object => ({ filter_chains: [chain({}, socket)] });
const validated =
  (context: (pieces: Pieces) => object, required = true): Build =>
  (pieces) =>
    one(pieces.tls({ required, validation: context(pieces) }));
const bySecret =
  (name: string, context?: object): Build =>
  ({ tls }) => {
    const secret = { validation_context_sds_secret_config: { name } };
    const combined = { default_validation_context: context, ...secret };
    const common = context === undefined ? secret : { combined_validation_context: combined };
    return one(tls({ required: true, validation: null, common }));
  };
const names = (san_type: string): object => ({
  match_typed_subject_alt_names: [{ san_type, matcher: { prefix: 'spiffe://cluster.local/' } }],
});
const untrusted = { trust_chain_verification: 'ACCEPT_UNTRUSTED' };
const spiffe = ({ identities }: Pieces): object => ({
  custom_validator_config: {
    name: 'envoy.tls.cert_validator.spiffe',
    typed_config: typed('envoy.extensions.transport_sockets.tls.v3.SPIFFECertValidatorConfig', {
      trust_domains: [{ name: 'cluster.local', trust_bundle: { inline_string: identities.root } }],
    }),
  },
});
const friendsHash = ({ identities }: Pieces): string =>
  createHash('sha256')
    .update(new X509Certificate(identities.clients.friend?.chain ?? '').raw)
    .digest('hex');
const wrapped = (name: string, type: string, message: (pieces: Pieces) => object): Build => {
  const full = `envoy.extensions.transport_sockets.${name}.v3.${type}`;
  return (pieces) =>
    one({ name: `envoy.transport_sockets.${name}`, typed_config: typed(full, message(pieces)) });
};
/** Chains with an inspector of TLS before them. */
const inspected =
  (chains: (pieces: Pieces) => readonly object[], filters: readonly object[] = [tlsInspector]): Build =>
  (pieces) => ({ listener_filters: filters, filter_chains: chains(pieces) });
const tlsOnly = { transport_protocol: 'tls' };
const rawOnly = { transport_protocol: 'raw_buffer' };

const ofRoot = 'friend other-domain other-name';
const anybody = `nobody ${ofRoot} expired stranger`;
const anyShown = `${ofRoot} expired stranger`;

const cases: Readonly<Record<string, readonly [letIn: string, build: Build]>> = {
  'Istio’s STRICT': [ofRoot, inspected(({ mutual }) => [chain(tlsOnly, mutual)])],
  'Istio’s PERMISSIVE': [
    `plaintext ${ofRoot} passed`,
    inspected(
      ({ mutual }) => [
        chain(
          { ...tlsOnly, application_protocols: ['istio', 'istio-peer-exchange', 'istio-http/1.1'] },
          mutual,
        ),
        chain(tlsOnly),
        chain(rawOnly),
      ],
      [tlsInspector, httpInspector],
    ),
  ],
  'Istio’s DISABLE': ['plaintext passed', () => one()],
  'a root': [ofRoot, ({ mutual }) => one(mutual)],
  'a certificate that is not demanded': [`nobody ${ofRoot}`, ({ anonymous }) => one(anonymous)],
  'no validation': [anybody, ({ tls }) => one(tls({ required: true, validation: null }))],
  'an empty validation': [anybody, validated(() => ({}))],
  'names of URIs': ['friend', validated(({ root }) => ({ ...root, ...names('URI') }))],
  'names of hosts': ['', validated(({ root }) => ({ ...root, ...names('DNS') }))],
  ACCEPT_UNTRUSTED: [anyShown, validated(({ root }) => ({ ...root, ...names('URI'), ...untrusted }))],
  'expired certificates': [
    `${ofRoot} expired`,
    validated(({ root }) => ({ ...root, allow_expired_certificate: true })),
  ],
  'revocation of leaves only': [
    ofRoot,
    validated(({ root }) => ({ ...root, only_verify_leaf_cert_crl: true })),
  ],
  'a hash': ['friend', validated((pieces) => ({ verify_certificate_hash: [friendsHash(pieces)] }))],
  'a hash, untrusted': [
    anybody,
    validated((pieces) => ({ verify_certificate_hash: [friendsHash(pieces)], ...untrusted })),
  ],
  'the roots of the system': [anybody, validated(() => ({ system_root_certs: {} }))],
  'a provider of roots': [
    anybody,
    validated(() => ({ ca_certificate_provider_instance: { instance_name: 'x' } })),
  ],
  SPIFFE: ['friend', validated(spiffe)],
  'SPIFFE, not demanded and untrusted': [
    'friend',
    validated((pieces) => ({ ...spiffe(pieces), ...untrusted }), false),
  ],
  'a secret': [ofRoot, bySecret('ROOTCA')],
  'a secret and names': ['friend', bySecret('ROOTCA', names('URI'))],
  'an empty secret': [anybody, bySecret('EMPTY')],
  'an untrusting secret': [anyShown, bySecret('UNTRUSTED')],
  'an untrusting secret and names': [anyShown, bySecret('UNTRUSTED', names('URI'))],
  'a secret that never comes': [
    '',
    ({ tls }) => {
      const sds_config = { resource_api_version: 'V3', path_config_source: { path: '/dev/null' } };
      const common = { validation_context_sds_secret_config: { name: 'nowhere', sds_config } };
      return one(tls({ required: true, validation: null, common }));
    },
  ],
  'a tap around TLS': [
    ofRoot,
    wrapped('tap', 'Tap', ({ mutual }) => ({
      common_config: { admin_config: { config_id: 'x' } },
      transport_socket: mutual,
    })),
  ],
  'statistics around TLS': [
    ofRoot,
    wrapped('tcp_stats', 'Config', ({ mutual }) => ({ transport_socket: mutual })),
  ],
  StartTLS: [
    'plaintext passed',
    wrapped('starttls', 'StartTlsConfig', ({ context }) => ({
      cleartext_socket_config: {},
      tls_socket_config: context({ required: true }),
    })),
  ],
  'a door for one ALPN': [
    'nobody',
    inspected(({ anonymous }) => [chain({ ...tlsOnly, application_protocols: ['foo'] }, anonymous)]),
  ],
  'a door for one ALPN, unopened': [
    'passed',
    inspected(({ mutual }) => [
      chain({ ...tlsOnly, application_protocols: ['foo'] }),
      chain(rawOnly, mutual),
    ]),
  ],
  'a door for one host': [
    `nobody ${ofRoot}`,
    inspected(({ anonymous, mutual }) => [chain({ server_names: ['*.test'] }, anonymous), chain({}, mutual)]),
  ],
  'no inspector': [
    'plaintext passed',
    inspected(({ mutual }) => [chain(tlsOnly, mutual), chain(rawOnly)], []),
  ],
  'no chain for a port': ['', ({ mutual }) => ({ filter_chains: [chain({ destination_port: 9 }, mutual)] })],
  'a default chain': [
    'plaintext passed',
    () => ({ filter_chains: [chain({ destination_port: 9 })], default_filter_chain: chain(undefined) }),
  ],
  'the longest prefix': [
    ofRoot,
    ({ mutual }) => ({
      filter_chains: [
        chain({ prefix_ranges: [network('127.0.0.1', 32)] }, mutual),
        chain({ prefix_ranges: [network('127.0.0.0', 8)] }),
      ],
    }),
  ],
};

/** Those that Padlock must leave open, and what Envoy did. */
const open: Readonly<Record<string, readonly [letIn: string, build: Build]>> = {
  'a PROXY header that may be left out': [
    `plaintext ${ofRoot}`,
    inspected(
      ({ port, mutual }) => [chain({ destination_port: port }, mutual), chain({ destination_port: 8 })],
      [proxyProtocol(true), tlsInspector],
    ),
  ],
  'a PROXY header that is demanded': [
    'plaintext',
    inspected(
      ({ port, mutual }) => [chain({ destination_port: port }, mutual), chain({ destination_port: 8 })],
      [proxyProtocol(false), tlsInspector],
    ),
  ],
  'a matcher tree': [
    `plaintext ${ofRoot}`,
    ({ mutual }) => ({
      listener_filters: [tlsInspector],
      filter_chains: [chain(undefined, mutual, 'tls'), chain(undefined, undefined, 'raw_buffer')],
      filter_chain_matcher: byTransport(['tls', 'raw_buffer']),
    }),
  ],
};

function byTransport(protocols: readonly string[]): object {
  const value = (name: string): object => ({
    action: { name, typed_config: typed('google.protobuf.StringValue', { value: name }) },
  });
  const input = typed('envoy.extensions.matching.common_inputs.network.v3.TransportProtocolInput');
  return {
    matcher_tree: {
      input: { name: 'transport', typed_config: input },
      exact_match_map: { map: Object.fromEntries(protocols.map((name) => [name, value(name)])) },
    },
  };
}

const clients: readonly ClientName[] = [
  'nobody',
  'friend',
  'other-domain',
  'other-name',
  'expired',
  'stranger',
];
const calls: readonly Call[] = [
  ...plaintextCalls,
  ...clients.map((client) => tlsCall(client, meshHttp)),
  tlsCall('friend', meshTcp),
  tlsCall('nobody', []),
  tlsCall('nobody', ['foo']),
  tlsCall('nobody', ['h2', 'http/1.1'], 'a.test'),
];
const withHeader: Call = {
  ...tlsCall('nobody', []),
  name: 'plaintext behind a PROXY header',
  tls: false,
  bytes: 'hello padlock',
  preface: 'PROXY TCP4 10.0.0.1 10.0.0.2 5 8\r\n',
};

function letIn(heard: readonly Heard[]): string {
  const got = heard.filter(({ answer }) => answer !== 'refused');
  const words = got.map(({ call, answer }) =>
    answer === 'passed' ? 'passed' : call.tls ? call.client : 'plaintext',
  );
  const order = ['plaintext', ...clients, 'passed'];
  return order.filter((word) => words.some((other) => other === word)).join(' ');
}

describe.skipIf(envoy === undefined)('a real Envoy (skipped where PADLOCK_ENVOY names none)', () => {
  const all = { ...cases, ...open };
  const titles = Object.keys(all);
  let real: RealEnvoy;
  let identities: Identities;
  let dump: EnvoyDump;
  let ports: readonly number[];

  beforeAll(async () => {
    identities = await createIdentities();
    ports = await freePorts(titles.length);
    const pieces = sockets(identities);
    const secret = (name: string, validation_context: object): object => ({ name, validation_context });
    real = await startEnvoy(envoy ?? '', {
      staticSecrets: [
        secret('ROOTCA', pieces.root),
        secret('EMPTY', {}),
        secret('UNTRUSTED', { ...pieces.root, ...untrusted }),
      ],
    });
    await real.setListeners(
      Object.values(all).map(([, build], index) => ({
        name: titles[index],
        traffic_direction: 'INBOUND',
        address: { socket_address: { address: '127.0.0.1', port_value: ports[index] } },
        listener_filters_timeout: '0s',
        ...build({ ...pieces, identities, port: ports[index] ?? 0 }),
      })),
    );
    const parsed = parseConfigDump(await real.get('/config_dump'), 'Envoy');
    if (parsed.kind !== 'envoy') throw new Error('expected an Envoy dump');
    dump = parsed;
  });

  afterAll(() => real.stop());

  const hear = (title: string, extra: readonly Call[] = []): Promise<readonly Heard[]> => {
    const port = ports[titles.indexOf(title)] ?? 0;
    return Promise.all([...calls, ...extra].map((call) => make(call, port, identities)));
  };
  const said = (title: string) => configured(dump, ports[titles.indexOf(title)] ?? 0);

  test.each(Object.entries(cases))('%s', async (title, [expected]) => {
    const heard = await hear(title);
    expect(letIn(heard)).toBe(expected);
    expect(differences(said(title), heard)).toEqual([]);
  });

  test.each(Object.entries(open))('%s leaves it open', async (title, [expected]) => {
    expect(letIn(await hear(title, [withHeader]))).toBe(expected);
    expect(said(title).mode).toBe('UNKNOWN');
    expect(said(title).notes).not.toEqual([]);
  });
});
