/** What speaks against a rollout before it begins. Each rule is a function that returns its refusals; all are shown at once. */
import { serviceHost } from '../istio/hostname.ts';
import { formatRef, type ObjectRef } from '../istio/kubernetes.ts';
import { edgesTo } from '../mesh/edge.ts';
import { inbound, portsOf } from '../mesh/inbound.ts';
import type { Mesh } from '../mesh/mesh.ts';
import type { Reason } from '../mesh/reason.ts';
import type { Workload } from '../mesh/workload.ts';
import { findObject, meshAfter } from './after.ts';
import type { Facts } from './facts.ts';
import { gitOpsOwner } from './gitops.ts';
import type { InjectionChoice } from './injection-choice.ts';
import type { Owner } from './owners.ts';
import type { Planned } from './planner.ts';
import { holdRuleName } from './policies.ts';
import { refOf } from './write.ts';

export interface Refusal {
  /** A stable name, for scripts. */
  readonly rule: RuleName;
  readonly sentence: string;
  readonly hint: string;
}

export interface PreflightInput {
  readonly facts: Facts;
  readonly choice: InjectionChoice;
  readonly planned: Planned;
  readonly forceGitOps: boolean;
}

type Rule = (input: PreflightInput) => readonly Refusal[];
export type RuleName =
  | 'mesh-wide-namespace'
  | 'ambient'
  | 'injection'
  | 'no-sidecar-possible'
  | 'gitops'
  | 'workload-in-disable'
  | 'exception'
  | 'client-would-be-refused'
  | 'port-past-sidecar'
  | 'leaving-disable';

/** @returns every refusal, in the order in which a person would mend them. Empty: the plan may run. */
export function preflight(input: PreflightInput): readonly Refusal[] {
  const first = [meshWideNamespace, ambientNamespace].flatMap((rule) => rule(input));
  // Where the namespace itself is out of the question the rest is noise.
  if (first.length > 0) return first;
  return rules.flatMap((rule) => rule(input));
}

function nameOf({ facts }: PreflightInput): string {
  return facts.namespace.metadata.name;
}

const meshWideNamespace: Rule = (input) => {
  const name = nameOf(input);
  if (name !== input.facts.mesh.config.rootNamespace && name !== 'kube-system') return [];
  const sentence =
    name === 'kube-system'
      ? 'kube-system belongs to Kubernetes and does not join a mesh'
      : `${name} is the mesh's root namespace: a policy there is for the whole mesh`;
  return [{ rule: 'mesh-wide-namespace', sentence, hint: 'name an application namespace' }];
};

const ambientNamespace: Rule = (input) => {
  if (input.facts.namespace.metadata.labels?.['istio.io/dataplane-mode'] !== 'ambient') return [];
  return [
    {
      rule: 'ambient',
      sentence: `${nameOf(input)} is in ambient mode, where ztunnel and not a sidecar does mutual TLS`,
      hint: '`padlock posture` and `padlock check` judge it; a rollout there has no sidecars to bring in',
    },
  ];
};

const injection: Rule = ({ choice, planned }) => {
  const needed = planned.injected.length + planned.impossible.length > 0;
  if (choice.kind !== 'refused' || !needed) return [];
  return [{ rule: 'injection', sentence: choice.sentence, hint: choice.hint }];
};

const noSidecarPossible: Rule = ({ planned, choice }) =>
  choice.kind === 'refused'
    ? []
    : planned.impossible.map(({ workload, reason }) => ({
        rule: 'no-sidecar-possible',
        sentence: `${formatRef(workload)} would get no sidecar: ${reason}`,
        hint: `mend that, or leave it out with --exclude ${workload.kind}/${workload.name}`,
      }));

