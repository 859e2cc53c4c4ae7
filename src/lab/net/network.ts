/**
 * The lab's virtual network: every pod has an address, and every connection between pods is a real TCP
 * connection over the host's loopback that the network switches by virtual address. No root, no TUN device.
 */
import type { Socket } from 'node:net';

export interface Endpoint {
  readonly ip: string;
  readonly port: number;
}

/** A connection that arrived at an attached address. `from` and `to` are virtual; the socket's own addresses are not. */
export type Accept = (socket: Socket, from: Endpoint, to: Endpoint) => void;

/** Whether a connection to this port is accepted at all; false answers the dialler with ECONNREFUSED. */
export type Listens = (port: number) => boolean;

export interface Network {
  /**
   * Takes an address on the network; returns the detaching function, which resets what is open. Without
   * `listens` every port is accepted. Throws EADDRINUSE where the address is taken.
   */
  attach(ip: string, accept: Accept, listens?: Listens): () => void;
  /**
   * Connects from a pod's address to any address. Service addresses are resolved to a ready endpoint as kube-proxy
   * does. Rejects with a Node socket error: ECONNREFUSED (address up, nothing listens), EHOSTUNREACH (no such address).
   * The returned socket supports `resetAndDestroy()`.
   */
  dial(from: string, to: Endpoint): Promise<Socket>;
  /** A connection that stays inside a pod: both ends of a real TCP connection, as over the pod's own loopback. */
  pair(): Promise<SocketPair>;
  /** Cluster DNS as a pod in `namespace` sees it: service, headless and pod names, the search path applied. Empty: NXDOMAIN. */
  resolve(name: string, namespace: string): readonly string[];
  /** Resets every open connection and gives up the host's port. */
  close(): Promise<void>;
}

/** The dialling end, and the end that a listener would have accepted. */
export interface SocketPair {
  readonly near: Socket;
  readonly far: Socket;
}
