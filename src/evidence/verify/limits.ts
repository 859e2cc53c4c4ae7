/** What a proof leaves out, in sentences: said in every output, so that nobody takes it for more than it is. */
import { type Mesh, workloads } from '../../mesh/mesh.ts';
import type { Unseen } from '../../mesh/snapshot.ts';
import type { SyncAnswer } from '../control-plane/read-sync-status.ts';
import type { VerifyRow } from './row.ts';
import { namespacesOutside, type Target, type TargetOptions } from './targets.ts';

export interface LimitFacts {
  readonly mesh: Mesh;
  readonly options: TargetOptions;
  readonly targets: readonly Target[];
  readonly rows: readonly VerifyRow[];
  readonly sync: SyncAnswer | undefined;
}

export function limitsOf({ mesh, options, targets, rows, sync }: LimitFacts): readonly string[] {
  const inScope = workloads(mesh, options.namespaces);
  const gateways = inScope.filter(({ dataplane }) => dataplane === 'gateway' || dataplane === 'waypoint');
  const ambient = inScope.filter(({ dataplane }) => dataplane === 'ambient');
  const silent = targets.filter(({ workload, ports }) => workload.from === 'pods' && ports.length === 0);
  return [
    'ports 15020, 15021 and 15090 of every sidecar answer in plaintext by design (metrics and health)',
    ...observedLimits(rows),
    ...syncLimits(sync),
    ...drainingLimits(rows),
    ...outsideLimits(namespacesOutside(mesh, options)),
    ...gateways.map(
      ({ namespace, name }) => `${namespace}/${name} is a gateway: PeerAuthentication does not apply to it`,
    ),
    ...ambient.map(
      ({ namespace, name }) => `${namespace}/${name} is in ambient mode: its node’s ztunnel holds the policy`,
    ),
    ...silent.map(
      ({ workload }) =>
        `${workload.namespace}: ${workload.kind}/${workload.name} has no port; name one with --port`,
    ),
    ...unseenLimits(mesh.snapshot.unseen),
  ];
}

function observedLimits(rows: readonly VerifyRow[]): readonly string[] {
  if (rows.some((row) => row.observed.looked)) {
    const windows = rows.flatMap((row) => (row.observed.looked ? [row.observed] : []));
    const from = windows.map((window) => window.from).toSorted()[0] ?? '';
    const to =
      windows
        .map((window) => window.to)
        .toSorted()
        .at(-1) ?? '';
    return [`traffic was observed from ${from} to ${to}: who did not call then was not seen`];
  }
  return ['observed traffic was not looked at: probes speak for themselves, not for your clients'];
}

function syncLimits(sync: SyncAnswer | undefined): readonly string[] {
  if (sync === undefined) return [];
  if (!sync.read) {
    const why = sync.notAllowed ? 'not allowed to look; padlock rbac --for proxy-status' : sync.why;
    return [`istiod was not asked what it sent to the proxies (${why})`];
  }
  return sync.complete ? [] : ['not every istiod answered what it sent to its proxies'];
}

function outsideLimits(namespaces: readonly string[]): readonly string[] {
  if (namespaces.length === 0) return [];
  return [
    `no workload of these namespaces is in the mesh, so they were not verified: ${namespaces.join(', ')}`,
  ];
}

function drainingLimits(rows: readonly VerifyRow[]): readonly string[] {
  const draining = rows.filter((row) =>
    row.configured.some((pod) => 'configured' in pod && pod.configured.drainingAcceptsPlaintext),
  );
  const [first] = draining;
  if (first === undefined) return [];
  const more = draining.length === 1 ? '' : ` and ${draining.length - 1} more`;
  return [
    `${first.namespace}/${first.workload}:${first.port}${more} still drain connections from before the last change, which may be plaintext`,
  ];
}

/** One sentence for each place, however many kinds could not be read there. */
function unseenLimits(unseen: readonly Unseen[]): readonly string[] {
  const places = Map.groupBy(unseen, ({ namespace }) => namespace);
  return [...places].map(([namespace, list]) => {
    const kinds = list.map(({ resource }) => resource.split('.')[0]).join(', ');
    const where = namespace === undefined ? 'outside the namespaces that may be read' : `in ${namespace}`;
    const [first] = list;
    return list.length === 1 && first !== undefined
      ? `not seen: ${kinds} ${where} (${first.reason})`
      : `not seen ${where}: ${kinds}`;
  });
}
