/** From facts to steps. Nothing here judges whether they are wise; that is preflight's part. */
import type { KubeObject, ObjectRef } from '../istio/kubernetes.ts';
import type { Facts } from './facts.ts';
import type { InjectionChoice } from './injection-choice.ts';
import { injectionSteps } from './injection-steps.ts';
import { injectLabel, leftOutside, type Owner, whyNotInjected } from './owners.ts';
import { type LeftOut, type MaxErrors, type Plan, type Stage, stages } from './plan.ts';
import { baselineSteps, namespacePolicySteps, workloadPolicySteps } from './policy-steps.ts';
import type { Received } from './risk.ts';

export interface PlanOptions {
  readonly until: Stage;
  /** `NAME` or `Kind/NAME`; empty: the whole namespace. */
  readonly workloads: readonly string[];
  readonly exclude: readonly string[];
  /** How long live traffic is observed before STRICT; 0: not at all. */
  readonly observeMs: number;
  readonly maxErrors: MaxErrors;
  /** What proxies had received when the plan was made, by `Deployment/cart`. */
  readonly received?: ReadonlyMap<string, Received>;
  /** The namespace's PodDisruptionBudgets. */
  readonly budgets?: readonly KubeObject[];
  /** RFC 3339: what the restart annotation will say. One moment for the whole rollout, so that a repeated write changes nothing. */
  readonly restartedAt: string;
}

export interface Planned {
  readonly plan: Plan;
  /** Owners whose pods get a sidecar by the plan. */
  readonly injected: readonly Owner[];
  /** Owners that the plan takes to its end. */
  readonly concerned: readonly Owner[];
  /** Owners that were asked for, or not excluded, and can get no sidecar. */
  readonly impossible: readonly LeftOut[];
  /** Namespace labels as they will be. */
  readonly labels: Readonly<Record<string, string>>;
}

const byExclude = 'excluded by --exclude';

/** True where `name` (`httpbin` or `Deployment/httpbin`, the kind in any case) names the workload. */
export function namesRef(name: string, ref: ObjectRef): boolean {
  const [kind, rest] = name.includes('/') ? name.split('/', 2) : [undefined, name];
  return rest === ref.name && (kind === undefined || kind.toLowerCase() === ref.kind.toLowerCase());
}

/** @param choice how injection is turned on; a refused one adds no label */
export function planRollout(facts: Facts, choice: InjectionChoice, options: PlanOptions): Planned {
  const namespace = facts.namespace.metadata.name;
  const wholeNamespace = options.workloads.length === 0;
  const labels = { ...facts.namespace.metadata.labels, ...(choice.kind === 'refused' ? {} : choice.labels) };
  const asked = facts.owners.filter((owner) =>
    wholeNamespace
      ? !options.exclude.some((name) => namesRef(name, owner.ref))
      : options.workloads.some((name) => namesRef(name, owner.ref)),
  );
  const excluded = facts.owners.filter((owner) => options.exclude.some((name) => namesRef(name, owner.ref)));
  const bare = asked.filter((owner) => owner.meshed === 'no');
  const reasons = new Map(bare.map((owner) => [owner, whyNot(owner, facts, labels, wholeNamespace)]));
  const injected = bare.filter((owner) => reasons.get(owner) === null);
  const impossible = bare.flatMap((owner): readonly LeftOut[] => {
    const reason = reasons.get(owner);
    return typeof reason === 'string' ? [{ workload: owner.ref, reason, byChoice: false }] : [];
  });
  const concerned = asked.filter((owner) => owner.meshed !== 'no' || injected.includes(owner));
  const { observeMs, received = new Map<string, Received>() } = options;
  const steps = [
    ...baselineSteps(facts, observeMs),
    ...injectionSteps(facts, choice, injected, options, wholeNamespace),
    ...(wholeNamespace
      ? namespacePolicySteps(facts, namespace, { concerned, excluded }, { observeMs, received })
      : workloadPolicySteps(facts, namespace, concerned, observeMs)),
  ];
  const outside = (wholeNamespace ? leftOutside(facts.mesh, namespace) : []).map((left) =>
    options.exclude.some((name) => namesRef(name, left.workload))
      ? { ...left, reason: byExclude, byChoice: true }
      : left,
  );
  const last = stages.indexOf(options.until);
  return {
    plan: {
      namespace,
      workloads: wholeNamespace ? [] : asked.map((owner) => `${owner.kind}/${owner.ref.name}`),
      until: options.until,
      maxErrors: options.maxErrors,
      steps: steps.filter((step) => stages.indexOf(step.stage) <= last),
      leftOut: [
        ...excluded.map((owner) => ({ workload: owner.ref, reason: byExclude, byChoice: true })),
        ...outside,
      ],
    },
    injected,
    concerned,
    impossible,
    labels,
  };
}

function whyNot(
  owner: Owner,
  facts: Facts,
  labels: Readonly<Record<string, string>>,
  wholeNamespace: boolean,
): string | null {
  // A single workload is injected by its own label, which the plan adds to its template.
  const template = wholeNamespace ? owner : { ...owner, labels: { ...owner.labels, [injectLabel]: 'true' } };
  return whyNotInjected(template, labels, facts.webhooks);
}
