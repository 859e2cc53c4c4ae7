/** The steps that change policies, each waiting until every proxy concerned has loaded it. */
import { formatRef } from '../istio/kubernetes.ts';
import type { Facts } from './facts.ts';
import type { Owner } from './owners.ts';
import type { Stage, Step, Until } from './plan.ts';
import { holdPlaintext, type Reversible, setNamespaceMode, setWorkloadMode } from './policies.ts';

function policyStep(
  stage: Stage,
  title: string,
  changes: readonly Reversible[],
  proof?: Step['proof'],
  clients = false,
): Step {
  const until: Until = { kind: 'loaded', clients };
  return {
    kind: 'policy',
    stage,
    title,
    writes: changes.map(({ write }) => write),
    until,
    ...(proof === undefined ? {} : { proof }),
    undo: { writes: changes.map(({ undo }) => undo).toReversed(), until },
  };
}

/** Explicit PERMISSIVE, proven; then STRICT, proven. Where STRICT holds already it is made explicit and proven. */
export function namespacePolicySteps(
  facts: Facts,
  namespace: string,
  excluded: readonly Owner[],
): readonly Step[] {
  const permissive = setNamespaceMode(facts.mesh, namespace, 'PERMISSIVE');
  // Where STRICT holds already an exception would be a step back.
  const exceptions = (facts.mode === 'STRICT' ? [] : excluded).map((owner) =>
    setWorkloadMode(facts.mesh, namespace, `padlock-exclude-${owner.ref.name}`, owner.selector, 'PERMISSIVE'),
  );
  const policy = formatRef({
    kind: 'PeerAuthentication',
    namespace,
    name: permissive.write.manifest.metadata.name,
  });
  const strict = setNamespaceMode(
    facts.mesh,
    namespace,
    'STRICT',
    facts.mode === 'STRICT' ? undefined : permissive.write,
  );
  return [
    ...(facts.mode === 'STRICT' ? [] : permissiveSteps(facts, namespace, policy, permissive)),
    ...(exceptions.length === 0
      ? []
      : [policyStep('strict', 'let excluded workloads stay PERMISSIVE', exceptions)]),
    policyStep('strict', `set ${policy} to STRICT`, [strict], { mode: 'STRICT' }),
  ];
}

/** Explicit PERMISSIVE; from DISABLE by way of a rule that holds every client on plaintext meanwhile. */
function permissiveSteps(
  facts: Facts,
  namespace: string,
  policy: string,
  permissive: Reversible,
): readonly Step[] {
  if (facts.mode !== 'DISABLE') {
    return [policyStep('permissive', `set ${policy} to PERMISSIVE`, [permissive], { mode: 'PERMISSIVE' })];
  }
  const hold = holdPlaintext(namespace, facts.mesh.config.clusterDomain);
  const release: Reversible = { write: hold.undo, undo: hold.write };
  // Only these change what clients send, so only these wait for the clients' proxies too.
  const step = (title: string, change: Reversible, proof?: Step['proof']): Step =>
    policyStep('permissive', title, [change], proof, true);
  return [
    step(`hold clients of ${namespace} on plaintext while servers change over`, hold),
    step(`set ${policy} from DISABLE to PERMISSIVE`, permissive),
    step('release the clients: they change to mutual TLS', release, { mode: 'PERMISSIVE' }),
  ];
}

/** A policy of its own for each workload that was asked for. */
export function workloadPolicySteps(
  facts: Facts,
  namespace: string,
  concerned: readonly Owner[],
): readonly Step[] {
  return concerned.map((owner) => {
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
      { mode: 'STRICT' },
    );
  });
}
