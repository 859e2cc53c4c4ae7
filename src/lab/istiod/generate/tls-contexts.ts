/** The TLS contexts that istiod writes for mutual TLS in the mesh (pilot/pkg/security/authn/utils, pilot/pkg/networking/core). */
import type { ClientTls } from '../../../istio/destination-rule.ts';
import type { MeshConfig } from '../../../istio/mesh-config.ts';
import {
  type CommonTlsContext,
  type DownstreamTlsSocket,
  downstreamTlsType,
  type SdsSecretConfig,
  type StringMatcher,
  type UpstreamTlsSocket,
  upstreamTlsType,
} from '../../sidecar/config/tls.ts';

const sdsConfig = {
  api_config_source: {
    api_type: 'GRPC',
    grpc_services: [{ envoy_grpc: { cluster_name: 'sds-grpc' } }],
    set_node_on_first_message_only: true,
    transport_api_version: 'V3',
  },
  initial_fetch_timeout: '0s',
  resource_api_version: 'V3',
} as const;

const ownCertificate: SdsSecretConfig = { name: 'default', sds_config: sdsConfig };
const roots: SdsSecretConfig = { name: 'ROOTCA', sds_config: sdsConfig };

const inboundCiphers = [
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'AES256-GCM-SHA384',
  'AES128-GCM-SHA256',
] as const;

/** Application protocols of Istio's own clients; the filter chains tell mutual TLS by them. */
export const istioAlpn = {
  http: ['istio-http/1.0', 'istio-http/1.1', 'istio-h2'],
  tcp: ['istio-peer-exchange', 'istio'],
  all: ['istio', 'istio-peer-exchange', 'istio-http/1.0', 'istio-http/1.1', 'istio-h2'],
} as const;

/** What a server demands: a client certificate from the mesh, of one of the trusted domains. */
export function inboundTls(config: MeshConfig, kind: 'http' | 'tcp'): DownstreamTlsSocket {
  const domains = [config.trustDomain, ...config.trustDomainAliases];
  return {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': downstreamTlsType,
      common_tls_context: {
        tls_params: {
          tls_minimum_protocol_version: config.minProtocolVersion === 'TLSV1_3' ? 'TLSv1_3' : 'TLSv1_2',
          tls_maximum_protocol_version: 'TLSv1_3',
          cipher_suites: inboundCiphers,
        },
        alpn_protocols: kind === 'tcp' ? ['istio-peer-exchange', 'h2', 'http/1.1'] : ['h2', 'http/1.1'],
        tls_certificate_sds_secret_configs: [ownCertificate],
        combined_validation_context: validation(domains.map((domain) => ({ prefix: `spiffe://${domain}/` }))),
      },
      require_client_certificate: true,
    },
  };
}

/** What a client does in the mesh: its own certificate, the server's identity among the service's accounts. */
export function meshTls(options: {
  readonly config: MeshConfig;
  readonly sni: string;
  readonly identities: readonly string[];
  readonly http2: boolean;
}): UpstreamTlsSocket {
  return {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': upstreamTlsType,
      common_tls_context: {
        tls_params: tlsParams(options.config),
        alpn_protocols: options.http2 ? [...istioAlpn.tcp, 'h2'] : istioAlpn.tcp,
        tls_certificate_sds_secret_configs: [ownCertificate],
        combined_validation_context: validation(options.identities.map((identity) => ({ exact: identity }))),
      },
      sni: options.sni,
    },
  };
}

/** TLS of the user's own, to servers outside the mesh or to applications that do TLS themselves. */
export function userTls(config: MeshConfig, tls: ClientTls): UpstreamTlsSocket {
  const context: CommonTlsContext = { tls_params: tlsParams(config) };
  const certificate: SdsSecretConfig = {
    name:
      tls.credentialName === ''
        ? `file-cert:${tls.clientCertificate}~${tls.privateKey}`
        : `kubernetes://${tls.credentialName}`,
    sds_config: sdsConfig,
  };
  return {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': upstreamTlsType,
      common_tls_context: {
        ...context,
        ...(tls.mode === 'MUTUAL' ? { tls_certificate_sds_secret_configs: [certificate] } : {}),
      },
      ...(tls.sni === '' ? {} : { sni: tls.sni }),
    },
  };
}

function tlsParams(config: MeshConfig): CommonTlsContext['tls_params'] {
  return {
    tls_minimum_protocol_version: config.minProtocolVersion === 'TLSV1_3' ? 'TLSv1_3' : 'TLSv1_2',
    tls_maximum_protocol_version: 'TLSv1_3',
  };
}

function validation(
  names: readonly StringMatcher[],
): NonNullable<CommonTlsContext['combined_validation_context']> {
  return {
    default_validation_context: names.length === 0 ? {} : { match_subject_alt_names: names },
    validation_context_sds_secret_config: roots,
  };
}
