/** The steps that give pods a sidecar. */
import { formatRef, type KubeObject } from '../istio/kubernetes.ts';
import { budgetFor } from './budgets.ts';
import type { Facts } from './facts.ts';
import type { InjectionChoice } from './injection-choice.ts';
import { injectLabel, type Owner, restartAnnotation } from './owners.ts';
import type { Step } from './plan.ts';
import { type Reversible, setWorkloadMode } from './policies.ts';
import type { Write } from './write.ts';

/** The label, then each workload by itself; where STRICT holds already, under exceptions that last as long as this takes. */
export function injectionSteps(
  facts: Facts,
  choice: InjectionChoice,
  injected: readonly Owner[],
  options: { readonly restartedAt: string; readonly budgets?: readonly KubeObject[] },
  wholeNamespace: boolean,
): readonly Step[] {
  const { restartedAt, budgets = [] } = options;
  const namespace = facts.namespace.metadata.name;
  const guards = facts.mode === 'STRICT' ? injected.map((owner) => guard(facts, namespace, owner)) : [];
  return [
    ...(wholeNamespace && choice.kind === 'label' ? [labelStep(facts, choice.labels)] : []),
    ...(guards.length === 0 ? [] : [guardStep(guards)]),
    ...injected.flatMap((owner) => [
      ...budgetSteps(owner, budgets),
      restartStep(owner, restartedAt, wholeNamespace),
    ]),
    ...(guards.length === 0 ? [] : [liftGuardStep(guards)]),
  ];
}

function labelStep(facts: Facts, labels: Readonly<Record<string, string>>): Step {
  const { name } = facts.namespace.metadata;
  const apply = (values: Readonly<Record<string, string>>): Write => ({
    kind: 'apply',
    manifest: { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: values } },
  });
  const before = Object.fromEntries(
    Object.keys(labels).flatMap((key) => {
      const value = facts.namespace.metadata.labels?.[key];
      return value === undefined ? [] : [[key, value]];
    }),
  );
  const shown = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return {
    kind: 'label',
    stage: 'inject',
    title: `label namespace ${name} with ${shown.join(', ')}`,
    writes: [apply(labels)],
    undo: { writes: [apply(before)] },
  };
}

/** Where STRICT holds already, a workload that just got its sidecar would refuse neighbours that have none yet. */
function guard(facts: Facts, namespace: string, owner: Owner): Reversible {
  return setWorkloadMode(
    facts.mesh,
    namespace,
    `padlock-inject-${owner.ref.name}`,
    owner.selector,
    'PERMISSIVE',
  );
}

function guardStep(guards: readonly Reversible[]): Step {
  return {
    kind: 'policy',
    stage: 'inject',
    title: 'let workloads without a sidecar be PERMISSIVE while they get one',
    writes: guards.map(({ write }) => write),
    until: { kind: 'loaded', clients: false },
    undo: { writes: guards.map(({ undo }) => undo), until: { kind: 'loaded', clients: false } },
  };
}

function liftGuardStep(guards: readonly Reversible[]): Step {
  return {
    kind: 'policy',
    stage: 'inject',
    title: 'remove the PERMISSIVE exceptions again: every workload has its sidecar',
    writes: guards.map(({ undo }) => undo),
    until: { kind: 'loaded', clients: false },
    undo: { writes: guards.map(({ write }) => write), until: { kind: 'loaded', clients: false } },
  };
}

/** Controllers replace pods without asking a budget, so the rollout asks before each restart. */
function budgetSteps(owner: Owner, budgets: readonly KubeObject[]): readonly Step[] {
  const budget = budgetFor(owner, budgets);
  if (budget === undefined) return [];
  return [
    {
      kind: 'restart',
      stage: 'inject',
      title: `wait until ${formatRef(budget)} lets a pod of ${owner.ref.name} be away`,
      writes: [],
      until: { kind: 'disruption-allowed', budget },
      undo: { writes: [] },
    },
  ];
}

function restartStep(owner: Owner, restartedAt: string, wholeNamespace: boolean): Step {
  const apply = (
    annotations: Readonly<Record<string, string>>,
    labels: Readonly<Record<string, string>>,
  ): Write => ({
    kind: 'apply',
    manifest: {
      apiVersion: 'apps/v1',
      kind: owner.kind,
      metadata:
        owner.object.metadata.namespace === undefined
          ? { name: owner.ref.name }
          : { name: owner.ref.name, namespace: owner.object.metadata.namespace },
      spec: {
        template: { metadata: { annotations, ...(Object.keys(labels).length === 0 ? {} : { labels }) } },
      },
    },
  });
  const oldAnnotation = owner.annotations[restartAnnotation];
  const oldLabel = owner.labels[injectLabel];
  const title = wholeNamespace ? `restart ${formatRef(owner.ref)}` : `inject ${formatRef(owner.ref)}`;
  return {
    kind: 'restart',
    stage: 'inject',
    title: `${title} so that its pods get a sidecar`,
    writes: [apply({ [restartAnnotation]: restartedAt }, wholeNamespace ? {} : { [injectLabel]: 'true' })],
    until: { kind: 'rolled-out', workload: owner.ref, sidecar: true },
    undo: {
      writes: [
        apply(
          oldAnnotation === undefined ? {} : { [restartAnnotation]: oldAnnotation },
          wholeNamespace || oldLabel === undefined ? {} : { [injectLabel]: oldLabel },
        ),
      ],
      until: { kind: 'rolled-out', workload: owner.ref, sidecar: false },
    },
  };
}
