import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { KubeObject } from '../istio/kubernetes.ts';
import { type Effect, type Event, initialState, isOver, type RolloutState, step } from './machine.ts';
import { type Plan, type Step, type StepKind, wayBack } from './plan.ts';
import type { Write } from './write.ts';

/** A cluster reduced to what matters here: which manifest was applied last under which name. */
type World = Map<string, string>;

function manifest(name: string, value: string): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'shop' }, data: { value } };
}

function carryOut(world: World, write: Write): void {
  const { name } = write.manifest.metadata;
  if (write.kind === 'delete') world.delete(name);
  else world.set(name, JSON.stringify(write.manifest));
}

/** A plan whose steps write into a world and know how to undo it, whatever the order of their kinds. */
function planOf(kinds: readonly StepKind[], writesEach: number, before: ReadonlySet<number>): Plan {
  let serial = 0;
  const steps = kinds.map((kind, at): Step => {
    const pairs = Array.from({ length: writesEach }, () => {
      const id = serial++;
      const name = `object-${id}`;
      const undo: Write = before.has(id)
        ? { kind: 'apply', manifest: manifest(name, 'before') }
        : { kind: 'delete', manifest: manifest(name, '') };
      const write: Write = { kind: 'apply', manifest: manifest(name, 'after') };
      return { write, undo };
    });
    return {
      kind,
      stage: 'strict',
      title: `step ${at}`,
      writes: pairs.map((pair) => pair.write),
      ...(at % 2 === 0 ? { until: { kind: 'loaded', clients: false } } : {}),
      ...(at % 3 === 0 ? { proof: { mode: 'STRICT' } } : {}),
      undo: { writes: pairs.map((pair) => pair.undo), until: { kind: 'loaded', clients: false } },
    };
  });
  return {
    namespace: 'shop',
    workloads: [],
    until: 'strict',
    maxErrors: { kind: 'count', value: 0 },
    steps,
    leftOut: [],
  };
}

function worldBefore(before: ReadonlySet<number>): World {
  const world: World = new Map();
  for (const id of before) world.set(`object-${id}`, JSON.stringify(manifest(`object-${id}`, 'before')));
  return world;
}

type Fault =
  | 'none'
  /** The process dies before the effect reaches the cluster, or right after it. */
  | 'crash-before'
  | 'crash-after'
  /** The answer is an error; the write may have happened all the same. */
  | 'fail-before'
  | 'fail-after'
  | 'unclear'
  | 'stopped';

interface Run {
  readonly state: RolloutState;
  readonly world: World;
  readonly failedWritesBack: number;
}

/** Drives the machine through faults; when they are used up everything goes well. */
function drive(plan: Plan, world: World, faults: readonly Fault[]): Run {
  const left = [...faults];
  let saved: RolloutState = initialState(plan);
  let state = saved;
  let event: Event = { kind: 'start' };
  let failedWritesBack = 0;
  for (let turns = 0; turns < 10_000; turns++) {
    const transition = step(state, event);
    state = transition.state;
    if (transition.effects.some((effect) => effect.kind === 'save'))
      saved = JSON.parse(JSON.stringify(state));
    if (isOver(state)) return { state, world, failedWritesBack };
    const task = transition.effects.at(-1) ?? { kind: 'finish' };
    if (task.kind === 'finish') {
      event = { kind: 'start' };
      continue;
    }
    const fault = left.shift() ?? 'none';
    if (task.kind === 'write' && happens(fault)) carryOut(world, task.write);
    event = eventOf(task, fault);
    if (event.kind === 'failed' && task.kind === 'write' && state.direction === 'back') failedWritesBack++;
    // A dead process leaves what was saved; the next one begins there.
    if (fault.startsWith('crash')) [state, event] = [saved, { kind: 'start' }];
  }
  throw new Error('the machine does not come to an end');
}

/** Whether the cluster gets to see the write. */
function happens(fault: Fault): boolean {
  return fault !== 'crash-before' && fault !== 'fail-before' && fault !== 'stopped';
}

function eventOf(effect: Effect, fault: Fault): Event {
  if (fault.startsWith('fail')) return { kind: 'failed', reason: `${effect.kind} failed` };
  if (fault === 'unclear' && effect.kind === 'prove')
    return { kind: 'unclear', reason: 'nobody could probe' };
  if (fault === 'stopped') return { kind: 'stopped', reason: 'Ctrl-C' };
  return { kind: 'done' };
}

const stepKinds = fc.array(fc.constantFrom<StepKind>('policy', 'label', 'restart'), {
  minLength: 1,
  maxLength: 5,
});
const befores = fc.uniqueArray(fc.nat(9)).map((ids) => new Set(ids));

