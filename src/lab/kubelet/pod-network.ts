/** A pod's network: its address, its loopback, what its containers listen on, and its sidecar's hold on both. */
import type { Socket } from 'node:net';
import type { Endpoint, Network } from '../net/network.ts';
import { socketError } from '../net/socket-error.ts';
import type { Sidecar } from '../sidecar/sidecar.ts';
import type { ListenOptions, OnConnection } from '../workloads/program.ts';
import type { Capture } from './capture.ts';

/** Whose connection it is: the sidecar's own user is not captured. */
export type Caller = 'application' | 'proxy';

export interface PodNetwork {
  readonly ip: string;
  /** Takes a port; returns the function that gives it back. Throws EADDRINUSE. */
  listen(port: number, onConnection: OnConnection, options?: ListenOptions): () => void;
  /** Connects to a name or address as a container does. Rejects with ENOTFOUND, ECONNREFUSED, EHOSTUNREACH. */
  connect(caller: Caller, host: string, port: number): Promise<Socket>;
  /** Over the pod's loopback: to what its containers, and its sidecar, listen on. Rejects with ECONNREFUSED. */
  connectLocal(port: number, options?: LocalOptions): Promise<Socket>;
  /** To the network, past the capture. */
  dial(to: Endpoint): Promise<Socket>;
  resolve(host: string): readonly string[];
  /** From now on captured connections go through the sidecar; undefined ends that. */
  intercept(sidecar: Sidecar | undefined): void;
  /** Gives the address back and resets what is open. */
  close(): void;
}

export interface LocalOptions {
  /** The address that the server sees; 127.0.0.1 when absent. */
  readonly from?: string;
  /** Only what the application's containers listen on, not the sidecar's own ports. */
  readonly applicationOnly?: boolean;
}

export interface PodNetworkOptions {
  readonly network: Network;
  readonly ip: string;
  readonly namespace: string;
  readonly hostname: string;
  /** Absent: the pod has no sidecar, nothing is captured. */
  readonly capture?: Capture;
}

interface Listener {
  readonly onConnection: OnConnection;
  readonly loopbackOnly: boolean;
}

/** The sidecar's admin port: on the pod's loopback only. */
const adminPort = 15000;

const loopback = /^127\./;

/** Takes the address on the network. Throws EADDRINUSE where it is taken. */
export function createPodNetwork(options: PodNetworkOptions): PodNetwork {
  const { network, ip, namespace, hostname, capture } = options;
  const listeners = new Map<number, Listener>();
  let sidecar: Sidecar | undefined;

  /** What serves a port that is reached past the capture; undefined: nothing listens. */
  const server = (port: number, isLoopback: boolean, applicationOnly: boolean): OnConnection | undefined => {
    const own = listeners.get(port);
    if (own !== undefined && (isLoopback || !own.loopbackOnly)) return own.onConnection;
    const admin = applicationOnly ? undefined : sidecar?.servers.get(port);
    if (admin === undefined || (port === adminPort && !isLoopback)) return undefined;
    return (socket) => admin.emit('connection', socket);
  };
  const captured = (port: number): boolean =>
    capture?.inbound(port) === true && !sidecarServes(sidecar, port);

  const detach = network.attach(
    ip,
    (socket, from, to) => {
      if (captured(to.port)) sidecar?.inbound(socket, from, to);
      else server(to.port, false, false)?.(socket, from);
    },
    // The kernel hands captured connections to the sidecar whatever listens behind it; without one nobody answers.
    (port) => (captured(port) ? sidecar !== undefined : server(port, false, false) !== undefined),
  );

  const connectLocal = async (port: number, local: LocalOptions = {}): Promise<Socket> => {
    const find = (): OnConnection => {
      const found = server(port, true, local.applicationOnly === true);
      if (found === undefined) throw socketError('ECONNREFUSED', 'connect', { ip: '127.0.0.1', port });
      return found;
    };
    find();
    const { near, far } = await network.pair();
    try {
      find()(far, { ip: local.from ?? '127.0.0.1', port: near.localPort ?? 0 });
    } catch (error) {
      near.destroy();
      far.destroy();
      throw error;
    }
    return near;
  };

  const resolve = (host: string): readonly string[] => {
    const name = host.toLowerCase();
    if (name === 'localhost') return ['127.0.0.1'];
    return name === hostname ? [ip] : network.resolve(host, namespace);
  };

  const connect = async (caller: Caller, host: string, port: number): Promise<Socket> => {
    const address = resolve(host)[0];
    if (address === undefined) {
      throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: 'ENOTFOUND', hostname: host });
    }
    // A pod that calls its own address stays inside: Istio's rules return what the pod sends to itself.
    if (loopback.test(address) || address === ip) return connectLocal(port);
    const to = { ip: address, port };
    if (caller === 'proxy' || capture?.outbound(to) !== true) return network.dial(ip, to);
    if (sidecar === undefined) throw socketError('ECONNREFUSED', 'connect', to);
    const { near, far } = await network.pair();
    sidecar.outbound(far, { ip, port: near.localPort ?? 0 }, to);
    return near;
  };

  return {
    ip,
    listen(port, onConnection, { loopbackOnly = false } = {}) {
      if (listeners.has(port)) throw socketError('EADDRINUSE', 'listen', { ip: '0.0.0.0', port });
      const listener = { onConnection, loopbackOnly };
      listeners.set(port, listener);
      return () => {
        if (listeners.get(port) === listener) listeners.delete(port);
      };
    },
    connect,
    connectLocal,
    dial: (to) => network.dial(ip, to),
    resolve,
    intercept(next) {
      sidecar = next;
    },
    close() {
      detach();
      listeners.clear();
    },
  };
}

function sidecarServes(sidecar: Sidecar | undefined, port: number): boolean {
  return port !== adminPort && sidecar?.servers.has(port) === true;
}
