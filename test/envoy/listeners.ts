/** Pieces of listeners as Envoy takes them. Every chain echoes, so that a caller learns whether it was let in. */
import type { Identities } from './identities.ts';

const types = 'type.googleapis.com/';

export const typed = (type: string, message: object = {}): object => ({
  '@type': `${types}${type}`,
  ...message,
});

const listenerFilter = (name: string, type: string, message: object = {}) => ({
  name: `envoy.filters.listener.${name}`,
  typed_config: typed(`envoy.extensions.filters.listener.${name}.v3.${type}`, message),
});

export const tlsInspector = listenerFilter('tls_inspector', 'TlsInspector');
export const httpInspector = listenerFilter('http_inspector', 'HttpInspector');
export const originalDst = listenerFilter('original_dst', 'OriginalDst');
export const proxyProtocol = (optional: boolean): object =>
  listenerFilter('proxy_protocol', 'ProxyProtocol', { allow_requests_without_proxy_protocol: optional });

export const fileLog = (path: string, line: string): object => ({
  name: 'envoy.access_loggers.file',
  typed_config: typed('envoy.extensions.access_loggers.file.v3.FileAccessLog', {
    path,
    log_format: { text_format_source: { inline_string: line } },
  }),
});

const echo = {
  name: 'envoy.filters.network.echo',
  typed_config: typed('envoy.extensions.filters.network.echo.v3.Echo'),
};

export interface Chain {
  readonly name?: string;
  readonly filter_chain_match?: object;
  readonly filters: readonly object[];
  readonly transport_socket?: object;
}

export function chain(match: object | undefined, socket?: object, name?: string): Chain {
  return {
    ...(name === undefined ? {} : { name }),
    ...(match === undefined ? {} : { filter_chain_match: match }),
    filters: [echo],
    ...(socket === undefined ? {} : { transport_socket: socket }),
  };
}

export const network = (address: string, bits: number): object => ({
  address_prefix: address,
  prefix_len: bits,
});

export interface TlsPieces {
  readonly required?: boolean | undefined;
  /** `validation_context`; none where null. */
  readonly validation?: object | null;
  /** More fields of the CommonTlsContext. */
  readonly common?: object;
  /** More fields of the DownstreamTlsContext. */
  readonly more?: object;
}

/** Sockets for the identities of a run. */
export function sockets(identities: Identities) {
  const certificate = {
    certificate_chain: { inline_string: identities.server.chain },
    private_key: { inline_string: identities.server.privateKey },
  };
  const root = { trusted_ca: { inline_string: identities.root } };
  const context = ({ required, validation = root, common, more }: TlsPieces): object => ({
    ...(required === undefined ? {} : { require_client_certificate: required }),
    common_tls_context: {
      tls_certificates: [certificate],
      ...(validation === null ? {} : { validation_context: validation }),
      ...common,
    },
    ...more,
  });
  const tls = (pieces: TlsPieces): object => ({
    name: 'envoy.transport_sockets.tls',
    typed_config: typed('envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext', context(pieces)),
  });
  return { root, context, tls, mutual: tls({ required: true }), anonymous: tls({ required: false }) };
}

export type Sockets = ReturnType<typeof sockets>;
