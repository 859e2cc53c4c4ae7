/**
 * The node of the mesh: binds every pod to itself, runs it as processes of this machine, and answers the API server's
 * exec, logs and port-forward. A kubelet's part, with real programs in real network namespaces.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { ApiStatus, notFound } from '../../../src/lab/api/status.ts';
import { asPod, isPodFinished, type PodObject } from '../../../src/lab/kinds/pod.ts';
import type { LogOptions, PodName, RunningContainer } from '../../../src/lab/kubelet/kubelet.ts';
import { readLog } from '../../../src/lab/kubelet/read-log.ts';
import type { Cluster } from '../../../src/sources/cluster.ts';
import { nodeAddress } from './network.ts';
import { NodeApi } from './node-api.ts';
import { NodePod } from './pod.ts';

export const nodeName = 'mesh-node';

export interface NodeOptions {
  readonly cluster: Cluster;
  readonly folder: string;
  readonly onError: (error: unknown) => void;
}

/** Fields that the API wants to be there. */
const noInfo = {
  machineID: '',
  systemUUID: '',
  bootID: '',
  kernelVersion: '',
  osImage: '',
  containerRuntimeVersion: '',
  kubeProxyVersion: '',
};

const podsType = { group: '', version: 'v1', plural: 'pods', namespaced: true };

export class MeshNode {
  readonly #api: NodeApi;
  readonly #options: NodeOptions;
  readonly #pods = new Map<string, NodePod>();
  readonly #names = new Map<string, string>();
  readonly #stop = new AbortController();
  #next = 1;

  constructor(options: NodeOptions) {
    this.#options = options;
    this.#api = new NodeApi(options.cluster);
  }

