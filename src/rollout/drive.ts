/** Drives a rollout: asks the machine, carries out what it says, under a Lease that is renewed all the while. */
import { PadlockError } from '../errors.ts';
import { type Book, inWords, newBook, noted } from './book.ts';
import { carryOut, send, type Task, type World } from './carry-out.ts';
import { acquireLease, type LeaseHolder, releaseLease, renewEveryMs, renewLease } from './lease.ts';
import { LiveView } from './live.ts';
import { keepLive, readLive } from './live-record.ts';
import { type Event, type RolloutState, step } from './machine.ts';
import { awayEveryMs, outOfReachMs } from './patient-cluster.ts';
import { recordWrite } from './record.ts';
import { clearRequest, pauseRequest } from './request.ts';
import type { Memory } from './watch.ts';

export interface DriveOptions extends Omit<World, 'signal'> {
  /** Ctrl-C. */
  readonly signal: AbortSignal;
  /** Who drives, for the Lease and the journal. */
  readonly holder: string;
  /** What the record told of the past; a new one when absent. */
  readonly book?: Book;
}

/** How often the record is looked at for somebody's wish to pause. */
const heedEveryMs = 2_500;

/**
 * Drives from a state until the rollout is over or paused.
 * @param event `start`, or `abort` to go back
 * @returns the last state, which is also the one in the record
 * @throws PadlockError where the Lease is held by another run, or the record cannot be written before anything else is
 */
export async function drive(
  initial: RolloutState,
  event: Event,
  options: DriveOptions,
): Promise<RolloutState> {
  const { cluster, clock, holder } = options;
  const lease: LeaseHolder = {
    cluster,
    namespace: initial.plan.namespace,
    holder,
    now: () => clock.now(),
  };
  await acquireLease(lease);
  const lost = new AbortController();
  const ended = new AbortController();
  const renewing = keepLease(lease, options, lost, ended.signal);
  const heeding = heedRequests(lease, options, lost, ended.signal);
  const book = options.book ?? newBook(new Date(clock.now()).toISOString());
  let telling: Promise<void> | undefined;
  try {
    // A wish of before this run is none to pause it.
    await clearRequest(cluster, initial.plan.namespace);
    const before = await readLive(cluster, initial.plan.namespace);
    const live = new LiveView(holder, book.startedAt, () => clock.now(), before);
    const journal: Journal = { book, by: holder, isSaved: false };
    const { namespace } = initial.plan;
    telling = keepLive(live, { cluster, clock, namespace, isSaved: () => journal.isSaved }, ended.signal);
    return await turn(initial, event, {
      ...options,
      tell: (progress) => {
        live.hear(progress);
        options.tell(progress);
      },
      measured: (watch, traffic) => live.measured(watch, traffic),
      signal: AbortSignal.any([options.signal, lost.signal]),
      journal,
      live,
    });
  } finally {
    ended.abort();
    await Promise.all([renewing, heeding, telling]);
    await giveBack(lease, options);
  }
}

/** The journal grows while the run goes on. */
interface Journal {
  book: Book;
  readonly by: string;
  /** The record was written at least once. */
  isSaved: boolean;
}

type DrivenWorld = World & { readonly journal: Journal; readonly live: LiveView };

async function turn(initial: RolloutState, first: Event, world: DrivenWorld): Promise<RolloutState> {
  let state = initial;
  let event = first;
  const memory: Memory = {};
  note(world, beginning(first, world.journal.book));
  for (let begun = false; ; begun = true) {
    const transition = step(state, event);
    state = transition.state;
    for (const effect of transition.effects) {
      switch (effect.kind) {
        case 'save': {
          const problem = await save(state, world);
          if (problem === undefined) break;
          if (!begun) throw problem;
          return end(
            { ...state, status: 'paused', reason: `the record cannot be saved: ${problem.message}` },
            world,
          );
        }
        case 'begin':
          world.tell({ event: 'step', title: effect.title, back: effect.back, position: effect.position });
          break;
        case 'finish':
          return end(state, world);
        default:
          world.live.begin(effect.kind);
          event = await carryOutTold(effect, state, world, memory);
      }
    }
  }
}

