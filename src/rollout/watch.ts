/** Watches live traffic for a while: a baseline, who sends plaintext still, or what a step has harmed. */
import type { World } from './carry-out.ts';
import type { Event } from './machine.ts';
import type { Plan, Watch } from './plan.ts';
import { type Baseline, judgeTraffic, type Reading, type Traffic, trafficBetween } from './traffic.ts';

/**
 * Harm is looked for this often, so that a bad step is taken back before its window is over; other windows are measured on
 * the way for whoever watches, less often where measuring takes long.
 */
const lookEveryMs = { harm: 2_000, baseline: 5_000, plaintext: 5_000 } as const satisfies Record<
  Watch['kind'],
  number
>;
const restPerLook = 3;

/** What a run remembers between the effects of one step; a resumed run begins without. */
export interface Memory {
  before?: Reading | undefined;
}

/** Notes how much traffic there was before a step, so that harm is counted from its first write on. */
export async function mark(plan: Plan, world: World, memory: Memory): Promise<Event> {
  memory.before = await world.observer.traffic(plan, world.signal, undefined);
  return { kind: 'done' };
}

/** @returns `done` with the new baseline, `unclear` where a person must decide, `failed` where requests are lost */
export async function watchTraffic(
  watch: Watch,
  baseline: Baseline | undefined,
  plan: Plan,
  world: World,
  memory: Memory,
): Promise<Event> {
  const { clock, observer, signal } = world;
  const marked = watch.kind === 'harm' ? memory.before : undefined;
  const before = marked ?? (await observer.traffic(plan, signal, undefined));
  const until = clock.now() + watch.forMs;
  if (watch.forMs > 0) world.tell({ event: 'waiting', detail: waitingFor(watch) });
  for (let rest: number = lookEveryMs[watch.kind]; ; ) {
    const left = until - clock.now();
    if (left > 0) await clock.sleep(Math.min(left, rest), signal);
    const began = clock.now();
    const traffic = trafficBetween(before, await observer.traffic(plan, signal, before));
    if (watch.kind !== 'harm') rest = Math.max(rest, restPerLook * (clock.now() - began));
    world.measured?.(watch, traffic);
    const judgement = judgeTraffic(watch, traffic, baseline ?? {}, plan.maxErrors);
    const over = clock.now() >= until;
    // Pods come and go; only what is unready at the end is unhealthy.
    const early = judgement.kind === 'harm' && traffic.unready.length === 0;
    if (!over && !early) continue;
    memory.before = undefined;
    world.tell({ event: 'watched', watch: watch.kind, traffic: told(traffic) });
    return outcome(watch, traffic, judgement, world);
  }
}

function outcome(
  watch: Watch,
  traffic: Traffic,
  judgement: ReturnType<typeof judgeTraffic>,
  { acceptInconclusive }: World,
): Event {
  switch (judgement.kind) {
    case 'harm':
      return { kind: 'failed', reason: judgement.reason };
    case 'plaintext':
      return { kind: 'unclear', reason: judgement.reason };
    case 'good': {
      const blind = traffic.unseen.find((what) => what.startsWith('counters'));
      if (watch.kind === 'plaintext' && blind !== undefined && !acceptInconclusive) {
        return { kind: 'unclear', reason: `who sends plaintext could not be seen: ${blind}` };
      }
      if (watch.kind === 'plaintext' && traffic.unrecorded.length > 0 && !acceptInconclusive) {
        return { kind: 'unclear', reason: unrecordedReason(traffic.unrecorded) };
      }
      return watch.kind === 'harm' ? { kind: 'done' } : { kind: 'done', baseline: traffic.tallies };
    }
  }
}

function unrecordedReason(servers: readonly string[]): string {
  const whose =
    servers.length > 3
      ? `${servers.slice(0, 3).join(', ')} and ${servers.length - 3} more`
      : servers.join(', ');
  return `who sends plaintext could not be seen: the proxies of ${whose} keep neither Istio's counters nor an access log. Set accessLogFile: /dev/stdout in the mesh config, or apply a Telemetry with accessLogging`;
}

function waitingFor({ kind, forMs }: Watch): string {
  const seconds = `${Math.round(forMs / 100) / 10} s`;
  switch (kind) {
    case 'baseline':
      return `watching for ${seconds} how much fails today`;
    case 'plaintext':
      return `watching for ${seconds} who sends plaintext`;
    case 'harm':
      return `watching for ${seconds} whether anything fails`;
  }
}

/** The tallies by name are for the record; people and scripts get the sums. */
function told({ tallies: _tallies, ...rest }: Traffic): Omit<Traffic, 'tallies'> {
  return rest;
}
