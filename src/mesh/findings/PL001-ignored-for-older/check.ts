/**
 * PL001: of several policies at one level Istio uses the oldest and says nothing about the others. The older one holds the
 * level even when it sets no mode (istio.io, PeerAuthentication: "the oldest is chosen"; istiod compares creation times, then names).
 */
import type { PeerAuthentication } from '../../../istio/peer-authentication.ts';
import type { Mesh, Read } from '../../mesh.ts';
import type { Workload } from '../../workload.ts';
import { finding, related } from '../check.ts';
import type { Finding, Fix, Severity } from '../finding.ts';
import { type IgnoredPolicy, levelsWithSeveral, type PolicyLevel } from '../policy-levels.ts';
import { demandsStrict, isStricter, sameDemands, specOf } from '../policy-modes.ts';
import { count, nameOf, workloadRefs } from '../wording.ts';

type Policy = Read<PeerAuthentication>;

export function ignoredForOlder(mesh: Mesh): readonly Finding[] {
  return levelsWithSeveral(mesh).flatMap((level) =>
    level.ignored.map((ignored) => oneFinding(level, ignored)),
  );
}

function oneFinding(level: PolicyLevel, ignored: IgnoredPolicy): Finding {
  const { policy, winner, workloads } = ignored;
  const stricter = isStricter(policy, winner);
  const severity: Severity =
    stricter && demandsStrict(policy) ? 'error' : sameDemands(policy, winner) ? 'info' : 'warning';
  return finding('PL001', policy, {
    severity,
    message: `${nameOf(policy.ref)} is ignored ${where(level, workloads)}: ${whichWins(policy, winner)}.`,
    field: policy.mode === 'UNSET' ? 'spec' : 'spec.mtls.mode',
    why: why(policy, winner, stricter),
    fix: fixFor(level, ignored, stricter),
    related: [related(winner, 'the policy that is used instead')],
    affected: workloadRefs(workloads),
  });
}

function where({ scope, namespace }: PolicyLevel, workloads: readonly Workload[]): string {
  if (scope === 'mesh') return 'for the mesh';
  if (scope === 'namespace') return `for namespace ${namespace}`;
  return `for ${count(workloads.length, 'workload')}`;
}

function whichWins(policy: Policy, winner: Policy): string {
  const name = nameOf(winner.ref);
  if (winner.createdAt === undefined && policy.createdAt === undefined) {
    return `neither has a creation time yet, and of ${name} and this one the first by name is used`;
  }
  if (winner.createdAt === policy.createdAt) {
    return `${name} was created in the same second, and the first by name is used`;
  }
  return `${name} is older, and only the oldest policy of a level is used`;
}

function why(policy: Policy, winner: Policy, stricter: boolean): string {
  if (winner.mode === 'UNSET' && policy.mode !== 'UNSET') {
    return `The older policy sets no mode, and still holds the level: ${policy.mode} is written here and has no effect.`;
  }
  if (stricter)
    return `${demand(policy)} is written here and ${demand(winner)} in the one that counts: this protection is not there.`;
  return 'Policies of one level do not merge: nothing in this one has any effect, and deleting the older one would change that at once.';
}

function demand(policy: Policy): string {
  if (policy.mode !== 'UNSET') return policy.mode;
  return policy.portLevel.size > 0 ? 'A mode for single ports' : 'No mode';
}

/** Keeps what holds, unless this policy asks for more and the two reach the same workloads: then its demands move. */
function fixFor({ scope }: PolicyLevel, { policy, winner, ...reach }: IgnoredPolicy, stricter: boolean): Fix {
  const remove = { kind: 'delete', target: policy.ref } as const;
  if (scope === 'workload' && (reach.countsElsewhere || (stricter && reach.winnerReachesMore))) {
    return {
      text: `Give ${nameOf(policy.ref)} and ${nameOf(winner.ref)} selectors that share no workload, each with all that its workloads need.`,
      changes: [],
    };
  }
  if (!stricter) return { text: 'Delete it: nothing changes, and nobody is misled.', changes: [remove] };
  return {
    text: `Move what it demands to ${nameOf(winner.ref)}, then delete it.`,
    changes: [{ kind: 'merge-patch', target: winner.ref, patch: { spec: specOf(policy) } }, remove],
  };
}
