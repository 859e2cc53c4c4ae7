/** Pause, resume and abort: only where the dashboard was started with --allow-changes. */
import { hostname } from 'node:os';
import { PadlockError } from '../errors.ts';
import { newBook } from '../rollout/book.ts';
import { drive } from '../rollout/drive.ts';
import { leaseHeld } from '../rollout/lease.ts';
import type { Event } from '../rollout/machine.ts';
import { isOver } from '../rollout/machine.ts';
import { meshObserver } from '../rollout/mesh-observer.ts';
import { patientCluster } from '../rollout/patient-cluster.ts';
import { isUnfinished, readRecord, type SavedRollout } from '../rollout/record.ts';
import { askToPause } from '../rollout/request.ts';
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

const keptNotes = 10;
/** The same limits as `padlock secure` has by default. */
const limits = { rollout: 300_000, load: 120_000, drain: 180_000 };
/** A run finishes the request under way before it pauses, which takes 30 s at most. */
const pauseLimitMs = 45_000;
const lookEveryMs = 500;

export class RolloutActions implements OwnDrives {
  readonly #effects: RolloutEffects;
  readonly #drives = new Map<string, Drive>();
  readonly #notes = new Map<string, string[]>();

  constructor(effects: RolloutEffects) {
    this.#effects = effects;
  }

  isDriving(namespace: string): boolean {
    return this.#drives.has(namespace);
  }

  notesOf(namespace: string): readonly string[] {
    return this.#notes.get(namespace) ?? [];
  }

  /** @throws PadlockError `USAGE` where the action has no object, and what the cluster answers */
  async act(namespace: string, action: RolloutAction): Promise<void> {
    if (action === 'pause') return this.#pause(namespace);
    const saved = await readRecord(this.#effects.cluster, namespace);
    if (saved === undefined) throw new PadlockError('USAGE', `there is no rollout of ${namespace}`);
    if (action === 'resume' && isOver(saved.state)) {
      throw new PadlockError('USAGE', `the rollout of ${namespace} is over: ${saved.state.status}`);
    }
    if (action === 'abort') await this.#pause(namespace);
    const event: Event =
      action === 'resume'
        ? { kind: 'start' }
        : { kind: 'abort', reason: 'asked for in the dashboard, as with --abort' };
    const current = (await readRecord(this.#effects.cluster, namespace)) ?? saved;
    await this.#begin(namespace, current, event);
  }

  /** Ends all drives; each pauses and says so in its record. */
  async close(): Promise<void> {
    await Promise.all([...this.#drives.keys()].map((namespace) => this.#pauseOwn(namespace)));
  }

  /** Whoever drives lets go of the Lease: a run of this dashboard at once, another one when it reads the wish. */
  async #pause(namespace: string): Promise<void> {
    if (this.#drives.has(namespace)) return this.#pauseOwn(namespace);
    const { cluster, clock } = this.#effects;
    const held = await leaseHeld(cluster, namespace, clock.now());
    if (held === undefined) return;
    await askToPause(cluster, namespace, this.#holder());
    this.#say(namespace, `asking ${held.holder} to pause`);
    const deadline = clock.now() + pauseLimitMs;
    while ((await leaseHeld(cluster, namespace, clock.now())) !== undefined) {
      if (clock.now() >= deadline) {
        throw new PadlockError(
          'ROLLOUT_FAILED',
          `${held.holder} has not paused the rollout of ${namespace} yet`,
          {
            hint: 'the wish stays: it pauses as soon as the request under way is over',
          },
        );
      }
      await clock.sleep(lookEveryMs);
    }
  }

  #holder(): string {
    return `dashboard@${hostname()}-${this.#effects.nonce()}`;
  }

  async #pauseOwn(namespace: string): Promise<void> {
    const running = this.#drives.get(namespace);
    if (running === undefined) return;
    running.stop.abort(new Error('paused in the dashboard'));
    await running.ended;
  }

  /** Resolves once the Lease is taken and the first step announced, or throws why that failed. */
  async #begin(namespace: string, saved: SavedRollout, event: Event): Promise<void> {
    const { cluster, clock } = this.#effects;
    const goesOn = event.kind === 'abort' || isUnfinished(saved.state);
    const book = goesOn ? saved.book : newBook(new Date(clock.now()).toISOString(), saved);
    const stop = new AbortController();
    const began = Promise.withResolvers<void>();
    const reads = patientCluster(cluster, { clock, signal: stop.signal, tell: () => undefined });
    const driving = drive(saved.state, event, {
      book,
      cluster: reads,
      observer: meshObserver(reads, {
        now: () => clock.now(),
        sleep: (milliseconds, signal) => clock.sleep(milliseconds, signal),
        nonce: () => this.#effects.nonce(),
      }),
      clock,
      signal: stop.signal,
      limits,
      acceptInconclusive: false,
      holder: this.#holder(),
      // What it says stands in the cluster, where every dashboard reads it.
      tell: () => began.resolve(),
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

  #say(namespace: string, note: string): void {
    const notes = this.#notes.get(namespace) ?? [];
    this.#notes.set(namespace, [...notes, note].slice(-keptNotes));
    this.#effects.tell(namespace, note);
  }
}
