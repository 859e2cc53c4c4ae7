/** What the connection manager does to a request's headers before it is routed. */
import { randomUUID } from 'node:crypto';
import { isIP } from 'node:net';
import type { DownstreamConnection } from '../listener/downstream-connection.ts';
import { setClientCertificateHeader } from './client-certificate-header.ts';
import type { HttpChain } from './connection-manager.ts';
import type { Exchange } from './exchange.ts';
import { type HeaderList, removeHopByHop } from './header-list.ts';
import { normalizePath } from './path-normalization.ts';

export interface PreparedRequest {
  readonly method: string;
  readonly path: string;
  readonly authority: string;
  readonly scheme: string;
  readonly headers: HeaderList;
  /** The client's address by X-Forwarded-For, where there is one. */
  readonly forwardedFor: string | undefined;
  /** What the peer's proxy says it is: `sidecar~IP~NAME.NAMESPACE~DOMAIN`. */
  readonly peerNode: string | undefined;
  /** The caller's proxy named the operation; it need not be told (tracing decorators). */
  readonly operationNamed: boolean;
}

export const peerMetadataIdHeader = 'x-envoy-peer-metadata-id';
export const peerMetadataHeader = 'x-envoy-peer-metadata';
export const decoratorHeader = 'x-envoy-decorator-operation';

export function prepareRequest(
  chain: HttpChain,
  connection: DownstreamConnection,
  exchange: Exchange,
): PreparedRequest {
  const { config, direction, proxy } = chain;
  const headers = exchange.headers.copy();
  const expect = headers.get('expect');
  removeHopByHop(headers);
  if (expect !== undefined) headers.set('expect', expect);
  const scheme = connection.tls ? 'https' : 'http';
  if (!headers.has('x-forwarded-proto')) headers.set('x-forwarded-proto', scheme);
  if (!headers.has('x-request-id')) headers.set('x-request-id', randomUUID());
  const ownUri = proxy.secrets.certificate?.value.spiffeId;
  setClientCertificateHeader(headers, config, connection.peer, ownUri);
  const peerNode = headers.get(peerMetadataIdHeader);
  const operationNamed = headers.has(decoratorHeader);
  for (const name of [peerMetadataIdHeader, peerMetadataHeader, decoratorHeader]) headers.remove(name);
  return {
    method: exchange.method,
    path: config.normalize_path === true ? normalizePath(exchange.path) : exchange.path,
    authority: exchange.authority,
    scheme: headers.get('x-forwarded-proto') ?? scheme,
    headers,
    forwardedFor: lastAddress(headers.get('x-forwarded-for')),
    peerNode: direction === 'INBOUND' ? peerNode : undefined,
    operationNamed,
  };
}

/** With `use_remote_address: false` and no trusted hops Envoy takes the last address for the client. */
function lastAddress(forwardedFor: string | undefined): string | undefined {
  const last = forwardedFor?.split(',').at(-1)?.trim();
  return last !== undefined && isIP(last) !== 0 ? last : undefined;
}
