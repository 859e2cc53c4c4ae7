/** The steps that change policies, each waiting until every proxy concerned has loaded it. */
import { formatRef } from '../istio/kubernetes.ts';
import { type CanaryOptions, canarySteps, harmWindow } from './canary-steps.ts';
import type { Facts } from './facts.ts';
import type { Owner } from './owners.ts';
import type { Proof, Stage, Step, Until, Watch } from './plan.ts';
import { holdPlaintext, type Reversible, setNamespaceMode, setWorkloadMode } from './policies.ts';

function policyStep(
  stage: Stage,
  title: string,
  changes: readonly Reversible[],
  extra: { readonly watch?: Watch; readonly proof?: Proof } = {},
  clients = false,
): Step {
  const until: Until = { kind: 'loaded', clients };
  return {
    kind: 'policy',
    stage,
    title,
    writes: changes.map(({ write }) => write),
    until,
    ...extra,
    undo: { writes: changes.map(({ undo }) => undo).toReversed(), until },
  };
}

/**
 * Explicit PERMISSIVE, proven; a window in which nobody may send plaintext; STRICT, workload by workload, then for the
 * namespace; and the proof of the whole. Where STRICT holds already it is made explicit and proven.
 */
export function namespacePolicySteps(
  facts: Facts,
  namespace: string,
  owners: { readonly concerned: readonly Owner[]; readonly excluded: readonly Owner[] },
  options: CanaryOptions,
): readonly Step[] {
  const permissive = setNamespaceMode(facts.mesh, namespace, 'PERMISSIVE');
  const policy = formatRef({
    kind: 'PeerAuthentication',
    namespace,
    name: permissive.write.manifest.metadata.name,
  });
  const harm: Watch = { kind: 'harm', forMs: harmWindow(options.observeMs) };
  if (facts.mode === 'STRICT') {
    const strict = setNamespaceMode(facts.mesh, namespace, 'STRICT');
    return [policyStep('strict', `set ${policy} to STRICT`, [strict], { watch: harm }), verifyStep()];
  }
  const exceptions = owners.excluded.map((owner) =>
    setWorkloadMode(facts.mesh, namespace, `padlock-exclude-${owner.ref.name}`, owner.selector, 'PERMISSIVE'),
  );
  const strict = setNamespaceMode(facts.mesh, namespace, 'STRICT', permissive.write);
  const { steps: canaries, cleanUp } = canarySteps(facts, owners.concerned, options);
  return [
    ...permissiveSteps(facts, namespace, policy, permissive, harm),
    ...observeSteps(options.observeMs),
    ...(exceptions.length === 0
      ? []
      : [policyStep('strict', 'let excluded workloads stay PERMISSIVE', exceptions)]),
    ...canaries,
    policyStep('strict', `set ${policy} to STRICT`, [strict], { watch: harm }),
    ...(cleanUp === undefined ? [] : [cleanUp]),
    verifyStep(),
  ];
}

/** Nothing is written: who sends plaintext now would be refused. */
export function observeSteps(observeMs: number): readonly Step[] {
  if (observeMs === 0) return [];
  return [
    {
      kind: 'policy',
      stage: 'observe',
      title: `observe live traffic for ${seconds(observeMs)}: nobody may send plaintext`,
      writes: [],
      watch: { kind: 'plaintext', forMs: observeMs },
      undo: { writes: [] },
    },
  ];
}

/** How much fails before anything is changed, so that the rollout is not blamed for it, nor anything hidden behind it. */
export function baselineSteps(facts: Facts, observeMs: number): readonly Step[] {
  const forMs = harmWindow(observeMs);
  if (forMs === 0 || !facts.owners.some(({ meshed }) => meshed === 'yes')) return [];
  return [
    {
      kind: 'policy',
      stage: 'inject',
      title: `measure for ${seconds(forMs)} how much fails today`,
      writes: [],
      watch: { kind: 'baseline', forMs },
      undo: { writes: [] },
    },
  ];
}

function verifyStep(): Step {
  return {
    kind: 'policy',
    stage: 'strict',
    title: 'wait until older connections have drained, and verify every port',
    writes: [],
    until: { kind: 'drained' },
    proof: { mode: 'STRICT' },
    undo: { writes: [] },
  };
}

function seconds(milliseconds: number): string {
  return `${milliseconds / 1000} s`;
}

/** Explicit PERMISSIVE; from DISABLE by way of a rule that holds every client on plaintext meanwhile. */
function permissiveSteps(
  facts: Facts,
  namespace: string,
  policy: string,
  permissive: Reversible,
  watch: Watch,
): readonly Step[] {
  const proof: Proof = { mode: 'PERMISSIVE' };
  if (facts.mode !== 'DISABLE') {
    return [policyStep('permissive', `set ${policy} to PERMISSIVE`, [permissive], { watch, proof })];
  }
  const hold = holdPlaintext(namespace, facts.mesh.config.clusterDomain);
  const release: Reversible = { write: hold.undo, undo: hold.write };
  // Only these change what clients send, so only these wait for the clients' proxies too.
  const step = (title: string, change: Reversible, extra: Partial<Step> = {}): Step =>
    policyStep('permissive', title, [change], { watch, ...extra }, true);
  return [
    step(`hold clients of ${namespace} on plaintext while servers change over`, hold),
    step(`set ${policy} from DISABLE to PERMISSIVE`, permissive),
    step('release the clients: they change to mutual TLS', release, { proof }),
  ];
}

/** A policy of its own for each workload that was asked for. */
export function workloadPolicySteps(
  facts: Facts,
  namespace: string,
  concerned: readonly Owner[],
  observeMs: number,
): readonly Step[] {
  const steps = concerned.map((owner) => {
    const strict = setWorkloadMode(
      facts.mesh,
      namespace,
      `padlock-${owner.ref.name}`,
      owner.selector,
      'STRICT',
    );
    const name = strict.write.manifest.metadata.name;
    return policyStep(
      'strict',
      `set ${formatRef(owner.ref)} to STRICT by PeerAuthentication ${namespace}/${name}`,
      [strict],
      {
        watch: { kind: 'harm', forMs: harmWindow(observeMs) },
        proof: { mode: 'STRICT', workload: owner.ref },
      },
    );
  });
  return [...observeSteps(observeMs), ...steps, verifyStep()];
}
