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

export interface Network {
  /** Takes an address on the network; returns the detaching function, which resets what is open. */
  attach(ip: string, accept: Accept): () => void;
  /**
   * Connects from a pod's address to any address. Service addresses are resolved to a ready endpoint as kube-proxy
   * does. Rejects with a Node socket error: ECONNREFUSED (address up, nothing listens), EHOSTUNREACH (no such address).
   * The returned socket supports `resetAndDestroy()`.
   */
  dial(from: string, to: Endpoint): Promise<Socket>;
  /** Cluster DNS as a pod in `namespace` sees it: service, headless and pod names, the search path applied. Empty: NXDOMAIN. */
  resolve(name: string, namespace: string): readonly string[];
}
