/**
 * What runs in a container. The lab has no container engine: a program is a part of this process that gets its
 * pod's network and environment handed in, and nothing of the host.
 */
import type { Socket } from 'node:net';
import type { Container, PodObject } from '../kinds/pod.ts';
import type { Endpoint } from '../net/network.ts';
import type { ControlPlane } from './istiod/xds-server.ts';

/** A connection that a container's server accepted; `from` is virtual. */
export type OnConnection = (socket: Socket, from: Endpoint) => void;

export interface ListenOptions {
  /** Bound to 127.0.0.1 in the pod: not reachable from the network, and not through a sidecar either. */
  readonly loopbackOnly?: boolean;
}

/** A page about the mesh that whoever starts the lab serves: the lab only leads connections to it. */
export interface LabConsole {
  /** How a person gets in, for the pod's log. */
  readonly log: string;
  readonly accept: (socket: Socket) => void;
}

export interface ProgramHost {
  readonly pod: PodObject;
  readonly container: Container;
  readonly ip: string;
  readonly env: Readonly<Record<string, string>>;
  /** Takes a port of the pod; returns the function that gives it back. Throws EADDRINUSE where it is taken. */
  listen(port: number, onConnection: OnConnection, options?: ListenOptions): () => void;
  /** Connects as the container does: cluster DNS, then the sidecar where the traffic is captured. */
  connect(host: string, port: number): Promise<Socket>;
  /** The control plane, for its own pod's debug pages. */
  readonly controlPlane: ControlPlane | undefined;
  /** What stands behind the `kiali` Service; undefined where the lab was given none. */
  readonly console: LabConsole | undefined;
  /** A line for the container's log. */
  log(line: string): void;
  now(): Date;
}

export interface Program {
  /** Resolves with the exit code when the program ends, by itself or because it was told to. */
  readonly ended: Promise<number>;
  /** Resolves when the program serves; absent: at once. Probes wait for it, for one period at most. */
  readonly serving?: Promise<void>;
  /** SIGTERM: take no new connections, finish what is in flight, end. */
  stop(): void;
  /** SIGKILL. */
  kill(): void;
}

/** Starts a program; throws where the container cannot start (a port that is taken). */
export type StartProgram = (host: ProgramHost) => Program;

/** Ends at once with this code: an init container whose work the lab does elsewhere. */
export function endedProgram(code: number): Program {
  const nothing = (): void => undefined;
  return { ended: Promise.resolve(code), stop: nothing, kill: nothing };
}

/** Does nothing until it is told to end: an image whose only work is to be there for `kubectl exec`. */
export function idleProgram(): Program {
  const { promise: ended, resolve } = Promise.withResolvers<number>();
  return { ended, stop: () => resolve(143), kill: () => resolve(137) };
}
