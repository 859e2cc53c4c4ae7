import type { TLSSocket } from 'node:tls';
import type { StatScope } from '../stats/stats.ts';

/** Counts a finished handshake under `ssl.`, as Envoy does for listeners and clusters alike. */
export function countHandshake(stats: StatScope, socket: TLSSocket): void {
  stats.count('ssl.handshake');
  if (socket.isSessionReused()) stats.count('ssl.session_reused');
  stats.count(`ssl.versions.${socket.getProtocol() ?? 'unknown'}`);
  stats.count(`ssl.ciphers.${socket.getCipher().standardName}`);
}
