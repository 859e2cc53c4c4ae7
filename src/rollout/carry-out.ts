/** Carries out the machine's effects through the Cluster port. Each may be repeated; each ends in an event, never in an exception that the machine would not hear of. */
import { PadlockError } from '../errors.ts';
import type { ObjectRef } from '../istio/kubernetes.ts';
import type { Cluster } from '../sources/cluster.ts';
import { parseRetryAfter } from '../sources/kube/retry.ts';
import { statusMessage } from '../sources/kube/status.ts';
import { budgetsType, whyNoDisruption } from './budgets.ts';
import type { Effect, Event } from './machine.ts';
import type { Loading, Observer } from './observer.ts';
import { awayEveryMs, isOutOfReach, outOfReachMs } from './patient-cluster.ts';
import type { Plan, Proof, Until, Watch } from './plan.ts';
import type { Progress } from './progress.ts';
import { podSelector, rolledOut } from './rolled-out.ts';
import type { Traffic } from './traffic.ts';
import { type Memory, mark, watchTraffic } from './watch.ts';
import { judgeAnswer, mayRetry, refOf, requestFor, resourceOf, type Write } from './write.ts';

export interface Timing {
  now(): number;
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
  /** From 0 to 1; `Math.random` when absent. */
  random?(): number;
}

export interface World {
  readonly cluster: Cluster;
  readonly observer: Observer;
  readonly clock: Timing;
  /** Ctrl-C, or the Lease was lost; the reason says which. */
  readonly signal: AbortSignal;
  readonly tell: (progress: Progress) => void;
  /** Hears each measurement of live traffic, those within a window too. */
  readonly measured?: (watch: Watch, traffic: Traffic) => void;
  /**
   * How long one workload may take to roll out, all proxies to load one policy, and connections to drain, in
   * milliseconds.
   */
  readonly limits: { readonly rollout: number; readonly load: number; readonly drain: number };
  /** Go on where a proof comes out INCONCLUSIVE. */
  readonly acceptInconclusive: boolean;
}

/** The effects that have an outcome. */
export type Task = Extract<Effect, { readonly kind: 'mark' | 'write' | 'await' | 'watch' | 'prove' }>;

const lookEveryMs = 300;
/**
 * Waits between tries of a write: some ten seconds in all, then the rollout pauses; a server that is out of reach is
 * waited for longer. Each is spread by half of itself.
 */
const retryWaitsMs = [200, 400, 800, 1600, 3000, 4000] as const;

/** Carries out one effect. Ctrl-C and an API server that is out of reach pause; what the server refuses is a failure. */
export async function carryOut(task: Task, plan: Plan, world: World, memory: Memory): Promise<Event> {
  try {
    world.signal.throwIfAborted();
    switch (task.kind) {
      case 'mark':
        return await mark(plan, world, memory);
      case 'write':
        await send(task.write, world);
        return { kind: 'done' };
      case 'await':
        return await awaitCondition(task.until, plan, world);
      case 'watch':
        return await watchTraffic(task.watch, task.baseline, plan, world, memory);
      case 'prove':
        return await prove(task.proof, plan, world);
    }
  } catch (error) {
    return eventOf(error, world);
  }
}

function eventOf(error: unknown, world: World): Event {
  if (world.signal.aborted) return { kind: 'stopped', reason: stopReason(world.signal) };
  if (!(error instanceof PadlockError)) throw error;
  // Out of reach is no verdict on the plan, and nothing could be taken back either.
  const unreachable = error.code === 'CLUSTER_UNREACHABLE' || error.code === 'CLUSTER_REQUEST_FAILED';
  return { kind: unreachable ? 'stopped' : 'failed', reason: error.message };
}

export function stopReason(signal: AbortSignal): string {
  return signal.reason instanceof Error ? signal.reason.message : 'stopped';
}

/**
 * Sends one write, again where the server or the way to it may be better in a moment.
 * @throws PadlockError for an answer that is final
 */
export async function send(
  write: Write,
  world: Pick<World, 'cluster' | 'clock' | 'signal' | 'tell'>,
): Promise<void> {
  const { clock } = world;
  const { random = Math.random } = clock;
  const began = clock.now();
  for (let attempt = 0; ; attempt++) {
    const planned = retryWaitsMs[attempt];
    const isAwayTooLong = clock.now() - began >= outOfReachMs;
    const problem = await trySend(write, world, planned === undefined, isAwayTooLong);
    if (problem === undefined) break;
    const wait = planned ?? awayEveryMs;
    // What the server asks for is the least; many who were told the same second do not come back together.
    const inMs = Math.round(problem.askedMs + wait * (0.5 + random()));
    world.tell({ event: 'retry', reason: problem.reason, inMs });
    await clock.sleep(inMs, world.signal);
  }
  world.tell({ event: 'write', write: write.kind, resource: refOf(write.manifest) });
}

interface Problem {
  readonly reason: string;
  /** How long the server asked to be left alone. */
  readonly askedMs: number;
}

/** More than half a minute is not waited for: the rollout pauses before that. */
const longestAskedMs = 30_000;

/**
 * @param last what the server answers now is final
 * @param lastAway so is its silence
 * @returns why another try makes sense, or undefined where the write stands
 */
