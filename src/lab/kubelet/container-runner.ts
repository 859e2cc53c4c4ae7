/** One container's life: started, probed, restarted when it ends, stopped with grace. */
import type { Container, ContainerState, ContainerStatus, Probe, TerminatedState } from '../kinds/pod.ts';
import type { Program } from '../workloads/program.ts';
import { LogRing } from './log-ring.ts';
import { type ProbeKind, type ProbeResult, probeUntil } from './prober.ts';

/** What a container needs of its pod and its node. */
export interface ContainerHost {
  /** Starts the program; throws with the reason of a waiting container (see `StartFailure`) or an error of its own. */
  start(container: Container, log: LogRing): Program;
  probe(container: Container, probe: Probe, signal: AbortSignal): Promise<ProbeResult>;
  event(type: 'Normal' | 'Warning', reason: string, message: string): void;
  /** Something in the container's status changed. */
  changed(): void;
  now(): Date;
}

/** A container that cannot be started now: `reason` is what its status waits with. */
export class StartFailure extends Error {
  override readonly name = 'StartFailure';
  readonly reason: string;

  constructor(reason: string, message: string) {
    super(message);
    this.reason = reason;
  }
}

export type RestartPolicy = 'Always' | 'OnFailure' | 'Never';

/** The kubelet waits 10 s, doubled up to 5 minutes; the lab starts at 1 s, so that a fixed pod is back soon. */
const firstBackoff = 1_000;
const longestBackoff = 60_000;
/** A container that ran this long starts afresh. */
const healthyAfter = 60_000;

const unstarted: ContainerState = { waiting: { reason: 'PodInitializing' } };

export class ContainerRunner {
  readonly spec: Container;
  readonly #host: ContainerHost;
  readonly #policy: RestartPolicy;
  readonly #id: string;
  #state: ContainerState = unstarted;
  #lastState: ContainerState | Readonly<Record<string, never>> = {};
  #log = new LogRing();
  #previousLog: LogRing | undefined;
  #program: Program | undefined;
  #startedAt = 0;
  #restarts = 0;
  #failures = 0;
  #ready = false;
  #started = false;
  #stopping = false;
  #timer: NodeJS.Timeout | undefined;
  #probes = new AbortController();
  readonly #finished = Promise.withResolvers<void>();

  constructor(spec: Container, host: ContainerHost, policy: RestartPolicy, id: string) {
    this.spec = spec;
    this.#host = host;
    this.#policy = policy;
    this.#id = id;
  }

  get running(): boolean {
    return 'running' in this.#state;
  }

  get ready(): boolean {
    return this.#ready;
  }

  /** Its startup probe has passed, or it has none and runs. */
  get started(): boolean {
    return this.#started;
  }

  /** Ended, and not to be started again. */
  get terminated(): TerminatedState | undefined {
    const final = this.#stopping || !this.#restartsAfter(this.#state);
    return 'terminated' in this.#state && final ? this.#state.terminated : undefined;
  }

  /** Resolves when it has ended for good. */
  get finished(): Promise<void> {
    return this.#finished.promise;
  }

  log(previous: boolean): LogRing | undefined {
    return previous ? this.#previousLog : this.#log;
  }

  /** Aborted when the container ends: commands in it end with it. */
  get life(): AbortSignal {
    return this.#probes.signal;
  }

  status(): ContainerStatus {
    const { name, image } = this.spec;
    const begun = this.#restarts > 0 || this.#startedAt > 0;
    return {
      name,
      image,
      imageID: begun ? `lab://${image}` : '',
      ready: this.#ready,
      started: this.#started,
      restartCount: this.#restarts,
      state: this.#state,
      lastState: this.#lastState,
      ...(begun ? { containerID: this.#containerId() } : {}),
    };
  }

  start(): void {
    if (this.#stopping || this.running) return;
    const { image, name } = this.spec;
    try {
      if (isUnpullable(image))
        throw new StartFailure('ErrImagePull', `failed to pull image "${image}": not found`);
      this.#host.event('Normal', 'Pulled', `Container image "${image}" already present on machine`);
      this.#program = this.#host.start(this.spec, this.#log);
    } catch (error) {
      this.#refuse(error);
      return;
    }
    this.#startedAt = this.#host.now().getTime();
    this.#state = { running: { startedAt: stamp(this.#host.now()) } };
    this.#host.event('Normal', 'Created', `Created container: ${name}`);
    this.#host.event('Normal', 'Started', `Started container ${name}`);
    this.#startProbes(this.#program);
    const program = this.#program;
    void program.ended.then((code) => this.#onEnd(program, code));
    this.#host.changed();
  }

  /** SIGTERM, and SIGKILL after the grace. Resolves when the container has ended. */
  async stop(graceMilliseconds: number): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#timer);
    if (this.#program === undefined) {
      this.#finished.resolve();
      return;
    }
    this.#host.event('Normal', 'Killing', `Stopping container ${this.spec.name}`);
    const program = this.#program;
    const timer = setTimeout(() => program.kill(), graceMilliseconds);
    program.stop();
    await this.#finished.promise;
    clearTimeout(timer);
  }

  kill(): void {
    this.#stopping = true;
    clearTimeout(this.#timer);
    if (this.#program === undefined) this.#finished.resolve();
    else this.#program.kill();
  }

  #containerId(): string {
    return `lab://${this.#id}-${this.spec.name}-${this.#restarts}`;
  }

  #refuse(error: unknown): void {
    const failure =
      error instanceof StartFailure
        ? error
        : new StartFailure('RunContainerError', error instanceof Error ? error.message : String(error));
    this.#state = { waiting: { reason: failure.reason, message: failure.message } };
    this.#host.event('Warning', 'Failed', `Error: ${failure.message}`);
    this.#failures += 1;
    this.#retry();
    this.#host.changed();
  }

  #startProbes(program: Program): void {
    this.#probes = new AbortController();
    const { startupProbe } = this.spec;
    this.#started = startupProbe === undefined;
    if (startupProbe === undefined) this.#startLaterProbes(program);
    else {
      this.#probe('Startup', startupProbe, program, (ok) => {
        if (!ok) {
          this.#restart('Startup');
          return;
        }
        this.#started = true;
        this.#startLaterProbes(program);
      });
    }
  }

