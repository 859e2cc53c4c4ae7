/** PL008: workloads for which no policy sets a mode. Istio's default is PERMISSIVE (istio.io, PeerAuthentication). */
import type { PeerAuthentication } from '../../../istio/peer-authentication.ts';
import { composedMode } from '../../inbound.ts';
import type { Mesh, Read } from '../../mesh.ts';
import type { Workload } from '../../workload.ts';
import { callersOutsideSentence } from '../callers-outside.ts';
import { finding, related } from '../check.ts';
import type { Finding } from '../finding.ts';
import { count, workloadRefs } from '../wording.ts';

interface Undecided {
  readonly workloads: Workload[];
  /** Policies that hold a level and set no mode. */
  readonly unset: Set<Read<PeerAuthentication>>;
}

export function noPolicy(mesh: Mesh): readonly Finding[] {
  const namespaces = new Map<string, Undecided>();
  for (const workload of mesh.workloads) {
    if (workload.dataplane !== 'sidecar' && workload.dataplane !== 'ambient') continue;
    const { scope, levels } = composedMode(mesh, workload);
    if (scope !== 'default') continue;
    let own = namespaces.get(workload.namespace);
    if (own === undefined) {
      own = { workloads: [], unset: new Set() };
      namespaces.set(workload.namespace, own);
    }
    own.workloads.push(workload);
    for (const { policy } of levels) own.unset.add(policy);
  }
  return [...namespaces].map(([namespace, undecided]) => oneFinding(mesh, namespace, undecided));
}

function oneFinding(mesh: Mesh, namespace: string, { workloads, unset }: Undecided): Finding {
  const number = count(workloads.length, 'workload');
  const holder = [...unset].find(
    (policy) => policy.namespace === namespace && policy.selector.labels === undefined,
  );
  const inRoot = namespace === mesh.config.rootNamespace;
  return finding(
    'PL008',
    { ref: { kind: 'Namespace', name: namespace } },
    {
      message: `No policy sets a mode for ${number} of namespace ${namespace}, so ${workloads.length === 1 ? 'it accepts' : 'they accept'} plaintext (PERMISSIVE by default)${
        unset.size > 0 ? '; the policies that are there say UNSET or nothing' : ''
      }.`,
      why: `Nobody decided this: it is what Istio does where nothing is written. ${callersOutsideSentence(mesh, namespace)}`,
      fix: {
        text: inRoot
          ? 'Set STRICT for the mesh once `padlock plan` finds nobody who still sends plaintext; this namespace has no level of its own.'
          : 'Set STRICT once `padlock plan` finds nobody who still sends plaintext, or PERMISSIVE to say that plaintext is meant.',
        changes: [
          holder === undefined
            ? {
                kind: 'apply',
                manifest: {
                  apiVersion: 'security.istio.io/v1',
                  kind: 'PeerAuthentication',
                  metadata: { name: 'default', namespace },
                  spec: { mtls: { mode: 'STRICT' } },
                },
              }
            : { kind: 'merge-patch', target: holder.ref, patch: { spec: { mtls: { mode: 'STRICT' } } } },
        ],
      },
      related: [...unset].map((policy) => related(policy, 'holds its level and sets no mode')),
      affected: workloadRefs(workloads),
    },
  );
}
