/**
 * Whom TLS lets in. Beside each case stands what an Envoy 1.40 did with callers that showed no certificate (`nobody`), one
 * of the mesh (`friend`), of another trust domain (`other`), of a stranger's authority (`stranger`), or an old one (`old`).
 */
import { expect, test } from 'vitest';
import { parseConfigDump } from './config-dump.ts';
import { configured } from './inbound.ts';

const root = { trusted_ca: { inline_string: 'PEM' } };
const untrusted = { trust_chain_verification: 'ACCEPT_UNTRUSTED' };
const names = (san_type: string, prefix: string) => ({
  match_typed_subject_alt_names: [{ san_type, matcher: { prefix } }],
});
const secret = (name: string, content: object) => ({
  name,
  secret: { '@type': 'x/envoy.extensions.transport_sockets.tls.v3.Secret', name, ...content },
});
const secrets = {
  dynamic_active_secrets: [
    secret('ROOTCA', { validation_context: root }),
    secret('EMPTY', { validation_context: {} }),
    secret('UNTRUSTED', { validation_context: { ...root, ...untrusted } }),
    secret('default', { tls_certificate: {} }),
  ],
  // As Envoy prints a secret that it waits for.
  dynamic_warming_secrets: [{ ...secret('nowhere', {}), version_info: 'uninitialized' }],
};
const filters = [{ name: 'envoy.filters.network.echo' }];

function tls(common: object, more: object = { require_client_certificate: true }) {
  return {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext',
      common_tls_context: common,
      ...more,
    },
  };
}

function read(filter_chains: readonly object[]) {
  const listener = {
    name: 'virtualInbound',
    traffic_direction: 'INBOUND',
    listener_filters: [{ name: 'envoy.filters.listener.tls_inspector' }],
    filter_chains,
  };
  const text = JSON.stringify({
    configs: [
      {
        '@type': 'type.googleapis.com/envoy.admin.v3.ListenersConfigDump',
        dynamic_listeners: [{ name: 'virtualInbound', active_state: { listener } }],
      },
      { '@type': 'type.googleapis.com/envoy.admin.v3.SecretsConfigDump', ...secrets },
    ],
  });
  const parsed = parseConfigDump(text, 'test');
  if (parsed.kind !== 'envoy') throw new Error('expected an Envoy dump');
  return configured(parsed, 80, '127.0.0.1');
}

const inline = (validation_context: object) => ({ validation_context });
const sds = (name: string) => ({ validation_context_sds_secret_config: { name } });
const combined = (name: string, context: object) => ({
  combined_validation_context: { default_validation_context: context, ...sds(name) },
});
const spiffe = {
  custom_validator_config: {
    name: 'envoy.tls.cert_validator.spiffe',
    typed_config: {
      '@type': 'x/envoy.extensions.transport_sockets.tls.v3.SPIFFECertValidatorConfig',
      trust_domains: [{ name: 'cluster.local', trust_bundle: { inline_string: 'PEM' } }],
    },
  },
};
const vendor = { custom_validator_config: { name: 'vendor', typed_config: { '@type': 'x/vendor.V' } } };
const pinned = { verify_certificate_hash: ['ab12'] };

