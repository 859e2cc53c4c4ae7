/** From a cluster to a plan that may run: reads, plans, and asks everything that could speak against it. Writes nothing. */
import { PadlockError } from '../errors.ts';
import { ProxyReader } from '../evidence/proxy/reader.ts';
import { formatRef, type ObjectRef } from '../istio/kubernetes.ts';
import type { Cluster } from '../sources/cluster.ts';
import { readClusterSnapshot } from '../sources/cluster-snapshot.ts';
import { statusMessage } from '../sources/kube/status.ts';
import { accessNeeds, describeNeed, missingAccess, verbsToDial } from './access.ts';
import { type Advice, accessLogAdvice } from './access-log-note.ts';
import { readBudgets } from './budgets.ts';
import { type Facts, factsFrom } from './facts.ts';
import { gitOpsOwner } from './gitops.ts';
import { chooseInjection } from './injection-choice.ts';
import { jobsNote } from './jobs-note.ts';
import { outsidersNote } from './outsiders.ts';
import type { MaxErrors, Plan, Stage } from './plan.ts';
import { namesRef, type Planned, planRollout } from './planner.ts';
import { decidingPolicy } from './policies.ts';
import { listed, preflight } from './preflight.ts';
import type { Received } from './risk.ts';
import { keepsCounters, type Reading } from './traffic.ts';
import { readTraffic } from './traffic-reader.ts';
import { describeWrite, requestFor } from './write.ts';

export interface SecureOptions {
  readonly namespace: string;
  readonly until: Stage;
  readonly workloads: readonly string[];
  readonly exclude: readonly string[];
  /** How long live traffic is observed before STRICT, in milliseconds. */
  readonly observeMs: number;
  readonly maxErrors: MaxErrors;
  readonly revision?: string;
  readonly forceGitOps: boolean;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly signal: AbortSignal;
}

/** Why a rollout may not begin; all reasons at once. */
export interface Objection {
  /** A stable name, for scripts. */
  readonly rule: string;
  readonly sentence: string;
  readonly hint: string;
}

export interface Prepared {
  readonly plan: Plan;
  readonly objections: readonly Objection[];
  /** What a person should know and nothing stops at. */
  readonly warnings: readonly string[];
  /** What a person could do first, so that more is seen. */
  readonly advice?: Advice;
  readonly versions: readonly string[];
}

/** @throws PadlockError where the cluster cannot be read, has no Istio, or lacks the namespace or a workload named */
export async function prepare(cluster: Cluster, options: SecureOptions): Promise<Prepared> {
  const snapshot = await readClusterSnapshot(cluster, {
    namespaces: [options.namespace],
    signal: options.signal,
    now: () => options.now,
    needsIstio: true,
  });
  const facts = factsFrom(snapshot, options.namespace);
  const choice = chooseInjection(facts.namespace.metadata.labels ?? {}, facts.webhooks, options.revision);
  // Whole seconds, as kubectl writes it.
  const restartedAt = new Date(options.now).toISOString().replace(/\.\d+Z$/, 'Z');
  const budgets = await readBudgets(cluster, options.namespace, options.signal);
  const reading = await readSoFar(cluster, facts, options);
  const received = receivedSoFar(reading);
  const planned = planRollout(facts, choice, { ...options, restartedAt, budgets: budgets ?? [], received });
  requireNamed(facts, planned, options);
  const refusals = preflight({ facts, choice, planned, forceGitOps: options.forceGitOps });
  const objections =
    refusals.length > 0
      ? refusals
      : [
          ...(await accessObjections(cluster, planned, options)),
          ...(await serverObjections(cluster, planned, options)),
        ];
  const warnings = [
    ...warningsOf(facts, planned),
    ...(budgets === undefined ? ['not seen: poddisruptionbudgets, so restarts do not wait for them'] : []),
  ];
  const advice = planned.plan.until === 'strict' ? accessLogAdvice(facts, reading) : undefined;
  const { versions } = facts;
  return { plan: planned.plan, objections, warnings, versions, ...(advice === undefined ? {} : { advice }) };
}

function readSoFar(
  cluster: Cluster,
  { mesh }: Facts,
  { namespace, now, signal }: SecureOptions,
): Promise<Reading> {
  const whole: Plan = {
    namespace,
    workloads: [],
    until: 'strict',
    maxErrors: { kind: 'count', value: 0 },
    steps: [],
    leftOut: [],
  };
  const clock = { now: () => now };
  const reader = new ProxyReader({ cluster, signal, ...clock });
  return readTraffic(whole, { reader, mesh, ...clock }, undefined);
}

