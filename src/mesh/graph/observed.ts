/** Traffic that was seen between two ends, as the graph takes it. */

export interface ObservedCall {
  /** A workload's id, or `outside:ADDRESS` for a sender that is no workload that was read. */
  readonly client: string;
  readonly server: string;
  /** The server's port, where the evidence tells it. */
  readonly port?: number;
  /** Requests or connections over the window: by mutual TLS, in plaintext, by a transport that the evidence does not tell. */
  readonly mtls: number;
  readonly plaintext: number;
  readonly unknown: number;
  readonly refused: number;
  /** How it was seen, for people: `access log of httpbin-6f9`. */
  readonly by: string;
}