/** Workloads are only restarted, which no such tool takes back; policies and labels would be. */
const gitops: Rule = ({ facts, planned, forceGitOps }) => {
  if (forceGitOps) return [];
  const changed = new Map<string, ObjectRef>();
  for (const { kind, writes } of planned.plan.steps) {
    if (kind === 'restart') continue;
    for (const { manifest } of writes) changed.set(formatRef(refOf(manifest)), refOf(manifest));
  }
  return [...changed.values()].flatMap((ref): readonly Refusal[] => {
    const object = findObject(facts.mesh, ref.kind, ref.namespace, ref.name);
    const owner = object === undefined ? null : gitOpsOwner(object);
    if (owner === null) return [];
    return [
      {
        rule: 'gitops',
        sentence: `${formatRef(ref)} is managed by ${owner.tool} (${owner.name}), which would put it back`,
        hint: 'change it in its repository (--dry-run prints the manifests), or insist with --force-gitops',
      },
    ];
  });
};

const workloadInDisable: Rule = ({ facts, planned }) => {
  if (facts.mode !== 'DISABLE' || planned.plan.workloads.length === 0) return [];
  return [
    {
      rule: 'workload-in-disable',
      sentence:
        'the namespace is at DISABLE: clients would go on sending plaintext to a single STRICT workload, which would refuse it',
      hint: 'secure the whole namespace, without --workload',
    },
  ];
};

/** Policies of one workload or port that would keep it from STRICT. */
const exceptions: Rule = ({ facts, planned }) => {
  if (planned.plan.until !== 'strict') return [];
  const after = finalMesh(facts, planned);
  const ports = new Map<string, { ref: ObjectRef; mode: string; where: string[] }>();
  for (const workload of workloadsOf(after, planned.concerned)) {
    for (const port of portsOf(after, workload)) {
      const { mode, policy } = inbound(after, workload, port);
      if (mode === 'STRICT' || policy === undefined) continue;
      const key = `${formatRef(policy)} ${mode}`;
      const entry = ports.get(key) ?? { ref: policy, mode, where: [] };
      entry.where.push(`${workload.kind} ${workload.name}:${port}`);
      ports.set(key, entry);
    }
  }
  return [...ports.values()].map(({ ref, mode, where }) => ({
    rule: 'exception',
    sentence: `${formatRef(ref)} keeps ${listed(where)} at ${mode}`,
    hint: `remove it (kubectl delete peerauthentication -n ${ref.namespace} ${ref.name}) or leave the workload out with --exclude`,
  }));
};

/** Ports that are kept from the sidecar take plaintext whatever the policies say: the proof would fail, late. */
const portsPastSidecar: Rule = ({ facts, planned }) => {
  if (planned.plan.until !== 'strict') return [];
  const after = finalMesh(facts, planned);
  return workloadsOf(after, planned.concerned).flatMap((workload) => {
    if (workload.dataplane !== 'sidecar') return [];
    const ports = portsOf(after, workload).filter((port) => !inbound(after, workload, port).captured);
    if (ports.length === 0) return [];
    const name = `${workload.kind}/${workload.name}`;
    return [
      {
        rule: 'port-past-sidecar',
        sentence: `${listed(ports.map(String))} of ${workload.kind} ${workload.namespace}/${workload.name} is kept from its sidecar by annotations of its pods: STRICT is not held there`,
        hint: `take it out of traffic.sidecar.istio.io/excludeInboundPorts (\`padlock explain ${name}:${ports[0]}\`), or leave the workload out with --exclude ${name}`,
      },
    ];
  });
};

