/** Rollouts as their records in the cluster tell them. */
import { PadlockError } from '../errors.ts';
import { formatRef } from '../istio/kubernetes.ts';
import { leaseHeld } from '../rollout/lease.ts';
import type { Live } from '../rollout/live.ts';
import { readLive } from '../rollout/live-record.ts';
import type { RolloutState } from '../rollout/machine.ts';
import type { Plan, Step, Until, Watch } from '../rollout/plan.ts';
import { readRecord, recordName, type SavedRollout } from '../rollout/record.ts';
import { limitText } from '../rollout/traffic.ts';
import { describeWrite } from '../rollout/write.ts';
import type { Cluster } from '../sources/cluster.ts';
import { configMapsType } from '../sources/snapshot-types.ts';
import type { RolloutStepView, RolloutsView, RolloutView } from './wire.ts';

const journalMost = 60;

/** What this dashboard knows of a drive of its own. */
export interface OwnDrives {
  notesOf(namespace: string): readonly string[];
  isDriving(namespace: string): boolean;
}

export async function rolloutViews(
  cluster: Cluster,
  namespaces: readonly string[] | undefined,
  own: OwnDrives,
  now: number,
): Promise<RolloutsView> {
  const problems: string[] = [];
  const rollouts: RolloutView[] = [];
  for (const namespace of namespaces ?? (await namespacesWithRecord(cluster))) {
    try {
      const saved = await readRecord(cluster, namespace);
      if (saved === undefined) continue;
      const driver = (await leaseHeld(cluster, namespace, now))?.holder;
      const told = await readLive(cluster, namespace);
      // What an earlier rollout told is not about this one.
      const live = told?.startedAt === saved.book.startedAt ? told : undefined;
      rollouts.push(rolloutView(saved, { driver, live, own }));
    } catch (error) {
      if (!(error instanceof PadlockError)) throw error;
      problems.push(`${namespace}: ${error.message}`);
    }
  }
  return { rollouts: rollouts.toSorted((a, b) => (a.savedAt > b.savedAt ? -1 : 1)), problems };
}

async function namespacesWithRecord(cluster: Cluster): Promise<readonly string[]> {
  const { items } = await cluster.list(configMapsType, { fieldSelector: `metadata.name=${recordName}` });
  return items
    .filter(({ metadata }) => metadata.name === recordName)
    .flatMap(({ metadata }) => (metadata.namespace === undefined ? [] : [metadata.namespace]));
}

interface Around {
  readonly driver: string | undefined;
  readonly live: Live | undefined;
  readonly own: OwnDrives;
}

export function rolloutView(
  { state, savedAt, book }: SavedRollout,
  { driver, live, own }: Around,
): RolloutView {
  const { plan, status, direction, phase, reason, unrestored } = state;
  // Whoever drives tells more than the record, which is saved at the beginning of each step.
  const current = live !== undefined && live.by === driver ? live : undefined;
  return {
    namespace: plan.namespace,
    savedAt,
    status,
    direction,
    phase: current?.task ?? phase.name,
    ...(reason === undefined ? {} : { reason }),
    until: plan.until,
    maxErrors: limitText(plan.maxErrors),
    steps: stepViews(plan, state, live),
    backWindows: live?.windows.filter(({ back }) => back) ?? [],
    unrestored,
    leftOut: plan.leftOut.map(({ workload, reason: why }) => `${formatRef(workload)}: ${why}`),
    ...(driver === undefined ? {} : { driver }),
    drivenHere: own.isDriving(plan.namespace),
    journal: book.journal.slice(-journalMost),
    ...(current === undefined
      ? {}
      : {
          now: { at: current.at, ...(current.detail === undefined ? {} : { detail: current.detail }) },
        }),
    ...(live?.proof === undefined ? {} : { proof: live.proof }),
    lines: live?.lines ?? [],
    notes: own.notesOf(plan.namespace),
  };
}

function stepViews(plan: Plan, state: RolloutState, live: Live | undefined): readonly RolloutStepView[] {
  return plan.steps.map((step, index) => {
    const window = live?.windows.find((one) => !one.back && one.step === index + 1);
    return {
      title: step.title,
      stage: step.stage,
      state: stepState(state, index),
      writes: step.writes.map(describeWrite),
      ...(step.until === undefined ? {} : { waitsFor: waitText(step.until, plan.namespace) }),
      ...(step.watch === undefined ? {} : { watches: watchText(step.watch) }),
      ...(step.proof === undefined ? {} : { proves: proofText(step) }),
      ...(window === undefined ? {} : { window }),
    };
  });
}

/** On the way back every step that was begun is being undone, in an order of its own. */
function stepState(state: RolloutState, index: number): RolloutStepView['state'] {
  const { status, direction, reached } = state;
  if (direction === 'back') {
    if (index > reached) return 'next';
    return status === 'rolled-back' || status === 'stuck' ? 'undone' : 'now';
  }
  if (index < reached || status === 'done') return 'done';
  return index === reached ? 'now' : 'next';
}

function waitText(until: Until, namespace: string): string {
  switch (until.kind) {
    case 'rolled-out':
      return `${formatRef(until.workload)} runs its newest template on every replica${until.sidecar ? ', with a sidecar in each pod' : ''}`;
    case 'disruption-allowed':
      return `${formatRef(until.budget)} lets one pod be away`;
    case 'drained':
      return `no server of ${namespace} carries connections on configuration that was replaced`;
    case 'loaded':
      return until.clients
        ? `every proxy of ${namespace}, and every proxy that calls it, has loaded what is declared`
        : `every proxy of ${namespace} has loaded what is declared`;
  }
}

function watchText({ kind, forMs }: Watch): string {
  const what = {
    baseline: 'how much fails before anything changes',
    plaintext: 'who still sends plaintext',
    harm: 'what fails beyond the baseline, and who is refused',
  }[kind];
  return `${what}, for ${forMs < 1000 ? forMs / 1000 : Math.round(forMs / 1000)} s`;
}

function proofText({ proof }: Step): string {
  return proof?.mode === 'STRICT'
    ? 'mutual TLS is accepted with the expected identity, plaintext is refused'
    : 'mutual TLS is accepted with the expected identity';
}
