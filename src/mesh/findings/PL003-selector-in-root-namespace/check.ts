/**
 * PL003: a PeerAuthentication with a selector in the root namespace. The field's documentation says that it matches workloads of
 * all namespaces; istiod leaves it out for workloads of any namespace, the root namespace's own included.
 */
import type { PeerAuthentication } from '../../../istio/peer-authentication.ts';
import type { Mesh, Read } from '../../mesh.ts';
import type { Workload } from '../../workload.ts';
import { finding } from '../check.ts';
import type { Finding, Fix, FixChange } from '../finding.ts';
import { specOf } from '../policy-modes.ts';
import { selectedWorkloads } from '../selected-workloads.ts';
import { count, labelsText, list, nameOf, verb, workloadRefs } from '../wording.ts';

/** More namespaces than this are a decision, not a patch. */
const mostNamespaces = 5;

export function selectorInRootNamespace(mesh: Mesh): readonly Finding[] {
  const root = mesh.config.rootNamespace;
  return mesh.peerAuthentications
    .filter((policy) => policy.namespace === root && policy.selector.labels !== undefined)
    .map((policy) => oneFinding(policy, matching(mesh, policy), root));
}

function matching(mesh: Mesh, policy: PeerAuthentication): readonly Workload[] {
  const labels = policy.selector.labels ?? {};
  const namespaces = new Set(mesh.workloads.map((workload) => workload.namespace));
  return [...namespaces].flatMap((namespace) => selectedWorkloads(mesh, namespace, labels));
}

function oneFinding(policy: Read<PeerAuthentication>, workloads: readonly Workload[], root: string): Finding {
  const labels = labelsText(policy.selector.labels ?? {});
  return finding('PL003', policy, {
    message: `${nameOf(policy.ref)} selects ${labels} in the root namespace ${root}, where a selector has no effect: ${
      workloads.length === 0
        ? 'it applies to nothing'
        : `${count(workloads.length, 'workload')} with these labels ${verb(workloads.length, 'keeps its mode', 'keep their mode')}`
    }.`,
    field: 'spec.selector',
    why: 'In the root namespace only policies without a selector count, for the whole mesh. One with a selector is left out silently, for workloads in the root namespace too.',
    fix: fixFor(policy, workloads, root),
    affected: workloadRefs(workloads),
  });
}

/** The same policy in each namespace that has such workloads. */
function fixFor(policy: Read<PeerAuthentication>, workloads: readonly Workload[], root: string): Fix {
  const namespaces = [...new Set(workloads.map((workload) => workload.namespace))].filter(
    (name) => name !== root,
  );
  const remove: FixChange = { kind: 'delete', target: policy.ref };
  if (namespaces.length === 0 || namespaces.length > mostNamespaces) {
    return {
      text:
        namespaces.length === 0
          ? 'Delete it; workloads in the root namespace can only have the mode of the whole mesh.'
          : `Put it into the namespaces of the workloads (${list(namespaces)}), then delete it here.`,
      changes: namespaces.length === 0 ? [remove] : [],
    };
  }
  const moved = namespaces.map(
    (namespace): FixChange => ({
      kind: 'apply',
      manifest: {
        apiVersion: 'security.istio.io/v1',
        kind: 'PeerAuthentication',
        metadata: { name: policy.name, namespace },
        spec: { selector: { matchLabels: policy.selector.labels ?? {} }, ...specOf(policy) },
      },
    }),
  );
  return { text: `Put it into ${list(namespaces)}, then delete it here.`, changes: [...moved, remove] };
}