/** Clients with a sidecar whose requests STRICT would refuse: a DestinationRule sends them in plaintext or foreign TLS. */
const refusedClients: Rule = ({ facts, planned }) => {
  if (planned.plan.until !== 'strict') return [];
  const after = finalMesh(facts, planned);
  const found = new Map<string, Refusal>();
  for (const edge of edgesInto(after, planned)) {
    if (edge.outcome !== 'refused' || edge.client.dataplane !== 'sidecar') continue;
    const decided = decisive(edge.because);
    const by = decided?.resource === undefined ? '' : ` because of ${formatRef(decided.resource)}`;
    const key = `${edge.host}:${edge.port}${by}`;
    if (found.has(key)) continue;
    found.set(key, {
      rule: 'client-would-be-refused',
      sentence: `${edge.client.kind} ${edge.client.namespace}/${edge.client.name} sends ${edge.sends} to ${edge.host}:${edge.port}${by}; STRICT would refuse it`,
      hint:
        decided?.resource === undefined
          ? '`padlock explain` shows why'
          : `set its tls mode to ISTIO_MUTUAL, or take its tls settings out: kubectl edit destinationrule -n ${decided.resource.namespace} ${decided.resource.name}`,
    });
  }
  return [...found.values()];
};

/** Leaving DISABLE is lossless only where the rule that holds clients on plaintext reaches every one of them. */
const leavingDisable: Rule = ({ facts, planned }) => {
  const { steps, until } = planned.plan;
  const held = steps.findIndex((step) =>
    step.writes.some(({ kind, manifest }) => kind === 'apply' && manifest.metadata.name === holdRuleName),
  );
  if (held === -1 || until === 'inject') return [];
  const writes = steps.slice(0, held + 2).flatMap((step) => step.writes);
  const during = meshAfter(facts.mesh, planned.injected, writes);
  const loose = edgesInto(during, planned).filter(
    (edge) => edge.client.dataplane === 'sidecar' && edge.sends === 'istio-mtls',
  );
  const hosts = [...new Set(loose.map((edge) => `${edge.host}:${edge.port}`))];
  if (hosts.length === 0) return [];
  const rules = new Set(
    loose.flatMap((edge) =>
      edge.because.flatMap(({ resource }) =>
        resource?.kind === 'DestinationRule' ? [formatRef(resource)] : [],
      ),
    ),
  );
  const by = rules.size === 0 ? '' : ` because of ${listed([...rules])}`;
  return [
    {
      rule: 'leaving-disable',
      sentence: `clients of ${listed(hosts)} cannot be held on plaintext while the namespace leaves DISABLE${by}`,
      hint: 'add trafficPolicy.tls.mode DISABLE to those rules until the namespace is PERMISSIVE, then take it out',
    },
  ];
};

const rules: readonly Rule[] = [
  injection,
  noSidecarPossible,
  gitops,
  workloadInDisable,
  exceptions,
  portsPastSidecar,
  refusedClients,
  leavingDisable,
];

function finalMesh(facts: Facts, planned: Planned): Mesh {
  return meshAfter(
    facts.mesh,
    planned.injected,
    planned.plan.steps.flatMap((step) => step.writes),
  );
}

function workloadsOf(mesh: Mesh, owners: readonly Owner[]): readonly Workload[] {
  return mesh.workloads.filter((workload) =>
    owners.some(
      ({ ref }) =>
        ref.namespace === workload.namespace && ref.kind === workload.kind && ref.name === workload.name,
    ),
  );
}

/** Edges to the workloads that the plan takes to its end. */
function edgesInto(mesh: Mesh, planned: Planned): readonly ReturnType<typeof edgesTo>[number][] {
  const servers = new Set(workloadsOf(mesh, planned.concerned).map((workload) => workload.id));
  return mesh.services
    .filter((service) => service.namespace === planned.plan.namespace)
    .flatMap((service) =>
      edgesTo(mesh, serviceHost(service.name, service.namespace, mesh.config.clusterDomain)),
    )
    .filter((edge) => edge.server !== undefined && servers.has(edge.server.id));
}

/** The last DestinationRule in the chain that was not beaten. */
function decisive(because: readonly Reason[]): Reason | undefined {
  return because.findLast((reason) => reason.resource?.kind === 'DestinationRule' && reason.beaten !== true);
}

/** @returns `a, b and 3 more`. */
export function listed(names: readonly string[], shown = 3): string {
  if (names.length <= shown) return names.join(', ');
  return `${names.slice(0, shown).join(', ')} and ${names.length - shown} more`;
}
