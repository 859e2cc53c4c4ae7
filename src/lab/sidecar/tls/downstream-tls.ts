/** TLS on the server's side of an inbound connection: handshake, client certificate, and what Envoy counts about both. */
import { constants } from 'node:crypto';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { DownstreamTlsSocket } from '../config/tls.ts';
import type { StatScope } from '../stats/stats.ts';
import { identityOf, type PeerIdentity, verifyPeer } from './peer-verification.ts';
import type { Secrets } from './secrets.ts';
import { countHandshake } from './tls-stats.ts';

export interface TerminatedTls {
  readonly socket: TLSSocket;
  /** Undefined where the chain asks for no client certificate and none came. */
  readonly peer: PeerIdentity | undefined;
  readonly alpn: string | undefined;
}

export interface TlsTermination {
  readonly config: DownstreamTlsSocket;
  readonly secrets: Secrets;
  readonly stats: StatScope;
  readonly now: () => number;
  /** What the client offered. */
  readonly applicationProtocols: readonly string[];
}

/**
 * Takes the server's part of the handshake on a connection whose first bytes were put back.
 * @returns undefined where it failed: the connection is closed then, and counted.
 */
export function terminateTls(raw: Socket, options: TlsTermination): Promise<TerminatedTls | undefined> {
  const { config, secrets, stats } = options;
  const context = config.typed_config.common_tls_context;
  const required = config.typed_config.require_client_certificate;
  const alpn = selectProtocol(context.alpn_protocols ?? [], options.applicationProtocols);
  const socket = new TLSSocket(raw, {
    isServer: true,
    secureContext: secrets.context(context, true),
    // With both set OpenSSL itself refuses a client without a certificate, with the alert that Envoy sends.
    requestCert: required,
    rejectUnauthorized: required,
    ...(alpn === undefined ? {} : { ALPNProtocols: [alpn] }),
    secureOptions: constants.SSL_OP_NO_TICKET,
  });
  return new Promise((resolve) => {
    let done = false;
    const finish = (result: TerminatedTls | undefined): void => {
      if (done) return;
      done = true;
      if (result === undefined) socket.destroy();
      resolve(result);
    };
    socket.once('secure', () => {
      // Node clears this for sockets of a tls.Server only, and http2 waits for it.
      Object.assign(socket, { secureConnecting: false });
      countHandshake(stats, socket);
      const peer = acceptPeer(socket, options);
      finish(peer === 'refused' ? undefined : { socket, peer, alpn });
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (!done) countFailure(stats, error);
      finish(undefined);
    });
    socket.once('close', () => finish(undefined));
  });
}

/** The first of the server's protocols that the client offers; where none fits, TLS goes on without one, as in Envoy. */
function selectProtocol(own: readonly string[], offered: readonly string[]): string | undefined {
  return own.find((protocol) => offered.includes(protocol));
}

function acceptPeer(socket: TLSSocket, options: TlsTermination): PeerIdentity | undefined | 'refused' {
  const { config, secrets, stats } = options;
  const leaf = socket.getPeerX509Certificate();
  if (leaf === undefined) {
    stats.count('ssl.no_certificate');
    return config.typed_config.require_client_certificate ? 'refused' : undefined;
  }
  const validation = config.typed_config.common_tls_context.combined_validation_context;
  const problem = verifyPeer(
    leaf,
    secrets.roots?.value ?? { certificates: [] },
    validation?.default_validation_context.match_subject_alt_names ?? [],
    options.now(),
  );
  if (problem === null) return identityOf(leaf);
  stats.count(problem.kind === 'chain' ? 'ssl.fail_verify_error' : 'ssl.fail_verify_san');
  return 'refused';
}

function countFailure(stats: StatScope, error: NodeJS.ErrnoException): void {
  if (error.code === 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE') stats.count('ssl.fail_verify_no_cert');
  else if (error.code?.startsWith('ERR_SSL') === true) stats.count('ssl.connection_error');
}
