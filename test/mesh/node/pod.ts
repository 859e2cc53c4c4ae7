/** One pod on the node: its network and volumes, its containers in their order, its status, and its end. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { type Container, isNativeSidecar, type PodObject } from '../../../src/lab/kinds/pod.ts';
import {
  type ContainerHost,
  ContainerRunner,
  type RestartPolicy,
  StartFailure,
} from '../../../src/lab/kubelet/container-runner.ts';
import { expand } from '../../../src/lab/kubelet/environment.ts';
import type { ExecStreams } from '../../../src/lab/kubelet/kubelet.ts';
import type { LogRing } from '../../../src/lab/kubelet/log-ring.ts';
import { podStatus } from '../../../src/lab/kubelet/pod-status.ts';
import { runProbe } from '../../../src/lab/kubelet/run-probe.ts';
import type { Program } from '../../../src/lab/workloads/program.ts';
import { type Bind, type RunningProcess, startProcess } from './container-process.ts';
import { environmentOf } from './environment.ts';
import { imageOf } from './images.ts';
import { addPodNetwork, nodeAddress, removePodNetwork } from './network.ts';
import type { NodeApi } from './node-api.ts';
import { MissingVolume, PodVolumes } from './volumes.ts';

export interface PodOptions {
  readonly api: NodeApi;
  readonly pod: PodObject;
  readonly ip: string;
  /** The pod's own folder. */
  readonly folder: string;
  readonly onGone: () => void;
  readonly onError: (error: unknown) => void;
}

interface SecurityContext {
  readonly runAsUser?: number;
}

interface PreStop {
  readonly exec?: { readonly command?: readonly string[] };
  readonly sleep?: { readonly seconds: number };
}

export class NodePod {
  readonly ip: string;
  readonly #options: PodOptions;
  readonly #volumes: PodVolumes;
  readonly #netns: string | undefined;
  readonly #startTime = stamp(new Date());
  readonly #init: readonly ContainerRunner[];
  readonly #containers: readonly ContainerRunner[];
  readonly #processes = new Map<string, RunningProcess>();
  readonly #environments = new Map<string, Readonly<Record<string, string>>>();
  readonly #stop = new AbortController();
  readonly #listeners = new Set<() => void>();
  #pod: PodObject;
  #network: string | undefined;
  #initialized = false;
  #starts = 0;
  #ending: Promise<void> | undefined;
  #writing: Promise<void> = Promise.resolve();
  #written = '';

  constructor(options: PodOptions) {
    const { pod, folder, api, ip } = options;
    this.#options = options;
    this.#pod = pod;
    this.ip = ip;
    this.#netns = pod.spec.hostNetwork === true ? undefined : `pod-${pod.metadata.uid}`;
    this.#volumes = new PodVolumes(api, join(folder, 'volumes'), ip);
    const policy = restartPolicyOf(pod);
    const runner = (spec: Container, restarts: RestartPolicy): ContainerRunner =>
      new ContainerRunner(spec, this.#host(), restarts, pod.metadata.uid?.slice(0, 8) ?? '');
    this.#init = (pod.spec.initContainers ?? []).map((spec) =>
      runner(spec, isNativeSidecar(spec) ? 'Always' : policy === 'Never' ? 'Never' : 'OnFailure'),
    );
    this.#containers = pod.spec.containers.map((spec) => runner(spec, policy));
  }

