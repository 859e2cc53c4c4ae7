/** STRICT for one workload at a time, by policies that last as long as the rollout. */
import { formatRef } from '../istio/kubernetes.ts';
import { matchesLabels } from '../istio/selector.ts';
import { inbound, portsOf } from '../mesh/inbound.ts';
import type { Mesh } from '../mesh/mesh.ts';
import type { Facts } from './facts.ts';
import type { Owner } from './owners.ts';
import type { Step } from './plan.ts';
import { setWorkloadMode } from './policies.ts';
import { byRisk, inboundRisk, type Received } from './risk.ts';

/** Each STRICT step is watched for harm at most this long; traffic that fails, fails at once. */
const harmWindowMs = 10_000;

export interface CanaryOptions {
  /** How long traffic is observed before STRICT. */
  readonly observeMs: number;
  /** By `Deployment/cart`. */
  readonly received: ReadonlyMap<string, Received>;
}

/** @returns how long a step's harm is looked for. */
export function harmWindow(observeMs: number): number {
  return Math.min(observeMs, harmWindowMs);
}

export interface CanarySteps {
  readonly steps: readonly Step[];
  /** Takes the canaries' policies away again; undefined where there were none. */
  readonly cleanUp: Step | undefined;
}

/** The canaries in rising order of inbound risk. A workload that a policy of its own decides already gets none. */
export function canarySteps(facts: Facts, concerned: readonly Owner[], options: CanaryOptions): CanarySteps {
  const ranked = concerned
    .filter((owner) => takesCanary(facts.mesh, owner))
    .map((owner) => ({
      owner,
      risk: inboundRisk(facts.mesh, owner, options.received.get(`${owner.kind}/${owner.ref.name}`)),
    }))
    .toSorted(byRisk);
  const namespace = facts.namespace.metadata.name;
  const changes = ranked.map(({ owner, risk }) => ({
    owner,
    risk,
    ...setWorkloadMode(facts.mesh, namespace, canaryName(owner), owner.selector, 'STRICT'),
  }));
  const until = { kind: 'loaded', clients: false } as const;
  const steps = changes.map(
    ({ owner, risk, write, undo }, index): Step => ({
      kind: 'policy',
      stage: 'strict',
      title: `canary ${index + 1} of ${changes.length}: set ${formatRef(owner.ref)} to STRICT (${risk.because})`,
      writes: [write],
      until,
      watch: { kind: 'harm', forMs: harmWindow(options.observeMs) },
      ...(hasPorts(facts.mesh, owner) ? { proof: { mode: 'STRICT', workload: owner.ref } } : {}),
      undo: { writes: [undo], until },
    }),
  );
  if (changes.length === 0) return { steps, cleanUp: undefined };
  const cleanUp: Step = {
    kind: 'policy',
    stage: 'strict',
    title: 'remove the canaries’ policies: the namespace’s own says the same',
    writes: changes.map(({ undo }) => undo),
    until,
    // Going back, the canaries' own steps are taken back, which is the same.
    undo: { writes: [] },
  };
  return { steps, cleanUp };
}

export function canaryName(owner: Owner): string {
  return `padlock-canary-${owner.ref.name}`;
}

function takesCanary(mesh: Mesh, owner: Owner): boolean {
  const { namespace } = owner.ref;
  if (owner.meshed === 'no-pods') return false;
  const decided = mesh.peerAuthentications.some(
    ({ namespace: where, selector }) =>
      where === namespace && selector.labels !== undefined && matchesLabels(selector.labels, owner.labels),
  );
  if (decided) return false;
  const rows = workloadsOf(mesh, owner).flatMap((workload) =>
    portsOf(mesh, workload).map((port) => inbound(mesh, workload, port)),
  );
  return rows.length === 0 || rows.some(({ mode }) => mode !== 'STRICT') || owner.meshed === 'no';
}

function workloadsOf(mesh: Mesh, { ref }: Owner): Mesh['workloads'] {
  return mesh.workloads.filter(
    ({ namespace, kind, name }) => namespace === ref.namespace && kind === ref.kind && name === ref.name,
  );
}

/** Where nothing listens there is nothing to probe. */
function hasPorts(mesh: Mesh, owner: Owner): boolean {
  return workloadsOf(mesh, owner).some((workload) => portsOf(mesh, workload).length > 0);
}
