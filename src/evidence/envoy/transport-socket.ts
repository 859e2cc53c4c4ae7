/** What a transport socket does to bytes, on a server's filter chain or a client's cluster. */
import { asObjects, asText, asTexts, isObject, type JsonObject } from '../../sources/json-value.ts';
import { extensionConfig, field, path } from './proto-json.ts';

export interface ServerTls {
  readonly kind: 'tls';
  /** Without it a caller with no certificate gets in: encrypted, but nobody. */
  readonly requiresClientCertificate: boolean;
  /** False: whatever certificate is shown is taken. */
  readonly validatesClient: boolean;
  /** The SPIFFE prefixes or names that a client's certificate must carry; empty: any of the trusted root. */
  readonly acceptedNames: readonly string[];
  readonly certificateNames: readonly string[];
  readonly minimumVersion: string | undefined;
  readonly alpn: readonly string[];
}

/** `raw`: bytes pass as they are; `unknown`: a socket that Padlock does not know, so nothing is claimed about it. */
export type ServerSocket =
  | ServerTls
  | { readonly kind: 'raw' }
  | { readonly kind: 'unknown'; readonly name: string };

export interface ClientTls {
  readonly kind: 'tls';
  /** The workload's own certificate from the mesh is shown: Istio mutual TLS. */
  readonly meshIdentity: boolean;
  readonly sni: string | undefined;
  /** The names that the server's certificate must carry; empty: none is checked. */
  readonly expectedServers: readonly string[];
  readonly alpn: readonly string[];
}

export type ClientSocket =
  | ClientTls
  | { readonly kind: 'raw' }
  | { readonly kind: 'unknown'; readonly name: string };

/**
 * Sockets around another one that leave its bytes as they are. InternalUpstreamTransport is none of them: behind it
 * stands another listener of the same proxy (HBONE).
 */
const wrappers: ReadonlySet<string> = new Set(['Tap', 'ProxyProtocolUpstreamTransport', 'Config']);

/** The socket of a filter chain: `transport_socket`, or `tls_context` before Envoy 1.14; none is raw. */
export function serverSocket(chain: JsonObject): ServerSocket {
  const old = field(chain, 'tls_context');
  if (isObject(old)) return serverTls(old);
  const socket = unwrap(field(chain, 'transport_socket'));
  if (socket === undefined) return { kind: 'raw' };
  if (socket.type === 'DownstreamTlsContext') return serverTls(socket.message);
  return socket.isRaw ? { kind: 'raw' } : { kind: 'unknown', name: socket.name };
}

/** The socket that a cluster would use; none is raw. */
export function clientSocket(transportSocket: unknown): ClientSocket {
  const socket = unwrap(transportSocket);
  if (socket === undefined) return { kind: 'raw' };
  if (socket.type === 'UpstreamTlsContext') return clientTls(socket.message);
  return socket.isRaw ? { kind: 'raw' } : { kind: 'unknown', name: socket.name };
}

interface Unwrapped {
  readonly type: string;
  readonly name: string;
  readonly message: JsonObject;
  readonly isRaw: boolean;
}

function unwrap(transportSocket: unknown): Unwrapped | undefined {
  let current = transportSocket;
  for (;;) {
    if (!isObject(current)) return undefined;
    const { type, message } = extensionConfig(current);
    const name = asText(current.name) ?? type;
    const inner = field(message, 'transport_socket');
    if (isObject(inner) && (wrappers.has(type) || type === '')) {
      current = inner;
      continue;
    }
    const isRaw =
      type === 'RawBuffer' || name === 'envoy.transport_sockets.raw_buffer' || name === 'raw_buffer';
    // Before typed configurations a TLS socket was known by its name only.
    const guessed = type === '' && /^(envoy\.transport_sockets\.)?tls$/.test(name);
    return { type: guessed ? guessTlsType(message) : type, name, message, isRaw };
  }
}

function guessTlsType(message: JsonObject): string {
  return field(message, 'require_client_certificate') === undefined
    ? 'UpstreamTlsContext'
    : 'DownstreamTlsContext';
}

function serverTls(context: JsonObject): ServerTls {
  const common = field(context, 'common_tls_context');
  const required = field(context, 'require_client_certificate');
  const validation = validationContexts(common);
  return {
    kind: 'tls',
    requiresClientCertificate: required === true || field(required, 'value') === true,
    validatesClient: validatesPeers(common),
    acceptedNames: validation.flatMap(sanMatchers),
    certificateNames: certificateNames(common),
    minimumVersion: asText(path(common, 'tls_params', 'tls_minimum_protocol_version')),
    alpn: asTexts(field(common, 'alpn_protocols')),
  };
}

function clientTls(context: JsonObject): ClientTls {
  const common = field(context, 'common_tls_context');
  const names = certificateNames(common);
  return {
    kind: 'tls',
    meshIdentity: names.includes('default') || names.some((name) => name.startsWith('file-cert:')),
    sni: asText(field(context, 'sni')),
    expectedServers: validationContexts(common).flatMap(sanMatchers),
    alpn: asTexts(field(common, 'alpn_protocols')),
  };
}

/** Names of the certificates shown: SDS secrets; a certificate given in place has none. */
function certificateNames(common: unknown): readonly string[] {
  return asObjects(field(common, 'tls_certificate_sds_secret_configs'))
    .map((config) => asText(field(config, 'name')))
    .filter((name) => name !== undefined);
}

function validationContexts(common: unknown): readonly JsonObject[] {
  const combined = field(common, 'combined_validation_context');
  return [field(common, 'validation_context'), field(combined, 'default_validation_context')].filter(
    isObject,
  );
}

/** Is there a root to check a peer's certificate against? `ACCEPT_UNTRUSTED` takes any. */
function validatesPeers(common: unknown): boolean {
  const combined = field(common, 'combined_validation_context');
  const contexts = validationContexts(common);
  if (contexts.some((context) => field(context, 'trust_chain_verification') === 'ACCEPT_UNTRUSTED'))
    return false;
  return (
    isObject(field(combined, 'validation_context_sds_secret_config')) ||
    isObject(field(common, 'validation_context_sds_secret_config')) ||
    contexts.some(
      (context) =>
        isObject(field(context, 'trusted_ca')) || isObject(field(context, 'custom_validator_config')),
    )
  );
}

/** `match_subject_alt_names`, since Envoy 1.22 `match_typed_subject_alt_names`, before 1.14 `verify_subject_alt_name`. */
function sanMatchers(context: JsonObject): readonly string[] {
  const typedMatchers = asObjects(field(context, 'match_typed_subject_alt_names')).map((entry) =>
    field(entry, 'matcher'),
  );
  const matchers = [...typedMatchers, ...asObjects(field(context, 'match_subject_alt_names'))];
  const texts = matchers.map((matcher) => {
    const exact = asText(field(matcher, 'exact'));
    if (exact !== undefined) return exact;
    const prefix = asText(field(matcher, 'prefix'));
    if (prefix !== undefined) return `${prefix}*`;
    const suffix = asText(field(matcher, 'suffix'));
    return suffix === undefined ? JSON.stringify(matcher) : `*${suffix}`;
  });
  return [...texts, ...asTexts(field(context, 'verify_subject_alt_name'))];
}
