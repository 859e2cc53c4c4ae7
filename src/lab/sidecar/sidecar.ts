/** What the lab's kubelet knows of a sidecar: where captured connections go in, and which ports it serves itself. */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { KubeObject } from '../../istio/kubernetes.ts';
import type { Endpoint } from '../net/network.ts';

/** What a sidecar needs from the pod that it sits in. */
export interface SidecarHost {
  /** The pod as the API server holds it, with its address in `status.podIP` or handed in beside it. */
  readonly pod: KubeObject;
  readonly ip: string;
  /** To the application over the pod's loopback. Rejects with ECONNREFUSED where nothing listens. */
  connectLocal(port: number): Promise<Socket>;
  /** To the network from the pod's address, past the capture. */
  dial(to: Endpoint): Promise<Socket>;
  /** A line for the istio-proxy container's log (access log lines go there). */
  log(line: string): void;
}

export interface Sidecar {
  /** A connection from the network to a captured port of the pod. */
  inbound(socket: Socket, from: Endpoint, to: Endpoint): void;
  /** A connection that an application container opened to `to`; `from` is the pod's address. */
  outbound(socket: Socket, from: Endpoint, to: Endpoint): void;
  /** Servers on the pod's own ports: 15000 (loopback only), 15020, 15021, 15090. */
  readonly servers: ReadonlyMap<number, Server>;
  /** True once the first configuration and certificate are loaded: what the readiness probe on 15021 answers. */
  readonly ready: boolean;
  /** Resolves when the sidecar first becomes ready. */
  whenReady(): Promise<void>;
  close(): Promise<void>;
}