  /** Runs the init containers in their order, then the others. Resolves when all have been started. */
  async start(): Promise<void> {
    const { folder, api } = this.#options;
    await mkdir(folder, { recursive: true, mode: 0o755 });
    if (this.#netns !== undefined) this.#network = await addPodNetwork(this.#netns, this.ip);
    await this.#writeFiles();
    while (!(await this.#volumesReady())) await wait(200);
    for (const { spec } of [...this.#init, ...this.#containers]) {
      this.#environments.set(spec.name, await environmentOf(api, this.#pod, spec, this.ip));
    }
    void this.#keepVolumes().catch(this.#options.onError);
    for (const container of this.#init) {
      if (this.#isEnding()) return;
      container.start();
      if (isNativeSidecar(container.spec)) await this.#until(() => container.started || this.#isEnding());
      else await this.#until(() => container.terminated?.exitCode === 0 || this.#isEnding());
    }
    if (this.#isEnding()) return;
    this.#initialized = true;
    for (const container of this.#containers) container.start();
    this.#changed();
    await Promise.all(this.#containers.map((container) => container.finished));
    if (this.#isEnding()) return;
    for (const container of [...this.#init].reverse()) await container.stop(this.#grace());
    this.#changed();
  }

  update(pod: PodObject): void {
    this.#pod = pod;
    if (pod.metadata.deletionTimestamp !== undefined) void this.end().catch(this.#options.onError);
  }

  /** Ends the pod with its grace and takes it out of the API. */
  end(): Promise<void> {
    this.#ending ??= this.#end();
    return this.#ending;
  }

  /** Ends it at once. */
  async kill(): Promise<void> {
    this.#ending ??= Promise.resolve();
    this.#wake();
    for (const container of [...this.#containers, ...this.#init]) container.kill();
    await this.#clear();
  }

  container(name: string): ContainerRunner | undefined {
    return [...this.#containers, ...this.#init].find(({ spec }) => spec.name === name);
  }

  exec(name: string, command: readonly string[], streams: ExecStreams, signal: AbortSignal): Promise<number> {
    const running = this.#processes.get(name);
    if (running === undefined) throw new Error(`container ${name} does not run`);
    return running.exec(command, streams, signal);
  }

  /** The network namespace's path, for whoever dials inside it. */
  get network(): string | undefined {
    return this.#network;
  }

  #isEnding(): boolean {
    return this.#ending !== undefined;
  }

  #grace(): number {
    const { metadata, spec } = this.#pod;
    const { deletionGracePeriodSeconds } = metadata as { readonly deletionGracePeriodSeconds?: number };
    return (deletionGracePeriodSeconds ?? spec.terminationGracePeriodSeconds ?? 30) * 1000;
  }

  async #end(): Promise<void> {
    this.#wake();
    const grace = this.#grace();
    const hooks = AbortSignal.timeout(Math.max(grace, 1));
    // A native sidecar drains from the start and ends last (KEP-753).
    const draining = this.#init.filter(({ spec, running }) => isNativeSidecar(spec) && running);
    const drained = Promise.all(draining.map(({ spec }) => this.#preStop(spec, hooks)));
    await Promise.all(
      this.#containers.map(async (container) => {
        if (container.running) await this.#preStop(container.spec, hooks);
        await container.stop(grace);
      }),
    );
    await drained;
    for (const container of [...this.#init].reverse()) await container.stop(grace);
    await this.#clear();
    await this.#options.api.remove(this.#pod);
  }

  async #preStop(spec: Container, signal: AbortSignal): Promise<void> {
    const { lifecycle } = spec as { readonly lifecycle?: { readonly preStop?: PreStop } };
    const { exec, sleep } = lifecycle?.preStop ?? {};
    if (sleep !== undefined) await wait(sleep.seconds * 1000);
    const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
    if (exec?.command !== undefined)
      await this.exec(spec.name, exec.command, { stdout: nowhere, stderr: nowhere }, signal);
  }

  async #clear(): Promise<void> {
    this.#stop.abort();
    await Promise.all([...this.#processes.values()].map((running) => running.ended));
    if (this.#netns !== undefined) await removePodNetwork(this.#netns);
    await rm(this.#options.folder, { recursive: true, force: true });
    this.#options.onGone();
  }

  /** What every container has in /etc. */
  async #writeFiles(): Promise<void> {
    const { folder, pod, ip } = this.#options;
    const search = ['svc.cluster.local', 'cluster.local'];
    const domains = [`${pod.metadata.namespace}.${search[0]}`, ...search].join(' ');
    await writeFile(
      join(folder, 'resolv.conf'),
      `search ${domains}\nnameserver ${nodeAddress}\noptions ndots:5\n`,
    );
    await writeFile(join(folder, 'hosts'), `127.0.0.1 localhost\n${ip} ${pod.metadata.name}\n`);
  }

  async #volumesReady(): Promise<boolean> {
    if (this.#isEnding()) return true;
    try {
      await this.#volumes.write(this.#pod);
      return true;
    } catch (error) {
      if (error instanceof MissingVolume) return false;
      throw error;
    }
  }

  /** Config maps change and tokens are renewed while the pod runs. */
  async #keepVolumes(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await wait(5_000, undefined, { ref: false });
      if (!this.#isEnding()) await this.#volumesReady();
    }
  }

  #host(): ContainerHost {
    return {
      start: (container, log) => this.#startContainer(container, log),
      probe: (container, probe, signal) =>
        runProbe(
          {
            pod: this.#pod,
            container,
            ip: this.ip,
            dial,
            exec: (command, stop) => this.#execProbe(container.name, command, stop),
          },
          probe,
          signal,
        ),
      event: () => undefined,
      changed: () => this.#changed(),
      now: () => new Date(),
    };
  }

  #startContainer(spec: Container, log: LogRing): Program {
    const image = imageOf(spec.image);
    if (image === undefined) throw new StartFailure('ErrImagePull', `no image "${spec.image}" on this node`);
    const env = this.#environments.get(spec.name) ?? {};
    const words = (list: readonly string[] = []) => list.map((word) => expand(word, env));
    const command = spec.command === undefined ? image.entrypoint : words(spec.command);
    const args = spec.args ?? (spec.command === undefined ? image.defaults : []);
    const { folder } = this.#options;
    const etc: readonly Bind[] = ['resolv.conf', 'hosts'].map((name) => ({
      source: join(folder, name),
      target: `/etc/${name}`,
    }));
    const process = startProcess({
      // A container that starts again has a fresh layer.
      folder: join(folder, 'containers', `${spec.name}-${this.#starts++}`),
      network: this.#network,
      hostname: this.#pod.metadata.name,
      user: userOf(spec, this.#pod) ?? image.user,
      env,
      cwd: spec.workingDir ?? '/',
      binds: [...etc, ...image.binds, ...this.#volumes.binds(this.#pod, spec)],
      argv: [...command, ...words(args)],
      onLine: (line) => log.append(line, new Date()),
    });
    this.#processes.set(spec.name, process);
    return process;
  }

  async #execProbe(name: string, command: readonly string[], signal: AbortSignal) {
    const chunks: Buffer[] = [];
    const sink = new Writable({
      write(chunk: Buffer, _encoding, done) {
        chunks.push(chunk);
        done();
      },
    });
    const code = await this.exec(name, command, { stdout: sink, stderr: sink }, signal);
    return { code, output: Buffer.concat(chunks).toString('utf8') };
  }

  #wake(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  #changed(): void {
    this.#wake();
    this.#writing = this.#writing.then(() => this.#writeStatus()).catch(this.#options.onError);
  }

  async #writeStatus(): Promise<void> {
    if (this.#stop.signal.aborted) return;
    const status = podStatus(
      {
        pod: this.#pod,
        containers: this.#containers.map((container) => container.status()),
        initContainers: this.#init.map((container) => container.status()),
        initialized: this.#initialized,
        ip: this.ip,
        hostIP: nodeAddress,
        startTime: this.#startTime,
        restartPolicy: restartPolicyOf(this.#pod),
      },
      stamp(new Date()),
    );
    const text = JSON.stringify(status);
    if (text === this.#written) return;
    this.#written = text;
    await this.#options.api.writeStatus(this.#pod, status);
  }

  #until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (!condition()) return;
        this.#listeners.delete(check);
        resolve();
      };
      this.#listeners.add(check);
      check();
    });
  }
}

function userOf(spec: Container, pod: PodObject): number | undefined {
  const of = (object: object): SecurityContext | undefined =>
    (object as { readonly securityContext?: SecurityContext }).securityContext;
  return of(spec)?.runAsUser ?? of(pod.spec)?.runAsUser;
}

function restartPolicyOf(pod: PodObject): RestartPolicy {
  const { restartPolicy } = pod.spec;
  return restartPolicy === 'Never' || restartPolicy === 'OnFailure' ? restartPolicy : 'Always';
}

function dial(ip: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, ip);
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

function stamp(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}