/** For the order of the canaries; a proxy that cannot be read counts as one that nothing was seen of. */
function receivedSoFar({ pods }: Reading): ReadonlyMap<string, Received> {
  const sums = new Map<string, Received>();
  for (const pod of pods.values()) {
    const { server, plaintext } = pod;
    if (server === undefined) continue;
    const tallies = keepsCounters(pod) ? pod.tallies : (pod.loggedTallies ?? {});
    const sum = sums.get(server) ?? { requests: 0, plaintext: 0 };
    const plain = Object.values(plaintext).reduce((total, one) => total + one, 0);
    sums.set(server, {
      requests: sum.requests + (tallies[server]?.requests ?? 0),
      plaintext: sum.plaintext + plain,
    });
  }
  return sums;
}

/** A name that names nothing is a typing mistake, and would silently leave out what was meant. */
function requireNamed(facts: Facts, planned: Planned, options: SecureOptions): void {
  const known: readonly ObjectRef[] = [
    ...facts.owners.map((owner) => owner.ref),
    ...planned.plan.leftOut.map((left) => left.workload),
  ];
  for (const name of [...options.workloads, ...options.exclude]) {
    if (known.some((ref) => namesRef(name, ref))) continue;
    throw new PadlockError('WORKLOAD_NOT_FOUND', `there is no workload "${name}" in ${options.namespace}`, {
      hint:
        known.length === 0
          ? 'the namespace has no workloads'
          : `there are: ${listed(
              known.map((ref) => `${ref.kind}/${ref.name}`),
              10,
            )}`,
    });
  }
}

async function accessObjections(
  cluster: Cluster,
  planned: Planned,
  { signal }: SecureOptions,
): Promise<readonly Objection[]> {
  const needs = accessNeeds(planned.plan, await verbsToDial(cluster, signal));
  const missing = await missingAccess(cluster, needs, signal);
  return missing.map((need) => ({
    rule: 'access',
    sentence: `you may not ${describeNeed(need)}`,
    hint: '`padlock rbac NAMESPACE --for secure` prints the Role that a rollout needs',
  }));
}

/** Sends every write as a dry run: admission webhooks and policies speak now and not half-way. */
async function serverObjections(
  cluster: Cluster,
  planned: Planned,
  { signal }: SecureOptions,
): Promise<readonly Objection[]> {
  const writes = planned.plan.steps.flatMap((step) => step.writes).filter((write) => write.kind === 'apply');
  const answers = await Promise.all(
    writes.map(async (write): Promise<readonly Objection[]> => {
      const answer = await cluster.raw({ ...requestFor(write, true), signal });
      // 403 of missing rights is said by the access reviews; here it is an admission plug-in's.
      if (answer.status < 400 || answer.status === 401 || answer.status >= 500) return [];
      return [
        {
          rule: 'admission',
          sentence: `the API server would refuse to ${describeWrite(write)}: ${statusMessage(answer.body)}`,
          hint: 'nothing was changed; mend what it complains of, or ask who runs the cluster’s policies',
        },
      ];
    }),
  );
  return answers.flat();
}

function warningsOf(facts: Facts, planned: Planned): readonly string[] {
  return [
    ...ignoredPolicies(facts),
    ...downtime(planned),
    ...gitOpsRestarts(planned),
    ...(labelsNamespace(planned) ? jobsNote(facts.mesh, planned.plan.namespace) : []),
    ...(planned.plan.until === 'strict' ? outsidersNote(facts.mesh, planned.plan.namespace) : []),
    ...unseenKinds(facts),
  ];
}

function labelsNamespace({ plan }: Planned): boolean {
  return plan.steps.some(({ writes }) => writes.some(({ manifest }) => manifest.kind === 'Namespace'));
}

/** One sentence for all kinds: a user whose rights end at the namespace sees none of them elsewhere. */
function unseenKinds({ mesh }: Facts): readonly string[] {
  const kinds = [...new Set(mesh.snapshot.unseen.map(({ resource }) => resource))];
  if (kinds.length === 0) return [];
  return [`not seen everywhere, so not judged: ${listed(kinds, 5)} (you may not list them)`];
}

function ignoredPolicies({ mesh, namespace }: Facts): readonly string[] {
  const { name } = namespace.metadata;
  const deciding = decidingPolicy(mesh, name);
  if (deciding === undefined) return [];
  return mesh.peerAuthentications
    .filter(
      (policy) =>
        policy.namespace === name && policy.selector.labels === undefined && policy.name !== deciding.name,
    )
    .map((policy) => `${formatRef(policy.ref)} is ignored: ${formatRef(deciding)} is older and decides`);
}

function downtime({ injected }: Planned): readonly string[] {
  return injected
    .filter((owner) => owner.strategy === 'Recreate')
    .map((owner) => `${formatRef(owner.ref)} is restarted with strategy Recreate: it is away meanwhile`);
}

function gitOpsRestarts({ injected }: Planned): readonly string[] {
  return injected.flatMap((owner) => {
    const by = gitOpsOwner(owner.object);
    return by === null
      ? []
      : [`${formatRef(owner.ref)} is managed by ${by.tool} (${by.name}); it is only restarted`];
  });
}
