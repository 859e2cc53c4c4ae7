import type { Socket } from 'node:net';
import type { Endpoint } from '../../net/network.ts';
import type { PeerIdentity } from '../tls/peer-verification.ts';

/** An accepted connection after its filter chain was chosen and its TLS, where there is any, was taken off. */
export interface DownstreamConnection {
  readonly socket: Socket;
  /** Who opened it and where to, on the virtual network. */
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly tls: boolean;
  /** From the client's certificate. */
  readonly peer: PeerIdentity | undefined;
  /** What both agreed on in the handshake. */
  readonly alpn: string | undefined;
  readonly serverName: string | undefined;
  /** Milliseconds since the epoch. */
  readonly openedAt: number;
}

export function formatEndpoint({ ip, port }: Endpoint): string {
  return `${ip}:${port}`;
}
