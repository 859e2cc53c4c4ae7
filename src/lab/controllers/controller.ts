/**
 * How every controller runs: changes name keys, keys wait in a queue, and each is reconciled against what the API
 * server holds then. Nothing polls: a key comes back by a change, by a time it asked for, or because it failed.
 */
import type { Api, Change, ResourceName } from '../api/api.ts';
import { ApiStatus } from '../api/status.ts';

/** What a reconciliation may ask for: to be called again after so many milliseconds. */
export interface Again {
  readonly afterMilliseconds: number;
}

export interface Controller {
  /** As the field manager and in the log: `deployment-controller`. */
  readonly name: string;
  readonly watches: readonly ResourceName[];
  /** The keys that must be looked at after a change; what a key means is the controller's business. */
  keysOf(change: Change): readonly string[];
  /** Brings the world nearer to what the key's object wants. Called again after every relevant change. */
  reconcile(key: string): Again | undefined;
}

export interface ControllerEnvironment {
  readonly api: Api;
  /** Where a controller that failed says so; the key is tried again. */
  readonly onError: (controller: string, key: string, error: unknown) => void;
}

/** A slice of work between two turns of the event loop, so that traffic and watches go on meanwhile. */
const sliceMilliseconds = 8;
const firstRetry = 20;
const longestRetry = 5_000;

/** Starts a controller. @returns the function that stops it. */
export function runController(environment: ControllerEnvironment, controller: Controller): () => void {
  const { api, onError } = environment;
  const queue = new Set<string>();
  const failures = new Map<string, number>();
  const timers = new Map<string, NodeJS.Timeout>();
  let turn: NodeJS.Immediate | undefined;
  let stopped = false;

  const add = (key: string): void => {
    if (stopped) return;
    queue.add(key);
    turn ??= setImmediate(work);
  };
  const later = (key: string, milliseconds: number): void => {
    clearTimeout(timers.get(key));
    timers.set(
      key,
      setTimeout(() => {
        timers.delete(key);
        add(key);
      }, milliseconds),
    );
  };
  const one = (key: string): void => {
    try {
      const again = controller.reconcile(key);
      failures.delete(key);
      if (again !== undefined) later(key, again.afterMilliseconds);
    } catch (error) {
      const count = (failures.get(key) ?? 0) + 1;
      failures.set(key, count);
      // The object changed or went while this looked at it: everyday life, look again.
      const expected = error instanceof ApiStatus && /Conflict|NotFound|AlreadyExists/.test(error.reason);
      if (!expected || count > 5) onError(controller.name, key, error);
      later(key, Math.min(longestRetry, firstRetry * 2 ** (count - 1)));
    }
  };
  function work(): void {
    turn = undefined;
    const end = performance.now() + sliceMilliseconds;
    for (const key of queue) {
      if (stopped) return;
      queue.delete(key);
      one(key);
      if (performance.now() >= end) break;
    }
    if (queue.size > 0) turn ??= setImmediate(work);
  }

  const unwatch = api.watch(
    controller.watches,
    (change) => {
      for (const key of controller.keysOf(change)) add(key);
    },
    { initial: true },
  );
  return () => {
    stopped = true;
    unwatch();
    if (turn !== undefined) clearImmediate(turn);
    for (const timer of timers.values()) clearTimeout(timer);
    queue.clear();
  };
}