  #startLaterProbes(program: Program): void {
    const { readinessProbe, livenessProbe } = this.spec;
    this.#ready = readinessProbe === undefined;
    if (readinessProbe !== undefined) {
      this.#probe('Readiness', readinessProbe, program, (ok) => {
        this.#ready = ok;
      });
    }
    if (livenessProbe !== undefined) {
      this.#probe('Liveness', livenessProbe, program, (ok) => {
        if (!ok) this.#restart('Liveness');
      });
    }
    this.#host.changed();
  }

  #probe(kind: ProbeKind, probe: Probe, program: Program, onVerdict: (ok: boolean) => void): void {
    const { signal } = this.#probes;
    void probeUntil(
      {
        kind,
        probe,
        run: (one, stop) => this.#host.probe(this.spec, one, stop),
        serving: program.serving,
        onResult: (verdict, result) => {
          if (!result.ok) this.#host.event('Warning', 'Unhealthy', `${kind} probe failed: ${result.message}`);
          if (verdict === undefined) return;
          onVerdict(verdict);
          this.#host.changed();
        },
      },
      signal,
    );
  }

  /** A failed liveness or startup probe: the container is stopped and, by its policy, started again. */
  #restart(kind: ProbeKind): void {
    const { name } = this.spec;
    this.#host.event(
      'Normal',
      'Killing',
      `Container ${name} failed ${kind.toLowerCase()} probe, will be restarted`,
    );
    this.#program?.kill();
  }

  #onEnd(program: Program, exitCode: number): void {
    if (this.#program !== program) return;
    this.#program = undefined;
    this.#probes.abort();
    this.#ready = false;
    this.#started = false;
    const now = this.#host.now();
    this.#state = {
      terminated: {
        exitCode,
        reason: exitCode === 0 ? 'Completed' : 'Error',
        startedAt: stamp(new Date(this.#startedAt)),
        finishedAt: stamp(now),
        containerID: this.#containerId(),
      },
    };
    this.#log.end();
    if (this.#stopping || !this.#restartsAfter(this.#state)) {
      this.#finished.resolve();
      this.#host.changed();
      return;
    }
    const ran = now.getTime() - this.#startedAt;
    this.#failures = ran >= healthyAfter ? 1 : this.#failures + 1;
    this.#retry();
    this.#host.changed();
  }

  #restartsAfter(state: ContainerState): boolean {
    if (!('terminated' in state)) return true;
    if (this.#policy === 'OnFailure') return state.terminated.exitCode !== 0;
    return this.#policy === 'Always';
  }

  /** Starts again: at once the first time, then with growing pauses. */
  #retry(): void {
    const pause =
      this.#failures <= 1 ? 0 : Math.min(longestBackoff, firstBackoff * 2 ** (this.#failures - 2));
    this.#timer = setTimeout(() => this.#again(), pause);
    if (pause === 0 || !('terminated' in this.#state)) return;
    this.#lastState = this.#state;
    const message = `back-off ${pause / 1000}s restarting failed container=${this.spec.name}`;
    this.#state = { waiting: { reason: 'CrashLoopBackOff', message } };
    this.#host.event('Warning', 'BackOff', `Back-off restarting failed container ${this.spec.name}`);
  }

  #again(): void {
    if (this.#stopping) return;
    if ('terminated' in this.#state) this.#lastState = this.#state;
    if (this.#startedAt > 0) {
      this.#restarts += 1;
      this.#previousLog = this.#log;
      this.#log = new LogRing();
    }
    this.start();
  }
}

/** Registries below `.invalid` exist nowhere (RFC 6761): the way to have an image that cannot be pulled. */
function isUnpullable(image: string): boolean {
  return /^[^/]*\.invalid(:\d+)?\//.test(image);
}

function stamp(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}
