/**
 * The rollout as a pure machine: `step(state, event)` answers with the next state and with effects as data. The state is
 * saved before anything is written, so a rollout can be picked up after a crash at any point, by anyone: every effect
 * may be carried out twice.
 */
import type { ProofResult } from './observer.ts';
import { type BackStep, type Plan, type Proof, type Until, type Watch, wayBack } from './plan.ts';
import type { Baseline } from './traffic.ts';
import type { Write } from './write.ts';

/** `stuck`: going back, something could not be restored; a person must look. */
export type Status = 'running' | 'paused' | 'done' | 'rolled-back' | 'stuck';

export interface RolloutState {
  readonly plan: Plan;
  readonly status: Status;
  readonly direction: 'forward' | 'back';
  /** Forward: the step being taken. Back: the step from which the way back began. */
  readonly reached: number;
  /** Back: the position on `wayBack(plan, reached)`. */
  readonly back: number;
  readonly phase: Phase;
  /** Why it paused or went back. */
  readonly reason?: string;
  /** On the way back: what could not be restored. */
  readonly unrestored: readonly string[];
  /** How much failed when nothing had been changed yet, or before STRICT. */
  readonly baseline?: Baseline;
  /** The newest proof. */
  readonly proof?: ProofResult;
}

/** Within a step: noting how things are, its writes in order, then waiting, then watching live traffic, then proving. */
export type Phase =
  | { readonly name: 'mark' }
  | { readonly name: 'write'; readonly index: number }
  | { readonly name: 'await' }
  | { readonly name: 'watch' }
  | { readonly name: 'prove' };

export type Event =
  /** A first start, or one that picks up a saved state. */
  | { readonly kind: 'start' }
  /** The last effect came to its end as wanted. */
  | { readonly kind: 'done'; readonly baseline?: Baseline; readonly proof?: ProofResult }
  /** The last effect failed and trying again is no use. */
  | { readonly kind: 'failed'; readonly reason: string }
  /** A proof or a watch that came out neither way, or showed what nobody has been harmed by yet. */
  | { readonly kind: 'unclear'; readonly reason: string }
  /** Ctrl-C, or the Lease was lost. */
  | { readonly kind: 'stopped'; readonly reason: string }
  /** A person wants back what stood before. */
  | { readonly kind: 'abort'; readonly reason: string };

export type Effect =
  /** Save this state in the cluster. */
  | { readonly kind: 'save' }
  | { readonly kind: 'begin'; readonly title: string; readonly back: boolean; readonly position: Position }
  /** Note how much traffic there is, for the step's watch. */
  | { readonly kind: 'mark' }
  | { readonly kind: 'write'; readonly write: Write }
  | { readonly kind: 'await'; readonly until: Until }
  | { readonly kind: 'watch'; readonly watch: Watch; readonly baseline?: Baseline }
  | { readonly kind: 'prove'; readonly proof: Proof }
  | { readonly kind: 'finish' };

export interface Position {
  /** 1-based. */
  readonly step: number;
  readonly of: number;
}

export interface Transition {
  readonly state: RolloutState;
  /** To be carried out in order. The outcome of the last one that is not `save`, `begin` or `finish` is the next event. */
  readonly effects: readonly Effect[];
}

/** @returns the state before anything has happened. */
export function initialState(plan: Plan): RolloutState {
  return {
    plan,
    status: 'running',
    direction: 'forward',
    reached: 0,
    back: 0,
    phase: { name: 'mark' },
    unrestored: [],
  };
}

/** True where nothing more will happen by itself: `start` on such a state only finishes again. */
export function isOver(state: RolloutState): boolean {
  return state.status === 'done' || state.status === 'rolled-back' || state.status === 'stuck';
}

/** The machine. Total: every event in every state has an answer. */
export function step(state: RolloutState, event: Event): Transition {
  if (event.kind === 'abort') {
    if (state.status === 'rolled-back') return finished(state);
    return turnBack({ ...state, unrestored: [] }, event.reason);
  }
  if (isOver(state)) return finished(state);
  switch (event.kind) {
    case 'start':
      return enter(running(state));
    case 'done':
      return advance(learned(state, event));
    case 'stopped':
      return finished({ ...state, status: 'paused', reason: event.reason });
    case 'unclear':
      return state.direction === 'forward'
        ? finished({ ...state, status: 'paused', reason: event.reason })
        : advance(state);
    case 'failed':
      return state.direction === 'forward' ? turnBack(state, event.reason) : goOnBack(state, event.reason);
  }
}

/** A resumed state keeps the reason for which it goes back, and drops the one for which it paused. */
function running(state: RolloutState): RolloutState {
  const { reason, ...rest } = state;
  return {
    ...rest,
    ...(state.direction === 'back' && reason !== undefined ? { reason } : {}),
    status: 'running',
  };
}