async function trySend(
  write: Write,
  world: Pick<World, 'cluster' | 'clock' | 'signal'>,
  last: boolean,
  lastAway: boolean,
): Promise<Problem | undefined> {
  try {
    const request = { ...requestFor(write), signal: world.signal, retry: 'none' } as const;
    const answer = await world.cluster.raw(request);
    const message = answer.status < 300 ? '' : statusMessage(answer.body);
    // A forced apply conflicts only with a write of the same moment, so the next try wins.
    if ((mayRetry(answer.status) || answer.status === 409) && !last) {
      const askedMs = parseRetryAfter(answer.headers['retry-after'], world.clock.now()) ?? 0;
      const reason = `HTTP ${answer.status} ${message}`.trim();
      return { reason, askedMs: Math.min(askedMs, longestAskedMs) };
    }
    judgeAnswer(write, answer.status, message);
    return undefined;
  } catch (error) {
    if ((last && lastAway) || !isOutOfReach(error)) throw error;
    return { reason: error.message, askedMs: 0 };
  }
}

async function awaitCondition(until: Until, plan: Plan, world: World): Promise<Event> {
  switch (until.kind) {
    case 'rolled-out':
      return awaitRollout(until.workload, until.sidecar, world);
    case 'disruption-allowed':
      return awaitBudget(until.budget, world);
    case 'loaded':
      return awaitLoaded(until, plan, world);
    case 'drained':
      return awaitDrained(plan, world);
  }
}

async function awaitBudget(ref: ObjectRef, world: World): Promise<Event> {
  const { cluster, clock } = world;
  const deadline = clock.now() + world.limits.rollout;
  const say = onChange(world);
  for (;;) {
    const why = whyNoDisruption(await cluster.get(budgetsType, ref.namespace, ref.name));
    if (why === undefined) return { kind: 'done' };
    if (clock.now() >= deadline) return { kind: 'failed', reason: why };
    say(why);
    await clock.sleep(lookEveryMs, world.signal);
  }
}

async function awaitRollout(ref: ObjectRef, sidecar: boolean, world: World): Promise<Event> {
  const { cluster, clock } = world;
  const deadline = clock.now() + world.limits.rollout;
  const say = onChange(world);
  for (;;) {
    const workload = await cluster.get(resourceOf(ref.kind), ref.namespace, ref.name);
    // Deleted meanwhile: there is nothing left to roll out, and nothing that would break.
    if (workload === undefined) return { kind: 'done' };
    const { items: pods } = await cluster.list(podsType, {
      ...(ref.namespace === undefined ? {} : { namespace: ref.namespace }),
      labelSelector: podSelector(workload),
      signal: world.signal,
    });
    const state = rolledOut(workload, pods.filter(isLive), sidecar);
    if (state.kind === 'yes') return { kind: 'done' };
    if (state.kind === 'never') return { kind: 'failed', reason: `${ref.kind} ${ref.name}: ${state.reason}` };
    if (clock.now() >= deadline) {
      return { kind: 'failed', reason: `${ref.kind} ${ref.name} did not roll out in time: ${state.detail}` };
    }
    say(`${ref.kind} ${ref.name}: ${state.detail}`);
    await clock.sleep(lookEveryMs, world.signal);
  }
}

const podsType = { group: '', version: 'v1', plural: 'pods', namespaced: true } as const;

function isLive(pod: { readonly [field: string]: unknown }): boolean {
  const { status } = pod;
  const phase = typeof status === 'object' && status !== null && 'phase' in status ? status.phase : undefined;
  return phase !== 'Succeeded' && phase !== 'Failed';
}

async function awaitLoaded(until: Loading, plan: Plan, world: World): Promise<Event> {
  const { clock } = world;
  const deadline = clock.now() + world.limits.load;
  const look = world.observer.loading(plan, until);
  const say = onChange(world);
  for (;;) {
    const pending = await look(world.signal);
    if (pending.length === 0) return { kind: 'done' };
    const [first] = pending;
    const more = pending.length > 1 ? ` and ${pending.length - 1} more` : '';
    const detail = `${first?.pod}${more}: ${first?.detail}`;
    if (clock.now() >= deadline) {
      return { kind: 'failed', reason: `not every proxy loaded the change in time: ${detail}` };
    }
    say(`waiting for ${detail}`);
    await clock.sleep(lookEveryMs, world.signal);
  }
}

/** Old connections end by themselves: one that outlives Envoy's drain time is said, and is no failure of the step. */
async function awaitDrained(plan: Plan, world: World): Promise<Event> {
  const { clock, observer } = world;
  const deadline = clock.now() + world.limits.drain;
  const say = onChange(world);
  for (;;) {
    const pending = await observer.draining(plan, world.signal);
    if (pending.length === 0) return { kind: 'done' };
    const detail = pending.map(({ pod, detail: what }) => `${pod}: ${what}`).join('; ');
    if (clock.now() >= deadline) {
      return { kind: 'unclear', reason: `connections from before STRICT are open still: ${detail}` };
    }
    say(detail);
    await clock.sleep(lookEveryMs, world.signal);
  }
}

async function prove(proof: Proof, plan: Plan, world: World): Promise<Event> {
  const result = await world.observer.prove(plan, proof, world.signal);
  world.tell({ event: 'proof', mode: proof.mode, result });
  const worst = result.rows.find((row) => row.verdict === result.verdict);
  const detail =
    worst === undefined ? 'there was nothing to probe' : `${worst.workload}:${worst.port} ${worst.detail}`;
  switch (result.verdict) {
    case 'PROVEN':
      return { kind: 'done', proof: result };
    case 'FAILED':
      return { kind: 'failed', reason: `${proof.mode} is not what happens: ${detail}` };
    case 'INCONCLUSIVE':
      return world.acceptInconclusive
        ? { kind: 'done', proof: result }
        : { kind: 'unclear', reason: `${proof.mode} could not be proven: ${detail}` };
  }
}

function onChange(world: World): (detail: string) => void {
  let last = '';
  return (detail) => {
    if (detail !== last) world.tell({ event: 'waiting', detail });
    last = detail;
  };
}
