/** Pause, resume and abort: only where the dashboard was started with --allow-changes. */
import { hostname } from 'node:os';
import { PadlockError } from '../errors.ts';
import { formatRef } from '../istio/kubernetes.ts';
import { drive } from '../rollout/drive.ts';
import type { Event } from '../rollout/machine.ts';
import { isOver } from '../rollout/machine.ts';
import { meshObserver } from '../rollout/mesh-observer.ts';
import type { Progress } from '../rollout/progress.ts';
import { readRecord } from '../rollout/record.ts';
import type { Cluster } from '../sources/cluster.ts';
import type { Clock } from './cluster-source.ts';
import type { OwnDrives } from './rollout-views.ts';
import type { RolloutAction } from './wire.ts';

interface Drive {
  readonly stop: AbortController;
  readonly ended: Promise<void>;
}

export interface RolloutEffects {
  readonly cluster: Cluster;
  readonly clock: Clock;
  nonce(): string;
  /** A line for people, as it happens. */
  tell(namespace: string, says: string): void;
}

const keptLines = 40;
/** The same limits as `padlock secure` has by default. */
const limits = { rollout: 300_000, load: 120_000 };

export class RolloutActions implements OwnDrives {
  readonly #effects: RolloutEffects;
  readonly #drives = new Map<string, Drive>();
  readonly #lines = new Map<string, string[]>();

  constructor(effects: RolloutEffects) {
    this.#effects = effects;
  }

  isDriving(namespace: string): boolean {
    return this.#drives.has(namespace);
  }

  linesOf(namespace: string): readonly string[] {
    return this.#lines.get(namespace) ?? [];
  }

  /** @throws PadlockError `USAGE` where the action has no object, and what the cluster answers */
  async act(namespace: string, action: RolloutAction): Promise<void> {
    if (action === 'pause') return this.#pause(namespace);
    const saved = await readRecord(this.#effects.cluster, namespace);
    if (saved === undefined) throw new PadlockError('USAGE', `there is no rollout of ${namespace}`);
    if (action === 'resume' && isOver(saved.state)) {
      throw new PadlockError('USAGE', `the rollout of ${namespace} is over: ${saved.state.status}`);
    }
    // A drive of our own lets go first; somebody else's holds the Lease, and the drive below says so.
    await this.#pauseOwn(namespace);
    const event: Event =
      action === 'resume'
        ? { kind: 'start' }
        : { kind: 'abort', reason: 'asked for in the dashboard, as with --abort' };
    await this.#begin(namespace, saved.state, event);
  }

  /** Ends all drives; each pauses and says so in its record. */
  async close(): Promise<void> {
    await Promise.all([...this.#drives.keys()].map((namespace) => this.#pauseOwn(namespace)));
  }

  async #pause(namespace: string): Promise<void> {
    if (this.#drives.has(namespace)) return this.#pauseOwn(namespace);
    throw new PadlockError('USAGE', `the rollout of ${namespace} is not driven by this dashboard`, {
      hint: 'press Ctrl-C in the terminal that drives it: it pauses there; this page can then resume it',
    });
  }

  async #pauseOwn(namespace: string): Promise<void> {
    const running = this.#drives.get(namespace);
    if (running === undefined) return;
    running.stop.abort(new Error('paused in the dashboard'));
    await running.ended;
  }

  /** Resolves once the Lease is taken and the first step announced, or throws why that failed. */
  async #begin(namespace: string, state: Parameters<typeof drive>[0], event: Event): Promise<void> {
    const { cluster, clock } = this.#effects;
    const stop = new AbortController();
    const began = Promise.withResolvers<void>();
    const driving = drive(state, event, {
      cluster,
      observer: meshObserver(cluster, {
        now: () => clock.now(),
        sleep: (milliseconds, signal) => clock.sleep(milliseconds, signal),
        nonce: () => this.#effects.nonce(),
      }),
      clock,
      signal: stop.signal,
      limits,
      acceptInconclusive: false,
      holder: `dashboard@${hostname()}-${this.#effects.nonce()}`,
      tell: (progress) => {
        began.resolve();
        this.#say(namespace, progressText(progress));
      },
    });
    const ended = driving.then(
      () => this.#drives.delete(namespace),
      (error: unknown) => {
        this.#drives.delete(namespace);
        began.reject(error);
        this.#say(namespace, error instanceof Error ? error.message : String(error));
      },
    );
    this.#drives.set(namespace, { stop, ended: ended.then(() => this.#effects.tell(namespace, '')) });
    await Promise.race([began.promise, driving]);
  }

  #say(namespace: string, line: string): void {
    const lines = this.#lines.get(namespace) ?? [];
    this.#lines.set(namespace, [...lines, line].slice(-keptLines));
    this.#effects.tell(namespace, line);
  }
}

function progressText(progress: Progress): string {
  switch (progress.event) {
    case 'step':
      return `${progress.back ? 'back ' : ''}[${progress.position.step}/${progress.position.of}] ${progress.title}`;
    case 'write':
      return `${progress.write} ${formatRef(progress.resource)}`;
    case 'waiting':
      return progress.detail;
    case 'retry':
      return `again in ${progress.inMs / 1000} s: ${progress.reason}`;
    case 'proof': {
      const { verdict, rows } = progress.result;
      const proven = rows.filter((row) => row.verdict === 'PROVEN').length;
      return `${verdict}: ${proven} of ${rows.length} ports proven ${progress.mode}`;
    }
    case 'failed':
      return progress.reason;
    case 'end':
      return progress.reason === undefined ? progress.status : `${progress.status}: ${progress.reason}`;
  }
}
