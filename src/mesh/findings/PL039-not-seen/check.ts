/** PL039: something that the check should have read and could not. What rests on it is not known; silence about it is no pass. */
import type { Mesh } from '../../mesh.ts';
import { finding } from '../check.ts';
import type { Finding } from '../finding.ts';

export function notSeen(mesh: Mesh): readonly Finding[] {
  return mesh.snapshot.unseen.map(({ resource, namespace, reason }) =>
    finding(
      'PL039',
      { ref: { kind: resource, ...(namespace === undefined ? {} : { namespace }), name: '*' } },
      {
        message: `${resource} ${namespace === undefined ? 'of the cluster' : `of namespace ${namespace}`} could not be read: ${reason.replace(/\.$/, '')}.`,
        why: 'A check that did not see them cannot say that nothing is wrong with them.',
        fix: {
          text: `Grant get, list and watch on ${resource} (\`padlock rbac\` prints a role that is enough), or give the missing manifests with -f.`,
          changes: [],
        },
      },
    ),
  );
}
