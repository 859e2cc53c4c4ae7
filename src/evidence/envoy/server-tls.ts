/**
 * Whom a server's TLS lets in, from its DownstreamTlsContext and the secrets that it draws on. Each rule was tried on an
 * Envoy 1.40 (test/envoy): without anything to check a certificate against, Envoy does not even ask for one, whatever
 * `require_client_certificate` says.
 */
import { asObjects, asText, asTexts, isObject, type JsonObject } from '../../sources/json-value.ts';
import type { SecretState } from './config-dump.ts';
import { admitsSpiffe, expectedNames } from './peer-names.ts';
import { extensionConfig, field, path } from './proto-json.ts';
import { certificateNames, secretNames, validationContexts, validationSecret } from './tls-context.ts';

export interface ServerTls {
  readonly kind: 'tls';
  /** Without it a caller with no certificate gets in: encrypted, but nobody. */
  readonly requiresClientCertificate: boolean;
  /** False: whatever certificate is shown is taken. */
  readonly validatesClient: boolean;
  /** What a client's certificate must carry, a SPIFFE prefix mostly; empty: any of the trusted root. */
  readonly acceptedNames: readonly string[];
  /** The names leave room for some SPIFFE id. */
  readonly admitsSpiffe: boolean;
  readonly takesExpired: boolean;
  readonly certificateNames: readonly string[];
  readonly minimumVersion: string | undefined;
  readonly alpn: readonly string[];
}

/**
 * `raw`: bytes pass as they are. `waiting`: secrets that it needs have not arrived, and until then it closes every
 * connection. `unknown`: a socket that Padlock does not know, so nothing is claimed about it.
 */
export type ServerSocket =
  | ServerTls
  | { readonly kind: 'raw' }
  | { readonly kind: 'waiting'; readonly secrets: readonly string[] }
  | { readonly kind: 'unknown'; readonly name: string };

/** @param secrets those that the dump lists; what it does not list is taken to be in order */
export function serverTls(context: JsonObject, secrets: readonly SecretState[]): ServerSocket {
  const common = field(context, 'common_tls_context');
  const handshaker = field(common, 'custom_handshaker');
  if (isObject(handshaker)) return { kind: 'unknown', name: asText(handshaker.name) ?? 'custom_handshaker' };
  const missing = secretNames(common).filter((name) => isAwaited(name, secrets));
  if (missing.length > 0) return { kind: 'waiting', secrets: missing };
  const wanted = validationSecret(common);
  const held = secrets
    .filter(({ name }) => name === wanted)
    .map(({ secret }) => field(secret, 'validation_context'));
  const contexts = [...validationContexts(common), ...held.filter(isObject)];
  const validator = validatorOf(contexts);
  if (validator.kind === 'unknown') return validator;
  const isSpiffe = validator.kind === 'spiffe';
  const required = field(context, 'require_client_certificate');
  const untrusted = contexts.some(takesUntrusted);
  // Where the dump does not hold the secret its name must do.
  const roots = contexts.some(hasTrust) || (wanted !== undefined && held.length === 0);
  return {
    kind: 'tls',
    // Envoy's SPIFFE validator asks for a certificate, and checks it, whatever else is set.
    requiresClientCertificate: isSpiffe || required === true || field(required, 'value') === true,
    validatesClient: isSpiffe || (roots && !untrusted),
    acceptedNames: [...validator.names, ...contexts.flatMap(expectedNames), ...contexts.flatMap(pinned)],
    admitsSpiffe: admitsSpiffe(contexts),
    takesExpired: contexts.some((one) => field(one, 'allow_expired_certificate') === true),
    certificateNames: certificateNames(common),
    minimumVersion: asText(path(common, 'tls_params', 'tls_minimum_protocol_version')),
    alpn: asTexts(field(common, 'alpn_protocols')),
  };
}

/** Listed without content: Envoy prints it so (`uninitialized`) until it arrives. */
function isAwaited(wanted: string, secrets: readonly SecretState[]): boolean {
  const listed = secrets.filter(({ name }) => name === wanted);
  return listed.length > 0 && !listed.some(hasContent);
}

function hasContent({ secret }: SecretState): boolean {
  return isObject(field(secret, 'tls_certificate')) || isObject(field(secret, 'validation_context'));
}

function hasTrust(context: JsonObject): boolean {
  return isObject(field(context, 'trusted_ca')) || pinned(context).length > 0;
}

/** Certificates or keys that are let in by their hash, without any authority. */
function pinned(context: JsonObject): readonly string[] {
  return [
    ...asTexts(field(context, 'verify_certificate_hash')).map((hash) => `certificate ${hash}`),
    ...asTexts(field(context, 'verify_certificate_spki')).map((hash) => `key ${hash}`),
  ];
}

/** CertificateValidationContext.TrustChainVerification: VERIFY_TRUST_CHAIN (0), ACCEPT_UNTRUSTED (1). */
function takesUntrusted(context: JsonObject): boolean {
  const trust = field(context, 'trust_chain_verification');
  return trust === 'ACCEPT_UNTRUSTED' || trust === 1;
}

type Validator =
  | { readonly kind: 'default'; readonly names: readonly string[] }
  | { readonly kind: 'spiffe'; readonly names: readonly string[] }
  | { readonly kind: 'unknown'; readonly name: string };

function validatorOf(contexts: readonly JsonObject[]): Validator {
  const config = contexts.map((context) => field(context, 'custom_validator_config')).find(isObject);
  const name = asText(field(config, 'name')) ?? '';
  if (config === undefined || name === 'envoy.tls.cert_validator.default')
    return { kind: 'default', names: [] };
  const { type, message } = extensionConfig(config);
  if (type !== 'SPIFFECertValidatorConfig') return { kind: 'unknown', name };
  const domains = asObjects(field(message, 'trust_domains'));
  return {
    kind: 'spiffe',
    names: domains.map((domain) => `spiffe://${asText(field(domain, 'name')) ?? ''}/*`),
  };
}
