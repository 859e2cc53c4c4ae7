/** Envoy's TLS contexts, the part that Istio writes: envoy.extensions.transport_sockets.tls.v3, in Envoy's own JSON. */

export interface StringMatcher {
  readonly exact?: string;
  readonly prefix?: string;
  readonly suffix?: string;
  readonly contains?: string;
  readonly safe_regex?: { readonly regex: string };
  readonly ignore_case?: boolean;
}

/** A secret that the proxy fetches by name: `default` is its own certificate, `ROOTCA` the roots that it trusts. */
export interface SdsSecretConfig {
  readonly name: string;
  readonly sds_config: Readonly<Record<string, unknown>>;
}

export interface CommonTlsContext {
  readonly tls_params: {
    readonly tls_minimum_protocol_version: 'TLSv1_2' | 'TLSv1_3';
    readonly tls_maximum_protocol_version: 'TLSv1_3';
    readonly cipher_suites?: readonly string[];
  };
  readonly alpn_protocols?: readonly string[];
  readonly tls_certificate_sds_secret_configs?: readonly SdsSecretConfig[];
  readonly combined_validation_context?: {
    readonly default_validation_context: {
      readonly match_subject_alt_names?: readonly StringMatcher[];
    };
    readonly validation_context_sds_secret_config: SdsSecretConfig;
  };
}

export interface DownstreamTlsSocket {
  readonly name: 'envoy.transport_sockets.tls';
  readonly typed_config: {
    readonly '@type': typeof downstreamTlsType;
    readonly common_tls_context: CommonTlsContext;
    readonly require_client_certificate: boolean;
  };
}

export interface UpstreamTlsSocket {
  readonly name: 'envoy.transport_sockets.tls';
  readonly typed_config: {
    readonly '@type': typeof upstreamTlsType;
    readonly common_tls_context: CommonTlsContext;
    readonly sni?: string;
  };
}

export interface RawBufferSocket {
  readonly name: 'envoy.transport_sockets.raw_buffer';
  readonly typed_config: { readonly '@type': typeof rawBufferType };
}

export type UpstreamSocket = UpstreamTlsSocket | RawBufferSocket;

export const downstreamTlsType =
  'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext';
export const upstreamTlsType =
  'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext';
export const rawBufferType = 'type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer';

/** Bytes as they are, without TLS. */
export const rawBufferSocket: RawBufferSocket = {
  name: 'envoy.transport_sockets.raw_buffer',
  typed_config: { '@type': rawBufferType },
};
