/** What a transport socket does to bytes, on a server's filter chain or a client's cluster. */
import { asText, asTexts, isObject, type JsonObject } from '../../sources/json-value.ts';
import type { SecretState } from './config-dump.ts';
import { expectedNames } from './peer-names.ts';
import { extensionConfig, field } from './proto-json.ts';
import { type ServerSocket, serverTls } from './server-tls.ts';
import { certificateNames, validationContexts } from './tls-context.ts';

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

/**
 * The socket of a filter chain: `transport_socket`, or `tls_context` before Envoy 1.14; none is raw.
 * @param secrets those that the dump lists; what it does not list is taken to be in order
 */
export function serverSocket(chain: JsonObject, secrets: readonly SecretState[]): ServerSocket {
  const context = serverContext(chain);
  if (context !== undefined) return serverTls(context, secrets);
  const socket = unwrap(field(chain, 'transport_socket'));
  // StartTLS begins in plaintext, and stays there unless a filter that knows the protocol turns TLS on.
  if (socket === undefined || socket.type === 'StartTlsConfig') return { kind: 'raw' };
  return socket.isRaw ? { kind: 'raw' } : { kind: 'unknown', name: socket.name };
}

/** The DownstreamTlsContext of a filter chain that ends TLS. */
export function serverContext(chain: unknown): JsonObject | undefined {
  const old = field(chain, 'tls_context');
  if (isObject(old)) return old;
  const socket = unwrap(field(chain, 'transport_socket'));
  return socket?.type === 'DownstreamTlsContext' ? socket.message : undefined;
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

function clientTls(context: JsonObject): ClientTls {
  const common = field(context, 'common_tls_context');
  const names = certificateNames(common);
  return {
    kind: 'tls',
    meshIdentity: names.includes('default') || names.some((name) => name.startsWith('file-cert:')),
    sni: asText(field(context, 'sni')),
    expectedServers: validationContexts(common).flatMap(expectedNames),
    alpn: asTexts(field(common, 'alpn_protocols')),
  };
}
