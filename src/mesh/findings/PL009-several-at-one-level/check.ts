/** PL009: more than one policy for a whole namespace, or for the mesh: which one counts rests on who was created first. */
import type { Mesh } from '../../mesh.ts';
import { finding, related } from '../check.ts';
import type { Finding } from '../finding.ts';
import { levelsWithSeveral, type PolicyLevel } from '../policy-levels.ts';
import { sameDemands } from '../policy-modes.ts';
import { count, list, nameOf } from '../wording.ts';

export function severalAtOneLevel(mesh: Mesh): readonly Finding[] {
  return levelsWithSeveral(mesh)
    .filter(({ scope }) => scope !== 'workload')
    .flatMap(oneFinding);
}

function oneFinding({ scope, namespace, ignored }: PolicyLevel): readonly Finding[] {
  const winner = ignored[0]?.winner;
  if (winner === undefined) return [];
  const others = ignored.map(({ policy }) => policy);
  const reach = scope === 'mesh' ? `the mesh (root namespace ${namespace})` : `namespace ${namespace}`;
  const undated = [winner, ...others].filter(({ createdAt }) => createdAt === undefined).length > 1;
  return [
    finding('PL009', winner, {
      severity: others.every((policy) => sameDemands(policy, winner)) ? 'info' : 'warning',
      message: `${count(others.length + 1, 'policy', 'policies')} are written for ${reach}: ${nameOf(winner.ref)} counts, ${list(others.map((policy) => nameOf(policy.ref)))} ${others.length === 1 ? 'does' : 'do'} not.`,
      why: undated
        ? 'Files have no creation time: in a cluster the one that is created first counts, whichever that is, and after a restore it may be another.'
        : 'The oldest counts. Deleting or recreating it (a restore, a pruning GitOps tool) hands the level to another policy without any change to that one.',
      fix: {
        text: `Keep one policy for ${reach} and delete the others.`,
        changes: others.map((policy) => ({ kind: 'delete', target: policy.ref })),
      },
      related: others.map((policy) => related(policy, 'is ignored')),
    }),
  ];
}
