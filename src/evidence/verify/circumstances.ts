/** What may explain that a proxy has loaded something else than the policies say. */
import { formatRef, type KubeObject, type ObjectRef } from '../../istio/kubernetes.ts';
import type { Mesh } from '../../mesh/mesh.ts';
import type { Workload } from '../../mesh/workload.ts';
import { asList, asObject, asObjects, asText, dig } from '../../sources/json-value.ts';
import type { Circumstances } from './row.ts';

export type CircumstancesOf = (
  workload: Workload,
  pods: readonly string[],
  policy: ObjectRef | undefined,
) => Circumstances;

/** Looks the snapshot through once, for all rows. */
export function circumstancesIn(mesh: Mesh): CircumstancesOf {
  const filters: KubeObject[] = [];
  const byRef = new Map<string, KubeObject>();
  for (const { object } of mesh.snapshot.objects) {
    if (object.kind === 'EnvoyFilter') filters.push(object);
    if (object.kind === 'Pod' || object.kind === 'PeerAuthentication') byRef.set(refOf(object), object);
  }
  const inbound = filters.filter(touchesInbound);
  return (workload, pods, policy) => {
    const changedAt = policy === undefined ? undefined : lastChange(byRef.get(formatRef(policy)));
    const olderPods = pods.flatMap((pod) => {
      const startedAt = startOf(byRef.get(`Pod ${workload.namespace}/${pod}`));
      if (changedAt === undefined || startedAt === undefined) return [];
      return Date.parse(startedAt) < Date.parse(changedAt) ? [{ pod, startedAt }] : [];
    });
    return {
      envoyFilters: inbound
        .filter((filter) => selects(filter, workload, mesh.config.rootNamespace))
        .map(refOf),
      ...(changedAt === undefined ? {} : { policyChangedAt: changedAt }),
      olderPods,
    };
  };
}

function refOf({ kind, metadata: { namespace, name } }: KubeObject): string {
  return formatRef({ kind, name, ...(namespace === undefined ? {} : { namespace }) });
}

/** The last write of its fields that the API server remembers, else its creation. */
function lastChange(object: KubeObject | undefined): string | undefined {
  const times = asList(object?.metadata.managedFields)
    .map((entry) => asText(asObject(entry).time))
    .filter((time) => time !== undefined);
  return times.toSorted().at(-1) ?? object?.metadata.creationTimestamp;
}

function startOf(pod: KubeObject | undefined): string | undefined {
  return asText(dig(pod, 'status', 'startTime')) ?? pod?.metadata.creationTimestamp;
}

/** Patches to clusters, routes and outbound listeners do not change who may connect. */
const inboundParts: ReadonlySet<string> = new Set([
  'LISTENER',
  'FILTER_CHAIN',
  'NETWORK_FILTER',
  'LISTENER_FILTER',
]);

function touchesInbound(filter: KubeObject): boolean {
  return asObjects(dig(filter, 'spec', 'configPatches')).some((patch) => {
    const context = asText(dig(patch, 'match', 'context')) ?? 'ANY';
    return (
      inboundParts.has(asText(patch.applyTo) ?? '') && (context === 'ANY' || context === 'SIDECAR_INBOUND')
    );
  });
}

function selects(filter: KubeObject, workload: Workload, rootNamespace: string): boolean {
  const { namespace } = filter.metadata;
  if (namespace !== workload.namespace && namespace !== rootNamespace) return false;
  const labels = asObject(dig(filter, 'spec', 'workloadSelector', 'labels'));
  return Object.entries(labels).every(([name, value]) => workload.labels[name] === value);
}
