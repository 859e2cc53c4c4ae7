/** Levels of the mesh at which more than one policy stands: who wins, who is ignored, and where. */
import type { PeerAuthentication } from '../../istio/peer-authentication.ts';
import { composedMode } from '../inbound.ts';
import type { Mesh, Read } from '../mesh.ts';
import type { Workload } from '../workload.ts';

type Policy = Read<PeerAuthentication>;

export interface IgnoredPolicy {
  readonly policy: Policy;
  readonly winner: Policy;
  /** The workloads for which it is ignored. */
  readonly workloads: readonly Workload[];
  /** It is the one that counts for some other workload; only at the workload level. */
  readonly countsElsewhere: boolean;
  /** The winner also counts for workloads that the ignored policy does not select; only at the workload level. */
  readonly winnerReachesMore: boolean;
}

export interface PolicyLevel {
  readonly scope: 'mesh' | 'namespace' | 'workload';
  /** The root namespace for the mesh level. */
  readonly namespace: string;
  readonly ignored: readonly IgnoredPolicy[];
}

/** Every level with an ignored policy. At the workload level a pair of policies is told once, with all its workloads. */
export function levelsWithSeveral(mesh: Mesh): readonly PolicyLevel[] {
  const { policies } = mesh;
  const inNamespace = (namespace: string): readonly Workload[] =>
    mesh.workloadsByNamespace.get(namespace) ?? [];
  const levels: PolicyLevel[] = [];
  const whole = (
    scope: 'mesh' | 'namespace',
    namespace: string,
    list: readonly Policy[],
    workloads: () => readonly Workload[],
  ): void => {
    const [winner, ...others] = list;
    if (winner === undefined || others.length === 0) return;
    const affected = workloads();
    levels.push({
      scope,
      namespace,
      ignored: others.map((policy) => ({
        policy,
        winner,
        workloads: affected,
        countsElsewhere: false,
        winnerReachesMore: false,
      })),
    });
  };
  whole('mesh', policies.rootNamespace, policies.mesh, () => mesh.workloads);
  for (const [namespace, list] of policies.namespace) {
    whole('namespace', namespace, list, () => inNamespace(namespace));
  }
  for (const [namespace, list] of policies.workload) {
    if (namespace === policies.rootNamespace || list.length < 2) continue;
    const ignored = ignoredForWorkloads(mesh, inNamespace(namespace));
    if (ignored.length > 0) levels.push({ scope: 'workload', namespace, ignored });
  }
  return levels;
}

function ignoredForWorkloads(mesh: Mesh, workloads: readonly Workload[]): readonly IgnoredPolicy[] {
  const pairs = new Map<Policy, Map<Policy, Workload[]>>();
  const wins = new Map<Policy, number>();
  for (const workload of workloads) {
    const level = composedMode(mesh, workload).levels.find(({ scope }) => scope === 'workload');
    if (level === undefined) continue;
    wins.set(level.policy, (wins.get(level.policy) ?? 0) + 1);
    for (const policy of level.beaten) {
      const winners = pairs.get(policy) ?? new Map<Policy, Workload[]>();
      pairs.set(policy, winners);
      const list = winners.get(level.policy);
      if (list === undefined) winners.set(level.policy, [workload]);
      else list.push(workload);
    }
  }
  return [...pairs].flatMap(([policy, winners]) =>
    [...winners].map(([winner, list]) => ({
      policy,
      winner,
      workloads: list,
      countsElsewhere: wins.has(policy) || winners.size > 1,
      winnerReachesMore: (wins.get(winner) ?? 0) > list.length,
    })),
  );
}
