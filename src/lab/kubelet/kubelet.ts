/** What the lab's API server asks of the nodes: the kubelet's part of exec, logs, port-forward and proxy. */
import type { Duplex, Readable, Writable } from 'node:stream';

export interface PodName {
  readonly namespace: string;
  readonly name: string;
}

export interface ExecStreams {
  readonly stdin?: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
}

export interface LogOptions {
  readonly container: string;
  readonly follow: boolean;
  readonly tailLines?: number;
  readonly sinceTime?: Date;
  readonly limitBytes?: number;
  readonly timestamps: boolean;
  readonly previous: boolean;
}

export interface Kubelet {
  /** Runs a command in a container; resolves with its exit code. Throws `ApiStatus` where the container is not running or the command cannot be started. */
  exec(
    pod: PodName,
    container: string,
    command: readonly string[],
    streams: ExecStreams,
    signal: AbortSignal,
  ): Promise<number>;
  /** Lines of the container's log, each ended by a newline; ends at once without `follow`. */
  logs(pod: PodName, options: LogOptions, signal: AbortSignal): AsyncIterable<string>;
  /** `loopback`: as port-forward enters, inside the pod; `network`: as the API server's proxy calls, from outside the mesh. Rejects with a Node socket error (ECONNREFUSED, ECONNRESET). */
  dial(pod: PodName, port: number, entry: 'loopback' | 'network'): Promise<Duplex>;
}
