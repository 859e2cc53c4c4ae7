/** TLS on the client's side of a connection to an endpoint, with the server's certificate checked as Envoy does. */
import type { Socket } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import type { UpstreamTlsSocket } from '../config/tls.ts';
import type { StatScope } from '../stats/stats.ts';
import { verifyPeer } from './peer-verification.ts';
import type { Secrets } from './secrets.ts';
import { countHandshake } from './tls-stats.ts';

export interface TlsOrigination {
  readonly config: UpstreamTlsSocket;
  readonly secrets: Secrets;
  readonly stats: StatScope;
  readonly now: () => number;
  /** Replaces the context's own protocols, as the filter `istio.alpn` does. */
  readonly applicationProtocols: readonly string[] | undefined;
}

/** The handshake failed; `reason` is in Envoy's words: `TLS_error:|268435703:SSL routines:...:TLS_error_end`. */
export class TlsFailure extends Error {
  override readonly name = 'TlsFailure';
  readonly reason: string;

  constructor(reason: string, cause?: unknown) {
    super(reason, { cause });
    this.reason = reason;
  }
}

/** Rejects with `TlsFailure`; the connection is closed then. */
export function originateTls(raw: Socket, options: TlsOrigination): Promise<TLSSocket> {
  const { config, secrets, stats } = options;
  const context = config.typed_config.common_tls_context;
  const own =
    context.tls_certificate_sds_secret_configs?.some((secret) => secret.name === 'default') ?? false;
  const protocols = options.applicationProtocols ?? context.alpn_protocols;
  const socket = connect({
    socket: raw,
    secureContext: secrets.context(context, own),
    rejectUnauthorized: false,
    // RFC 6066 allows no IP address as server name.
    ...(config.typed_config.sni === undefined ? {} : { servername: config.typed_config.sni }),
    ...(protocols === undefined ? {} : { ALPNProtocols: [...protocols] }),
  });
  return new Promise((resolve, reject) => {
    const fail = (failure: TlsFailure): void => {
      socket.destroy();
      reject(failure);
    };
    const failed = (error: NodeJS.ErrnoException): void => {
      stats.count('ssl.connection_error');
      fail(new TlsFailure(envoyWords(error), error));
    };
    const closed = (): void => fail(new TlsFailure(''));
    socket.once('error', failed);
    socket.once('close', closed);
    socket.once('secureConnect', () => {
      socket.off('error', failed);
      socket.off('close', closed);
      countHandshake(stats, socket);
      const problem = serverProblem(socket, options);
      if (problem === undefined) resolve(socket);
      else fail(new TlsFailure(problem));
    });
  });
}

function serverProblem(
  socket: TLSSocket,
  { config, secrets, stats, now }: TlsOrigination,
): string | undefined {
  const leaf = socket.getPeerX509Certificate();
  const validation = config.typed_config.common_tls_context.combined_validation_context;
  if (validation === undefined) return undefined;
  const names = validation.default_validation_context.match_subject_alt_names ?? [];
  const problem =
    leaf === undefined
      ? { kind: 'chain', reason: 'no certificate' }
      : verifyPeer(leaf, secrets.roots?.value ?? { certificates: [] }, names, now());
  if (problem === null) return undefined;
  stats.count(problem.kind === 'chain' ? 'ssl.fail_verify_error' : 'ssl.fail_verify_san');
  return sslError(125, `CERTIFICATE_VERIFY_FAILED:verify cert failed: ${problem.reason}`);
}

/** Node's error codes with BoringSSL's reason numbers; an alert counts 1000 above its number (ssl.h). */
const reasons: Readonly<Record<string, readonly [number, string]>> = {
  ERR_SSL_WRONG_VERSION_NUMBER: [247, 'WRONG_VERSION_NUMBER'],
  ERR_SSL_PACKET_LENGTH_TOO_LONG: [247, 'WRONG_VERSION_NUMBER'],
  'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE': [1040, 'SSLV3_ALERT_HANDSHAKE_FAILURE'],
  'ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE': [1042, 'SSLV3_ALERT_BAD_CERTIFICATE'],
  'ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_EXPIRED': [1045, 'SSLV3_ALERT_CERTIFICATE_EXPIRED'],
  'ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_UNKNOWN': [1046, 'SSLV3_ALERT_CERTIFICATE_UNKNOWN'],
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: [1048, 'TLSV1_ALERT_UNKNOWN_CA'],
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: [1070, 'TLSV1_ALERT_PROTOCOL_VERSION'],
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: [1116, 'TLSV1_ALERT_CERTIFICATE_REQUIRED'],
};

function envoyWords(error: NodeJS.ErrnoException): string {
  const known = reasons[error.code ?? ''];
  if (known !== undefined) return sslError(known[0], known[1]);
  if (error.code === 'ECONNRESET') {
    return 'TLS_error:|33554536:system library:OPENSSL_internal:Connection reset by peer:TLS_error_end';
  }
  return sslError(0, (error.code ?? error.message).replace(/^ERR_SSL_/, ''));
}

/** BoringSSL packs the library (16, SSL) and the reason into one number. */
function sslError(reason: number, words: string): string {
  return `TLS_error:|${0x10_00_00_00 + reason}:SSL routines:OPENSSL_internal:${words}:TLS_error_end`;
}