function learned(state: RolloutState, { baseline, proof }: Extract<Event, { kind: 'done' }>): RolloutState {
  return {
    ...state,
    ...(baseline === undefined ? {} : { baseline }),
    ...(proof === undefined ? {} : { proof }),
  };
}

function finished(state: RolloutState): Transition {
  return { state, effects: [{ kind: 'save' }, { kind: 'finish' }] };
}

function turnBack(state: RolloutState, reason: string): Transition {
  // Asked to go back while going back: the way is walked again from its start, which harms nothing.
  return enter({
    ...state,
    status: 'running',
    direction: 'back',
    back: 0,
    phase: { name: 'mark' },
    reason,
  });
}

/** On the way back nothing stops: what fails is noted, and the rest is restored all the same. */
function goOnBack(state: RolloutState, reason: string): Transition {
  const title = currentStep(state)?.title ?? '';
  const missed =
    state.phase.name === 'write' ? [...state.unrestored, `${title}: ${reason}`] : state.unrestored;
  return advance({ ...state, unrestored: missed });
}

type AnyStep = BackStep & { readonly proof?: Proof; readonly watch?: Watch };

function steps(state: RolloutState): readonly AnyStep[] {
  return state.direction === 'forward' ? state.plan.steps : wayBack(state.plan, state.reached);
}

function currentStep(state: RolloutState): AnyStep | undefined {
  return steps(state)[state.direction === 'forward' ? state.reached : state.back];
}

/** Takes up a step: saves, announces it, and begins with the first phase at or after the state's that has something to do. */
function enter(state: RolloutState): Transition {
  const current = currentStep(state);
  if (current === undefined) return finished({ ...state, status: endOf(state) });
  for (let phase: Phase | undefined = state.phase; phase !== undefined; phase = nextPhase(current, phase)) {
    const effect = effectOf(current, phase, state);
    if (effect === undefined) continue;
    const there = { ...state, phase };
    return { state: there, effects: [{ kind: 'save' }, announce(there, current), effect] };
  }
  return enter(nextStep(state));
}

/** To the next phase that has something to do, or to the next step. */
function advance(state: RolloutState): Transition {
  const current = currentStep(state);
  if (current === undefined) return enter(state);
  for (let phase = nextPhase(current, state.phase); phase !== undefined; phase = nextPhase(current, phase)) {
    const effect = effectOf(current, phase, state);
    // A phase needs no save of its own: a step that is picked up again starts where it was saved.
    if (effect !== undefined) return { state: { ...state, phase }, effects: [effect] };
  }
  return enter(nextStep(state));
}

function announce(state: RolloutState, current: AnyStep): Effect {
  const back = state.direction === 'back';
  const position = { step: (back ? state.back : state.reached) + 1, of: steps(state).length };
  return { kind: 'begin', title: current.title, back, position };
}

/** The step under way, for people. */
export function stepNow(state: RolloutState): {
  readonly title: string;
  readonly position: Position;
  readonly back: boolean;
} {
  const back = state.direction === 'back';
  const all = steps(state);
  const index = back ? state.back : state.reached;
  return {
    title: all[index]?.title ?? 'its end',
    position: { step: Math.min(index + 1, all.length), of: all.length },
    back,
  };
}

function nextStep(state: RolloutState): RolloutState {
  const phase: Phase = { name: 'mark' };
  return state.direction === 'forward'
    ? { ...state, reached: state.reached + 1, phase }
    : { ...state, back: state.back + 1, phase };
}

function endOf(state: RolloutState): Status {
  if (state.direction === 'forward') return 'done';
  return state.unrestored.length === 0 ? 'rolled-back' : 'stuck';
}

function effectOf(current: AnyStep, phase: Phase, { baseline }: RolloutState): Effect | undefined {
  switch (phase.name) {
    case 'mark':
      return current.watch?.kind === 'harm' ? { kind: 'mark' } : undefined;
    case 'write': {
      const write = current.writes[phase.index];
      return write === undefined ? undefined : { kind: 'write', write };
    }
    case 'await':
      return current.until === undefined ? undefined : { kind: 'await', until: current.until };
    case 'watch':
      if (current.watch === undefined) return undefined;
      return { kind: 'watch', watch: current.watch, ...(baseline === undefined ? {} : { baseline }) };
    case 'prove':
      return current.proof === undefined ? undefined : { kind: 'prove', proof: current.proof };
  }
}

function firstWrite({ writes }: AnyStep): Phase {
  return writes.length === 0 ? { name: 'await' } : { name: 'write', index: 0 };
}

function nextPhase(current: AnyStep, phase: Phase): Phase | undefined {
  if (phase.name === 'mark') return firstWrite(current);
  if (phase.name === 'write') {
    const index = phase.index + 1;
    return index < current.writes.length ? { name: 'write', index } : { name: 'await' };
  }
  if (phase.name === 'await') return { name: 'watch' };
  return phase.name === 'watch' ? { name: 'prove' } : undefined;
}
