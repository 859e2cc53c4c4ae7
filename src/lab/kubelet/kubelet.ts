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

export interface RunningContainer {
  /** Made with `stdin: true`: somebody meant to attach to it. */
  readonly isInteractive: boolean;
  /** Runs a command in it; resolves with the exit code. */
  exec(command: readonly string[], streams: ExecStreams, signal: AbortSignal): Promise<number>;
}

export interface Kubelet {
  /** @throws ApiStatus where there is no such container, or it does not run. */
  running(pod: PodName, container: string): RunningContainer;
  /** Lines of the container's log, each ended by a newline; ends at once without `follow`. */
  logs(pod: PodName, options: LogOptions, signal: AbortSignal): AsyncIterable<string>;
  /** `loopback`: as port-forward enters, inside the pod; `network`: as the API server's proxy calls, from outside the mesh. Rejects with a Node socket error (ECONNREFUSED, ECONNRESET). */
  dial(pod: PodName, port: number, entry: 'loopback' | 'network'): Promise<Duplex>;
}
