/** The narrowest change that makes workloads STRICT without adding a policy that an older one would hide. */
import type { StringMap } from '../../istio/fields.ts';
import { composedMode } from '../inbound.ts';
import type { Mesh } from '../mesh.ts';
import type { FixChange, Json } from './finding.ts';
import { selectedWorkloads } from './selected-workloads.ts';
import { labelsText } from './wording.ts';

/**
 * STRICT for the workloads with these labels, or for the whole namespace without labels. Policies that already count for them are
 * patched; where there is none, one is added. Several changes where several policies share the workloads.
 */
export function strictFor(
  mesh: Mesh,
  namespace: string,
  labels: StringMap | undefined,
): readonly FixChange[] {
  const scope = labels === undefined ? 'namespace' : 'workload';
  const targets = new Map<string, FixChange>();
  let uncovered = false;
  for (const workload of selectedWorkloads(mesh, namespace, labels ?? {})) {
    const composed = composedMode(mesh, workload);
    const holders = composed.levels.filter((level) => level.scope === scope || level.scope === 'workload');
    if (!holders.some((level) => level.scope === scope)) uncovered = true;
    for (const { policy } of holders) {
      const patch = strictPatch(policy);
      if (patch !== undefined) targets.set(policy.name, { kind: 'merge-patch', target: policy.ref, patch });
    }
  }
  return uncovered ? [...targets.values(), newPolicy(namespace, labels)] : [...targets.values()];
}

/** What keeps a policy from being STRICT throughout; undefined where nothing does. */
function strictPatch(policy: {
  readonly mode: string;
  readonly portLevel: ReadonlyMap<number, string>;
  readonly selector: { readonly labels?: StringMap };
}): Json | undefined {
  const weakPorts = [...policy.portLevel].filter(([, mode]) => mode !== 'STRICT' && mode !== 'UNSET');
  const weakMode =
    policy.mode !== 'STRICT' && (policy.mode !== 'UNSET' || policy.selector.labels === undefined);
  if (!weakMode && weakPorts.length === 0) return undefined;
  return {
    spec: {
      ...(weakMode ? { mtls: { mode: 'STRICT' } } : {}),
      ...(weakPorts.length > 0
        ? { portLevelMtls: Object.fromEntries(weakPorts.map(([port]) => [String(port), { mode: 'STRICT' }])) }
        : {}),
    },
  };
}

function newPolicy(namespace: string, labels: StringMap | undefined): FixChange {
  const name =
    labels === undefined
      ? 'default'
      : `strict-${labelsText(labels)
          .toLowerCase()
          .replace(/[^a-z0-9]+/g, '-')
          .replace(/^-|-$/g, '')}`;
  return {
    kind: 'apply',
    manifest: {
      apiVersion: 'security.istio.io/v1',
      kind: 'PeerAuthentication',
      metadata: { name, namespace },
      spec: {
        ...(labels === undefined ? {} : { selector: { matchLabels: labels } }),
        mtls: { mode: 'STRICT' },
      },
    },
  };
}