function beginning(event: Event, { journal }: Book): string {
  if (event.kind === 'abort') return `taking back: ${event.reason}`;
  return journal.length === 0 ? 'begun' : 'taken up again';
}

function note({ clock, journal }: DrivenWorld, what: string): void {
  journal.book = noted(journal.book, { at: new Date(clock.now()).toISOString(), by: journal.by, what });
}

function end(state: RolloutState, world: World): RolloutState {
  const { status, reason } = state;
  world.tell({ event: 'end', status, ...(reason === undefined ? {} : { reason }) });
  return state;
}

async function carryOutTold(task: Task, state: RolloutState, world: World, memory: Memory): Promise<Event> {
  const event = await carryOut(task, state.plan, world, memory);
  if (event.kind === 'failed') world.tell({ event: 'failed', reason: event.reason });
  return event;
}

/**
 * Saves even after Ctrl-C: what stands must be on record.
 * @returns why the record could not be written, or undefined
 */
async function save(state: RolloutState, world: DrivenWorld): Promise<PadlockError | undefined> {
  const savedAt = new Date(world.clock.now()).toISOString();
  const never = new AbortController().signal;
  note(world, inWords(state));
  try {
    await send(recordWrite(state, savedAt, world.journal.book), {
      ...world,
      signal: never,
      tell: () => undefined,
    });
    world.journal.isSaved = true;
    return undefined;
  } catch (error) {
    if (error instanceof PadlockError) return error;
    throw error;
  }
}

/** Renews until `ended`; a Lease that another run took, or that could not be renewed in time, stops the rollout. */
async function keepLease(
  lease: LeaseHolder,
  { clock }: Pick<DriveOptions, 'clock'>,
  lost: AbortController,
  ended: AbortSignal,
): Promise<void> {
  let renewedAt = clock.now();
  let inMs = renewEveryMs;
  while (!ended.aborted) {
    try {
      await clock.sleep(inMs, ended);
      if (!(await renewLease(lease))) {
        lost.abort(new Error('another run took the Lease'));
        return;
      }
      renewedAt = clock.now();
      inMs = renewEveryMs;
    } catch (error) {
      if (ended.aborted) return;
      if (!(error instanceof PadlockError)) {
        lost.abort(error);
        return;
      }
      if (clock.now() - renewedAt >= outOfReachMs) {
        lost.abort(new Error(`the Lease could not be renewed: ${error.message}`));
        return;
      }
      inMs = awayEveryMs;
    }
  }
}

/** Until `ended`: pauses where somebody asks for it (`padlock rollout pause`). */
async function heedRequests(
  { cluster, namespace }: LeaseHolder,
  { clock }: Pick<DriveOptions, 'clock'>,
  lost: AbortController,
  ended: AbortSignal,
): Promise<void> {
  while (!ended.aborted && !lost.signal.aborted) {
    try {
      await clock.sleep(heedEveryMs, ended);
      const asked = await pauseRequest(cluster, namespace);
      if (asked === undefined) continue;
      lost.abort(new Error(asked));
    } catch (error) {
      if (ended.aborted) return;
      // A record that cannot be read now is read again; the rollout's own requests say what is wrong with the cluster.
      if (error instanceof PadlockError) continue;
      lost.abort(error);
    }
  }
}

/** A Lease that cannot be given back runs out by itself; the rollout's own outcome matters more. */
async function giveBack(lease: LeaseHolder, options: DriveOptions): Promise<void> {
  try {
    await releaseLease(lease);
  } catch (error) {
    if (!(error instanceof PadlockError)) throw error;
    options.tell({ event: 'waiting', detail: `the Lease runs out by itself: ${error.message}` });
  }
}
