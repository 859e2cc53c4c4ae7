/** What a record tells of the past: what this rollout did and when, and the rollouts before it. */
import { type RolloutState, stepNow } from './machine.ts';

export interface JournalEntry {
  /** RFC 3339. */
  readonly at: string;
  /** Who drove: `alice@laptop-3f9c1a`. */
  readonly by: string;
  readonly what: string;
}

export interface PastRollout {
  readonly startedAt: string;
  readonly endedAt: string;
  readonly status: RolloutState['status'];
  readonly until: string;
  readonly steps: number;
  readonly reason?: string;
}

export interface Book {
  /** RFC 3339. */
  readonly startedAt: string;
  /** Oldest first. */
  readonly journal: readonly JournalEntry[];
  /** Newest first. */
  readonly past: readonly PastRollout[];
}

/** A record must stay small: a rollout that is paused and taken up for weeks forgets its beginning. */
const journalMost = 300;
const pastMost = 20;

/** @param before what the record says until now, which becomes the past */
export function newBook(
  startedAt: string,
  before?: { readonly state: RolloutState; readonly savedAt: string; readonly book: Book },
): Book {
  if (before === undefined) return { startedAt, journal: [], past: [] };
  const { state, savedAt, book } = before;
  const ended: PastRollout = {
    startedAt: book.startedAt,
    endedAt: savedAt,
    status: state.status,
    until: state.plan.until,
    steps: state.plan.steps.length,
    ...(state.reason === undefined ? {} : { reason: state.reason }),
  };
  return { startedAt, journal: [], past: [ended, ...book.past].slice(0, pastMost) };
}

/** Adds an entry; the same one twice in a row is one (a step that was taken up again says so by the entry between). */
export function noted(book: Book, entry: JournalEntry): Book {
  if (book.journal.at(-1)?.what === entry.what) return book;
  return { ...book, journal: [...book.journal, entry].slice(-journalMost) };
}

/** What a state means, as a journal says it. */
export function inWords(state: RolloutState): string {
  const because = state.reason === undefined ? '' : `: ${state.reason}`;
  if (state.status !== 'running') return `${state.status}${because}`;
  const { title, position, back } = stepNow(state);
  return `${back ? 'back ' : 'step '}${position.step} of ${position.of}: ${title}`;
}
