/** Parts of a CommonTlsContext that servers and clients share. */
import { asObjects, asText, isObject, type JsonObject } from '../../sources/json-value.ts';
import { field } from './proto-json.ts';

/** Names of the certificates shown: SDS secrets; a certificate given in place has none. */
export function certificateNames(common: unknown): readonly string[] {
  return asObjects(field(common, 'tls_certificate_sds_secret_configs'))
    .map((config) => asText(field(config, 'name')))
    .filter((name) => name !== undefined);
}

/** What is checked about a peer, as far as it stands in the context itself. */
export function validationContexts(common: unknown): readonly JsonObject[] {
  const combined = field(common, 'combined_validation_context');
  return [field(common, 'validation_context'), field(combined, 'default_validation_context')].filter(
    isObject,
  );
}

/** The secret that holds what is checked about a peer. */
export function validationSecret(common: unknown): string | undefined {
  const combined = field(common, 'combined_validation_context');
  const config =
    field(combined, 'validation_context_sds_secret_config') ??
    field(common, 'validation_context_sds_secret_config');
  return isObject(config) ? (asText(field(config, 'name')) ?? '') : undefined;
}

/** Every secret that a TLS context draws on. */
export function secretNames(common: unknown): readonly string[] {
  const validation = validationSecret(common);
  return [...certificateNames(common), ...(validation === undefined ? [] : [validation])];
}
