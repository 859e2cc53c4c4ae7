/** One pod on a node: its network, its containers in their order, its status, and its end. */
import { Writable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { equalJson } from '../api/json.ts';
import { ApiStatus } from '../api/status.ts';
import { timestamp } from '../controllers/conditions.ts';
import type { EventRecorder } from '../controllers/events.ts';
import { asPod, type Container, isNativeSidecar, type PodObject } from '../kinds/pod.ts';
import type { Program, ProgramHost } from '../workloads/program.ts';
import { type CommandSurroundings, startCommand } from './command-program.ts';
import { runCommand } from './commands/run-command.ts';
import { createPodFiles, type PodFiles } from './container-files.ts';
import { entryOf } from './container-program.ts';
import { type ContainerHost, ContainerRunner, type RestartPolicy, StartFailure } from './container-runner.ts';
import { type Environment, EnvironmentError, environmentOf, expand } from './environment.ts';
import type { ExecStreams } from './kubelet.ts';
import type { LogRing } from './log-ring.ts';
import type { LabNode, NodeEnvironment } from './node-environment.ts';
import type { PodNetwork } from './pod-network.ts';
import { podStatus } from './pod-status.ts';
import { runProbe } from './run-probe.ts';
import { startSidecarProgram } from './sidecar-program.ts';

export interface PodRunnerOptions {
  readonly environment: NodeEnvironment;
  readonly node: LabNode;
  readonly pod: PodObject;
  readonly network: PodNetwork;
  /** Called when the pod has ended and its address is free again. */
  readonly onGone: () => void;
}

export class PodRunner {
  readonly network: PodNetwork;
  readonly #environment: NodeEnvironment;
  readonly #node: LabNode;
  readonly #events: EventRecorder;
  readonly #files: PodFiles;
  readonly #onGone: () => void;
  readonly #startTime: string;
  readonly #init: readonly ContainerRunner[];
  readonly #containers: readonly ContainerRunner[];
  /** Of containers that have started, by name: it stays as it was then. */
  readonly #environments = new Map<string, Environment>();
  #pod: PodObject;
  #initialized = false;
  #ending: Promise<void> | undefined;
  #writing: NodeJS.Immediate | undefined;
  #deadline: NodeJS.Timeout | undefined;
  #failure: { readonly reason: string; readonly message: string } | undefined;

  constructor({ environment, node, pod, network, onGone }: PodRunnerOptions) {
    this.#environment = environment;
    this.#node = node;
    this.#pod = pod;
    this.network = network;
    this.#onGone = onGone;
    this.#events = environment.events(node.name);
    this.#startTime = timestamp(environment.now());
    this.#files = createPodFiles({
      api: environment.api,
      pod,
      ip: network.ip,
      root: `${environment.folder}/${pod.metadata.uid ?? pod.metadata.name}`,
      token: (audience) => environment.token(pod, audience),
    });
    const policy = restartPolicyOf(pod);
    const initPolicy = policy === 'Never' ? 'Never' : 'OnFailure';
    const runner = (spec: Container, restarts: RestartPolicy): ContainerRunner =>
      new ContainerRunner(spec, this.#host(spec), restarts, pod.metadata.uid?.slice(0, 8) ?? 'pod');
    this.#init = (pod.spec.initContainers ?? []).map((spec) =>
      runner(spec, isNativeSidecar(spec) ? 'Always' : initPolicy),
    );
    this.#containers = pod.spec.containers.map((spec) => runner(spec, policy));
  }

  get pod(): PodObject {
    return this.#pod;
  }

  /** Runs the init containers in their order, then the others. Resolves when all have been started. */
  async start(): Promise<void> {
    this.#watchDeadline();
    this.#writeSoon();
    for (const container of this.#init) {
      container.start();
      if (isNativeSidecar(container.spec)) await this.#until(() => container.started || this.#isEnding());
      else await this.#until(() => container.terminated?.exitCode === 0 || this.#isEnding());
      if (this.#isEnding()) return;
    }
    this.#initialized = true;
    for (const container of this.#containers) container.start();
    this.#writeSoon();
    void this.#awaitCompletion();
  }

  /** The pod as the API server holds it now: labels and annotations may have changed, or it may be on its way out. */
  update(pod: PodObject): void {
    this.#pod = pod;
    if (pod.metadata.deletionTimestamp !== undefined) void this.end(graceOf(pod));
  }

  /** Ends the pod with grace and takes it out of the API. Resolves when it is gone. */
  end(graceMilliseconds: number): Promise<void> {
    this.#ending ??= this.#end(graceMilliseconds);
    return this.#ending;
  }

  /** The object is gone already, or the lab ends: no grace. */
  kill(): void {
    this.#ending ??= Promise.resolve();
    this.#changedNow();
    for (const container of [...this.#containers, ...this.#init]) container.kill();
    this.#clear();
  }

  /** Containers by name, init containers included. */
  container(name: string): ContainerRunner | undefined {
    return [...this.#containers, ...this.#init].find(({ spec }) => spec.name === name);
  }

  /** Runs a command in a running container. */
  async exec(
    container: ContainerRunner,
    command: readonly string[],
    streams: ExecStreams,
    signal: AbortSignal,
  ): Promise<number> {
    return runCommand({
      ...this.#surroundings(
        container.spec,
        this.#environments.get(container.spec.name) ?? this.#env(container.spec),
      ),
      argv: command,
      stdin: streams.stdin,
      stdout: streams.stdout,
      stderr: streams.stderr,
      signal: AbortSignal.any([signal, container.life]),
    });
  }

  #isEnding(): boolean {
    return this.#ending !== undefined;
  }

  async #end(grace: number): Promise<void> {
    this.#changedNow();
    const { drainMilliseconds } = this.#environment;
    // New connections come until everybody has heard that the pod ends; a preStop sleep does this on a cluster.
    if (drainMilliseconds > 0 && grace > 0) await wait(Math.min(drainMilliseconds, grace));
    const proxies = this.#containers.filter(({ spec }) => spec.name === 'istio-proxy');
    const applications = this.#containers.filter((container) => !proxies.includes(container));
    await Promise.all(applications.map((container) => container.stop(grace)));
    await Promise.all(proxies.map((container) => container.stop(grace)));
    for (const container of [...this.#init].reverse()) await container.stop(grace);
    this.#write();
    this.#clear();
    this.#remove();
  }

  #remove(): void {
    const { namespace, name, uid } = this.#pod.metadata;
    const { api } = this.#environment;
    if (api.get('pods', namespace, name)?.metadata.uid !== uid) return;
    api.delete('pods', namespace, name, { force: true });
  }

  #clear(): void {
    clearTimeout(this.#deadline);
    if (this.#writing !== undefined) clearImmediate(this.#writing);
    this.network.close();
    this.#files.remove();
    this.#onGone();
  }

  readonly #listeners = new Set<() => void>();

  #changedNow(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  /** Resolves when the condition holds; looked at after each change of a container. */
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

  /** Native sidecars end when the containers that they serve have. */
  async #awaitCompletion(): Promise<void> {
    await Promise.all(this.#containers.map((container) => container.finished));
    if (this.#isEnding()) return;
    for (const container of [...this.#init].reverse()) await container.stop(graceOf(this.#pod));
    this.#writeSoon();
  }

  #watchDeadline(): void {
    const seconds = this.#pod.spec.activeDeadlineSeconds;
    if (seconds === undefined) return;
    this.#deadline = setTimeout(() => {
      this.#failure = {
        reason: 'DeadlineExceeded',
        message: 'Pod was active on the node longer than the specified deadline',
      };
      for (const container of this.#containers) container.kill();
      this.#writeSoon();
    }, seconds * 1000);
  }

  /** Several changes in one turn of the event loop are one write. */
  #writeSoon(): void {
    this.#changedNow();
    this.#writing ??= setImmediate(() => {
      this.#writing = undefined;
      this.#write();
    });
  }

  #write(): void {
    const { api, now } = this.#environment;
    const { namespace, name, uid } = this.#pod.metadata;
    const found = api.get('pods', namespace, name);
    if (found === undefined || found.metadata.uid !== uid) return;
    const pod = asPod(found);
    const status = podStatus(
      {
        pod,
        containers: this.#containers.map((container) => container.status()),
        initContainers: this.#init.map((container) => container.status()),
        initialized: this.#initialized,
        ip: this.network.ip,
        hostIP: this.#node.ip,
        startTime: this.#startTime,
        restartPolicy: restartPolicyOf(pod),
        ...(this.#failure === undefined ? {} : { failure: this.#failure }),
      },
      timestamp(now()),
    );
    if (equalJson(pod.status, status)) return;
    try {
      api.updateStatus('pods', { ...pod, status }, 'kubelet');
    } catch (error) {
      // The API refuses what the kubelet says: a bug, but one pod's, not the lab's.
      if (!(error instanceof ApiStatus)) throw error;
      this.#environment.onError(`${namespace}/${name}`, error);
    }
  }

  #host(spec: Container): ContainerHost {
    const { now } = this.#environment;
    return {
      start: (container, log) => this.#startContainer(container, log),
      probe: (container, probe, signal) =>
        runProbe(
          {
            pod: this.#pod,
            container,
            ip: this.network.ip,
            dial: (ip, port) => this.#environment.network.dial(this.#node.ip, { ip, port }),
            exec: (command, stop) => this.#execProbe(container.name, command, stop),
          },
          probe,
          signal,
        ),
      event: (type, reason, message) => this.#event(spec, type, reason, message),
      changed: () => this.#writeSoon(),
      now,
    };
  }

  #event(spec: Container, type: 'Normal' | 'Warning', reason: string, message: string): void {
    const list = this.#pod.spec.containers.some(({ name }) => name === spec.name)
      ? 'containers'
      : 'initContainers';
    this.#events.record(this.#pod, type, reason, message, `spec.${list}{${spec.name}}`);
  }

  async #execProbe(
    name: string,
    command: readonly string[],
    signal: AbortSignal,
  ): Promise<{ readonly code: number; readonly output: string }> {
    const container = this.container(name);
    if (container === undefined) return { code: 1, output: 'container not found' };
    const chunks: Buffer[] = [];
    const sink = new Writable({
      write(chunk: Buffer, _encoding, done) {
        chunks.push(chunk);
        done();
      },
    });
    const code = await this.exec(container, command, { stdout: sink, stderr: sink }, signal);
    return { code, output: Buffer.concat(chunks).toString('utf8') };
  }

  #env(container: Container): Environment {
    try {
      return environmentOf(this.#environment.api, this.#pod, container, this.network.ip);
    } catch (error) {
      if (error instanceof EnvironmentError)
        throw new StartFailure('CreateContainerConfigError', error.message);
      throw error;
    }
  }

  #surroundings(container: Container, env: Environment): CommandSurroundings {
    return {
      env,
      workingDirectory: container.workingDir ?? '/',
      files: this.#files.prepare(container),
      network: this.network,
      caller: container.name === 'istio-proxy' ? 'proxy' : 'application',
      hostname: this.#pod.spec.hostname ?? this.#pod.metadata.name,
      image: container.image,
      tools: this.#environment.tools,
      now: this.#environment.now,
    };
  }

  #startContainer(spec: Container, log: LogRing): Program {
    const { now, startSidecar } = this.#environment;
    const env = this.#env(spec);
    this.#environments.set(spec.name, env);
    const words = (list: readonly string[] = []): readonly string[] => list.map((word) => expand(word, env));
    const container = { ...spec, command: words(spec.command), args: words(spec.args) };
    const say = (line: string): void => log.append(line, now());
    const entry = entryOf(container);
    if (entry.kind === 'sidecar') {
      if (startSidecar === undefined)
        throw new StartFailure('RunContainerError', 'the lab runs without a control plane');
      return startSidecarProgram({ pod: this.#pod, network: this.network, start: startSidecar, log: say });
    }
    if (entry.kind === 'command') return startCommand(entry.argv, this.#surroundings(container, env), say);
    const host: ProgramHost = {
      pod: this.#pod,
      container,
      ip: this.network.ip,
      env,
      listen: (port, onConnection, options) => this.network.listen(port, onConnection, options),
      connect: (name, port) => this.network.connect('application', name, port),
      controlPlane: this.#environment.controlPlane,
      console: this.#environment.console,
      log: say,
      now,
    };
    return entry.start(host);
  }
}

function restartPolicyOf(pod: PodObject): RestartPolicy {
  const policy = pod.spec.restartPolicy;
  return policy === 'Never' || policy === 'OnFailure' ? policy : 'Always';
}

/** Milliseconds that a deleted pod has left. */
function graceOf(pod: PodObject): number {
  const given: unknown = Reflect.get(pod.metadata, 'deletionGracePeriodSeconds');
  const seconds = typeof given === 'number' ? given : (pod.spec.terminationGracePeriodSeconds ?? 30);
  return seconds * 1000;
}
