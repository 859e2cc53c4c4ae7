/** The kubelets of the lab's nodes in one: runs the pods that are bound to them, and serves exec, logs and dials. */
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { ApiStatus, notFound } from '../api/status.ts';
import { asPod, isPodFinished, type PodObject } from '../kinds/pod.ts';
import { captureOf } from './capture.ts';
import type { ContainerRunner } from './container-runner.ts';
import type { Kubelet, LogOptions, PodName, RunningContainer } from './kubelet.ts';
import type { LabNode, NodeEnvironment } from './node-environment.ts';
import { createAddresses } from './pod-addresses.ts';
import { createPodNetwork, type PodNetwork } from './pod-network.ts';
import { PodRunner } from './pod-runner.ts';
import { readLog } from './read-log.ts';

export interface RunningKubelet extends Kubelet {
  /** Connects as the pod's application does, through its sidecar where it has one. Rejects with a Node socket error. */
  connect(pod: PodName, host: string, port: number): Promise<Socket>;
  /** Ends every pod at once: the lab goes down. */
  close(): Promise<void>;
}

/** Starts running pods. `outside` is the address that the API server calls from. */
export function startKubelet(
  environment: NodeEnvironment,
  nodes: readonly LabNode[],
  outside: string,
): RunningKubelet {
  const runners = new Map<string, PodRunner>();
  const addresses = createAddresses();
  const nodeNetworks = new Map(nodes.map((node) => [node.name, nodeNetwork(environment, node)] as const));
  const { api, network } = environment;

  const begin = (pod: PodObject, node: LabNode): void => {
    const uid = pod.metadata.uid ?? '';
    const shared = pod.spec.hostNetwork === true ? nodeNetworks.get(node.name) : undefined;
    const ip = shared?.ip ?? addresses.take(node);
    const runner = new PodRunner({
      environment,
      node,
      pod,
      network: shared === undefined ? networkOf(environment, pod, ip) : shareOf(shared),
      onGone: () => {
        runners.delete(uid);
        if (shared === undefined) addresses.release(ip);
      },
    });
    runners.set(uid, runner);
    runner.start().catch((error: unknown) => environment.onError(pod.metadata.name, error));
  };
  const see = (pod: PodObject): void => {
    const runner = runners.get(pod.metadata.uid ?? '');
    if (runner !== undefined) {
      runner.update(pod);
      return;
    }
    const node = nodes.find(({ name }) => name === pod.spec.nodeName);
    if (node === undefined || isPodFinished(pod)) return;
    const stored = api.get('pods', pod.metadata.namespace, pod.metadata.name);
    // Changes arrive after the fact: the pod may have ended, and be gone, since this one.
    if (stored?.metadata.uid !== pod.metadata.uid) return;
    if (stored?.metadata.deletionTimestamp === undefined) begin(pod, node);
    else api.delete('pods', pod.metadata.namespace, pod.metadata.name, { force: true });
  };
  const unwatch = api.watch(
    ['pods'],
    ({ type, object }) => {
      const pod = asPod(object);
      if (type === 'DELETED') runners.get(pod.metadata.uid ?? '')?.kill();
      else see(pod);
    },
    { initial: true },
  );

  const find = ({ namespace, name }: PodName): PodRunner => {
    const pod = api.get('pods', namespace, name);
    const runner = pod === undefined ? undefined : runners.get(pod.metadata.uid ?? '');
    if (pod === undefined) throw notFound({ group: '', resource: 'pods' }, name);
    if (runner === undefined) throw new ApiStatus('BadRequest', `pod ${name} does not have a host assigned`);
    return runner;
  };
  const findContainer = (pod: PodName, name: string): { runner: PodRunner; container: ContainerRunner } => {
    const runner = find(pod);
    const container = runner.container(name);
    if (container === undefined) {
      throw new ApiStatus('BadRequest', `container ${name} is not valid for pod ${pod.name}`);
    }
    return { runner, container };
  };

  return {
    running(pod: PodName, name: string): RunningContainer {
      const { runner, container } = findContainer(pod, name);
      if (!container.running) {
        const why = `unable to upgrade connection: container not found ("${name}")`;
        throw new ApiStatus('InternalError', why);
      }
      return {
        isInteractive: container.spec.stdin === true,
        exec: (command, streams, signal) => runner.exec(container, command, streams, signal),
      };
    },
    logs(pod: PodName, options: LogOptions, signal: AbortSignal) {
      const { container } = findContainer(pod, options.container);
      const ring = container.log(options.previous);
      if (ring === undefined) {
        const why = `previous terminated container "${options.container}" in pod "${pod.name}" not found`;
        throw new ApiStatus('BadRequest', why);
      }
      return readLog(ring, options, signal);
    },
    async dial(pod: PodName, port: number, entry: 'loopback' | 'network'): Promise<Duplex> {
      const runner = find(pod);
      if (entry === 'loopback') return runner.network.connectLocal(port);
      return network.dial(outside, { ip: runner.network.ip, port });
    },
    async connect(pod: PodName, host: string, port: number): Promise<Socket> {
      return find(pod).network.connect('application', host, port);
    },
    async close() {
      unwatch();
      for (const runner of [...runners.values()]) runner.kill();
      for (const own of nodeNetworks.values()) own.close();
    },
  };
}

function networkOf(environment: NodeEnvironment, pod: PodObject, ip: string): PodNetwork {
  const injected = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].some(
    ({ name, args }) => name === 'istio-proxy' && args?.[1] === 'sidecar',
  );
  return createPodNetwork({
    network: environment.network,
    ip,
    namespace: pod.metadata.namespace ?? 'default',
    hostname: pod.spec.hostname ?? pod.metadata.name,
    ...(injected ? { capture: captureOf(pod) } : {}),
  });
}

/** The network of a node itself: where hostNetwork pods are. */
function nodeNetwork({ network }: NodeEnvironment, node: LabNode): PodNetwork {
  return createPodNetwork({ network, ip: node.ip, namespace: 'default', hostname: node.name });
}

/** A hostNetwork pod's part of its node's network: closing it gives back its ports and no more. */
function shareOf(shared: PodNetwork): PodNetwork {
  const closers: (() => void)[] = [];
  return {
    ...shared,
    listen(port, onConnection, options) {
      const close = shared.listen(port, onConnection, options);
      closers.push(close);
      return close;
    },
    close() {
      for (const close of closers) close();
    },
  };
}