test('whatever crashes, fails or stops it, a rollout ends either done or with everything as it was', () => {
  fc.assert(
    fc.property(
      stepKinds,
      fc.integer({ min: 0, max: 2 }),
      befores,
      fc.array(
        fc.constantFrom<Fault>(
          'none',
          'none',
          'crash-before',
          'crash-after',
          'fail-before',
          'fail-after',
          'unclear',
          'stopped',
        ),
        { maxLength: 30 },
      ),
      (kinds, writesEach, wanted, faults) => {
        const before = new Set([...wanted].filter((id) => id < kinds.length * writesEach));
        const plan = planOf(kinds, writesEach, before);
        const { state, world, failedWritesBack } = drive(plan, worldBefore(before), faults);
        if (state.status === 'done') {
          for (const { writes } of plan.steps) {
            for (const write of writes)
              expect(world.get(write.manifest.metadata.name)).toBe(JSON.stringify(write.manifest));
          }
        } else if (state.status === 'rolled-back') {
          expect(world).toEqual(worldBefore(before));
          expect(state.reason).toBeDefined();
        } else {
          expect(state.status).toBe('stuck');
          expect(failedWritesBack).toBeGreaterThan(0);
          expect(state.unrestored.length).toBeGreaterThan(0);
        }
      },
    ),
    { numRuns: 2000 },
  );
});

test('every single crash point of a plan is survived: before and after each effect', () => {
  const kinds: readonly StepKind[] = ['label', 'restart', 'restart', 'policy', 'policy'];
  const before = new Set([0, 3]);
  for (const crash of ['crash-before', 'crash-after'] as const) {
    for (let at = 0; at < 30; at++) {
      const faults = [...Array.from({ length: at }, (): Fault => 'none'), crash];
      const { state, world } = drive(planOf(kinds, 2, before), worldBefore(before), faults);
      expect(state.status).toBe('done');
      expect(world.size).toBe(10);
    }
  }
});

test('every single failing write leads back to what stood before', () => {
  const kinds: readonly StepKind[] = ['label', 'restart', 'policy'];
  for (const fault of ['fail-before', 'fail-after'] as const) {
    for (let at = 0; at < 7; at++) {
      const faults = [...Array.from({ length: at }, (): Fault => 'none'), fault];
      const { state, world } = drive(planOf(kinds, 2, new Set([1])), worldBefore(new Set([1])), faults);
      expect(state.status).toBe('rolled-back');
      expect(world).toEqual(worldBefore(new Set([1])));
    }
  }
});

test('a paused rollout that is aborted goes back, and aborting twice changes nothing more', () => {
  const plan = planOf(['policy', 'policy'], 1, new Set());
  const world = worldBefore(new Set());
  const first = step(initialState(plan), { kind: 'start' });
  for (const effect of first.effects) if (effect.kind === 'write') carryOut(world, effect.write);
  const paused = step(first.state, { kind: 'stopped', reason: 'Ctrl-C' });
  expect(paused.state).toMatchObject({ status: 'paused', reason: 'Ctrl-C', reached: 0 });
  let transition = step(paused.state, { kind: 'abort', reason: 'asked to' });
  while (transition.state.status === 'running') {
    for (const effect of transition.effects) if (effect.kind === 'write') carryOut(world, effect.write);
    transition = step(transition.state, { kind: 'done' });
  }
  expect(transition.state.status).toBe('rolled-back');
  expect(world.size).toBe(0);
  expect(step(transition.state, { kind: 'abort', reason: 'again' }).effects).toEqual([
    { kind: 'save' },
    { kind: 'finish' },
  ]);
});

test('an unclear proof pauses and does not go back; taking it up again proves again', () => {
  const plan = planOf(['policy'], 1, new Set());
  let transition = step(initialState(plan), { kind: 'start' });
  while (transition.effects.at(-1)?.kind !== 'prove') transition = step(transition.state, { kind: 'done' });
  const paused = step(transition.state, { kind: 'unclear', reason: 'no probe could run' });
  expect(paused.state).toMatchObject({
    status: 'paused',
    direction: 'forward',
    reason: 'no probe could run',
  });
  const again = step(paused.state, { kind: 'start' });
  expect(again.effects.map((effect) => effect.kind)).toEqual(['save', 'begin', 'prove']);
  expect(again.state.reason).toBeUndefined();
});

test('on the way back a proxy that never loads does not keep the rest from being restored', () => {
  const plan = planOf(['policy', 'policy'], 1, new Set());
  let transition = step(initialState(plan), { kind: 'failed', reason: 'STRICT is not proven' });
  const writes: string[] = [];
  while (transition.state.status === 'running') {
    const effect = transition.effects.at(-1);
    if (effect?.kind === 'write') writes.push(effect.write.kind);
    transition = step(
      transition.state,
      effect?.kind === 'await' ? { kind: 'failed', reason: 'timed out' } : { kind: 'done' },
    );
  }
  expect(transition.state).toMatchObject({ status: 'rolled-back', reason: 'STRICT is not proven' });
  expect(writes).toEqual(['delete']);
});

test('the way back takes policies first, then the label, then the restarts, each newest first', () => {
  const plan = planOf(['label', 'restart', 'restart', 'policy', 'policy'], 1, new Set());
  expect(wayBack(plan, 4).map(({ title }) => title)).toEqual(
    [4, 3, 0, 2, 1].map((at) => `take back: step ${at}`),
  );
  expect(wayBack(plan, 1).map(({ title }) => title)).toEqual([0, 1].map((at) => `take back: step ${at}`));
});