test.each([
  // What is configured, what the Envoy let in, the mode.
  ['a root', inline(root), 'friend other', 'STRICT'],
  ['a root by SDS', sds('ROOTCA'), 'friend other', 'STRICT'],
  ['a root by SDS that the dump does not hold', sds('elsewhere'), '?', 'STRICT'],
  ['a root and a name', inline({ ...root, ...names('URI', 'spiffe://cluster.local/') }), 'friend', 'STRICT'],
  ['Istio’s own form', combined('ROOTCA', names('URI', 'spiffe://cluster.local/')), 'friend', 'STRICT'],
  ['no validation at all', {}, 'nobody friend other stranger old', 'ANONYMOUS_TLS'],
  ['an empty validation', inline({}), 'nobody friend other stranger old', 'ANONYMOUS_TLS'],
  ['an empty secret', sds('EMPTY'), 'nobody friend other stranger old', 'ANONYMOUS_TLS'],
  ['ACCEPT_UNTRUSTED', inline({ ...root, ...untrusted }), 'friend other stranger old', 'ANONYMOUS_TLS'],
  ['ACCEPT_UNTRUSTED in the secret', sds('UNTRUSTED'), 'friend other stranger old', 'ANONYMOUS_TLS'],
  [
    'ACCEPT_UNTRUSTED in the secret, and names',
    combined('UNTRUSTED', names('URI', 'spiffe://cluster.local/')),
    'friend other stranger old',
    'ANONYMOUS_TLS',
  ],
  ['ACCEPT_UNTRUSTED beside it', combined('ROOTCA', untrusted), 'friend other stranger old', 'ANONYMOUS_TLS'],
  ['names of hosts only', inline({ ...root, ...names('DNS', 'spiffe://cluster.local/') }), '', 'REFUSES'],
  ['a secret that has not arrived', sds('nowhere'), '', 'REFUSES'],
  [
    'a certificate of its own that has not arrived',
    { ...inline(root), tls_certificate_sds_secret_configs: [{ name: 'nowhere' }] },
    '',
    'REFUSES',
  ],
  ['one certificate by its hash', inline(pinned), 'friend', 'STRICT'],
  [
    'a hash, untrusted',
    inline({ ...pinned, ...untrusted }),
    'nobody friend other stranger old',
    'ANONYMOUS_TLS',
  ],
  [
    'the roots of the system',
    inline({ system_root_certs: {} }),
    'nobody friend other stranger old',
    'ANONYMOUS_TLS',
  ],
  ['SPIFFE', inline(spiffe), 'friend', 'STRICT'],
  ['SPIFFE, which heeds no ACCEPT_UNTRUSTED', inline({ ...spiffe, ...untrusted }), 'friend', 'STRICT'],
  ['a validator of a vendor', inline({ ...root, ...vendor }), '?', 'UNKNOWN'],
  ['a handshaker of a vendor', { ...inline(root), custom_handshaker: { name: 'vendor' } }, '?', 'UNKNOWN'],
])('%s', (_case, common, _letIn, mode) => {
  expect(read([{ filters, transport_socket: tls(common) }]).mode).toBe(mode);
});

test('a certificate that is not demanded: nobody gets in, but past SPIFFE', () => {
  const optional = (common: object) => read([{ filters, transport_socket: tls(common, {}) }]);
  expect(optional(inline(root))).toMatchObject({ mode: 'ANONYMOUS_TLS', acceptsAnonymousTls: true });
  expect(optional(sds('ROOTCA')).mode).toBe('ANONYMOUS_TLS');
  expect(optional(inline(spiffe)).mode).toBe('STRICT');
});

test('whom it takes is told in names: of URIs as they are, of other kinds with the kind, of SPIFFE the domains', () => {
  const accepted = (context: object) =>
    read([{ filters, transport_socket: tls(inline({ ...root, ...context })) }]).acceptedNames;
  expect(accepted(names('URI', 'spiffe://a/'))).toEqual(['spiffe://a/*']);
  expect(accepted({ match_subject_alt_names: [{ suffix: '.a' }] })).toEqual(['*.a']);
  expect(accepted(names('DNS', 'a'))).toEqual(['DNS a*']);
  expect(accepted(spiffe)).toEqual(['spiffe://cluster.local/*']);
  expect(accepted(pinned)).toEqual(['certificate ab12']);
});

test('expired certificates that are taken, and secrets that are waited for, are said', () => {
  const expired = read([
    { filters, transport_socket: tls(inline({ ...root, allow_expired_certificate: true })) },
  ]);
  expect(expired).toMatchObject({
    mode: 'STRICT',
    notes: [expect.stringMatching(/allow_expired_certificate/)],
  });
  expect(read([{ filters, transport_socket: tls(sds('nowhere')) }]).notes).toEqual([
    'the secret nowhere has not arrived: its filter chains close every connection',
  ]);
});

const mutual = tls(inline(root));
const anonymous = tls(inline(root), {});
const chain = (match: object, transport_socket?: object) => ({
  filter_chain_match: match,
  filters,
  ...(transport_socket === undefined ? {} : { transport_socket }),
});

test.each([
  // Envoy 1.40: nobody got in by `foo`, and the ClientHello came back unopened.
  ['for one protocol that no client of the mesh speaks', { application_protocols: ['foo'] }],
  ['for one host name', { server_names: ['a.test'] }],
  ['for a domain', { server_names: ['*.test'] }],
])('a door %s is a door', (_case, match) => {
  const strict = chain({ transport_protocol: 'tls' }, mutual);
  const door = { transport_protocol: 'tls', ...match };
  const end = { transport_protocol: 'raw_buffer' };
  expect(read([strict, chain(door, anonymous), chain(end, mutual)])).toMatchObject({
    mode: 'ANONYMOUS_TLS',
    acceptsAnonymousTls: true,
  });
  expect(read([strict, chain(door), chain(end, mutual)])).toMatchObject({
    mode: 'ANONYMOUS_TLS',
    passesForeignTls: true,
    acceptsPlaintext: false,
  });
  expect(read([strict, chain(door, mutual), chain(end, mutual)]).mode).toBe('STRICT');
});