  /** Registers the node under the kubelet's port and runs pods from now on. */
  async start(kubeletPort: number): Promise<void> {
    await this.#api.create('/api/v1/nodes', {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: {
        name: nodeName,
        labels: { 'kubernetes.io/hostname': nodeName, 'kubernetes.io/os': 'linux' },
      },
    });
    await this.#post(kubeletPort);
    void this.#run().catch(this.#options.onError);
    void this.#beat(kubeletPort).catch(this.#options.onError);
  }

  /** The node's heartbeat: without one the controllers take its pods for lost after 50 seconds. */
  async #beat(kubeletPort: number): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await wait(10_000, undefined, { ref: false });
      if (!this.#stop.signal.aborted) await this.#post(kubeletPort);
    }
  }

  async #post(kubeletPort: number): Promise<void> {
    await this.#api.patch(`/api/v1/nodes/${nodeName}/status`, {
      status: {
        // The kubelet's server is on loopback: everything here is one machine.
        addresses: [
          { type: 'InternalIP', address: '127.0.0.1' },
          { type: 'Hostname', address: nodeName },
        ],
        daemonEndpoints: { kubeletEndpoint: { Port: kubeletPort } },
        conditions: conditions(new Date()),
        // Istio asks the node's version whether it may inject native sidecars.
        nodeInfo: { ...noInfo, kubeletVersion: 'v1.36.3', operatingSystem: 'linux', architecture: 'amd64' },
        capacity: { cpu: '2', memory: '4Gi', pods: '110' },
      },
    });
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all([...this.#pods.values()].map((pod) => pod.kill()));
  }

  running({ namespace, name }: PodName, container: string): RunningContainer {
    const pod = this.#find({ namespace, name });
    const runner = pod.container(container);
    if (runner === undefined)
      throw new ApiStatus('BadRequest', `container ${container} is not valid for pod ${name}`);
    if (!runner.running) {
      throw new ApiStatus(
        'InternalError',
        `unable to upgrade connection: container not found ("${container}")`,
      );
    }
    return {
      isInteractive: runner.spec.stdin === true,
      exec: (command, streams, signal) =>
        pod.exec(container, command, streams, AbortSignal.any([signal, runner.life])),
    };
  }

  logs(name: PodName, options: LogOptions, signal: AbortSignal): AsyncIterable<string> {
    const runner = this.#find(name).container(options.container);
    if (runner === undefined) {
      throw new ApiStatus('BadRequest', `container ${options.container} is not valid for pod ${name.name}`);
    }
    const ring = runner.log(options.previous);
    if (ring === undefined) {
      const why = `previous terminated container "${options.container}" in pod "${name.name}" not found`;
      throw new ApiStatus('BadRequest', why);
    }
    return readLog(ring, options, signal);
  }

  /** Connects inside the pod's network namespace, to its loopback. */
  async dial(name: PodName, port: number): Promise<Duplex> {
    const { network } = this.#find(name);
    const dialer = [process.execPath, join(import.meta.dirname, 'dial.mjs'), String(port)];
    const words = network === undefined ? dialer : ['/usr/bin/nsenter', `--net=${network}`, '--', ...dialer];
    const [command = '', ...args] = words;
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env: {} });
    const [line] = (await Promise.race([once(child.stderr, 'data'), once(child, 'error')])) as [
      Buffer | Error,
    ];
    if (line instanceof Error) throw line;
    const text = line.toString().trim();
    if (text !== 'connected') {
      throw Object.assign(new Error(`connect ${text} 127.0.0.1:${port}`), {
        code: text,
        syscall: 'connect',
        address: '127.0.0.1',
        port,
      });
    }
    return streamOf(child);
  }

  #find({ namespace, name }: PodName): NodePod {
    const pod = this.#pods.get(this.#names.get(`${namespace}/${name}`) ?? '');
    if (pod === undefined) throw notFound({ group: '', resource: 'pods' }, name);
    return pod;
  }

  async #run(): Promise<void> {
    for await (const events of this.#api.changes(podsType, this.#stop.signal)) {
      for (const event of events) {
        if (event.type === 'ERROR' || event.type === 'BOOKMARK') continue;
        const pod = asPod({ ...event.object, kind: 'Pod' });
        if (event.type === 'DELETED') await this.#pods.get(pod.metadata.uid ?? '')?.kill();
        else await this.#see(pod);
      }
    }
  }

  async #see(pod: PodObject): Promise<void> {
    const uid = pod.metadata.uid ?? '';
    const known = this.#pods.get(uid);
    if (known !== undefined) return known.update(pod);
    if (isPodFinished(pod)) return;
    if (pod.metadata.deletionTimestamp !== undefined) return this.#api.remove(pod);
    if (pod.spec.nodeName === undefined) return this.#api.bind(pod, nodeName);
    this.#begin(uid, pod);
  }

  #begin(uid: string, pod: PodObject): void {
    const key = `${pod.metadata.namespace}/${pod.metadata.name}`;
    this.#next += 1;
    const ip = pod.spec.hostNetwork === true ? nodeAddress : `10.244.${this.#next >> 8}.${this.#next & 255}`;
    const { folder, onError } = this.#options;
    const fail = (error: unknown): void => onError(new Error(`pod ${key}`, { cause: error }));
    const running = new NodePod({
      api: this.#api,
      pod,
      ip,
      folder: join(folder, uid),
      onGone: () => {
        this.#pods.delete(uid);
        if (this.#names.get(key) === uid) this.#names.delete(key);
      },
      onError: fail,
    });
    this.#pods.set(uid, running);
    this.#names.set(key, uid);
    running.start().catch(fail);
  }
}

function conditions(now: Date) {
  const lastHeartbeatTime = `${now.toISOString().slice(0, 19)}Z`;
  const kinds = ['MemoryPressure', 'DiskPressure', 'PIDPressure', 'Ready'];
  return kinds.map((type) => ({ type, status: type === 'Ready' ? 'True' : 'False', lastHeartbeatTime }));
}

function streamOf(child: ChildProcess): Duplex {
  if (child.stdin === null || child.stdout === null) throw new Error('the dialer has no streams');
  const duplex = Duplex.from({ writable: child.stdin, readable: child.stdout });
  duplex.on('close', () => child.kill());
  return duplex;
}
