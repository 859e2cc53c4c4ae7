/** What the dry runs of AuthorizationPolicies would have denied within a window, from the proxies' own shadow counters. */
import { type Mesh, workloads } from '../../mesh/mesh.ts';
import type { Cluster } from '../../sources/cluster.ts';
import { mapLimited } from '../../sources/kube/limit.ts';
import { AdminReader } from '../admin.ts';
import { parseStats, type Stats, statsDelta } from '../envoy/stats.ts';

export interface DryRunCount {
  readonly workload: string;
  readonly pod: string;
  /** `8080`; `TCP` where the statistic names none. */
  readonly port: string;
  /** `allow`: no rule of a dry-run ALLOW policy matched. `deny`: a rule of a dry-run DENY policy did. */
  readonly action: 'allow' | 'deny';
  readonly allowed: number;
  readonly denied: number;
}

export interface DryRunReading {
  readonly stats: ReadonlyMap<string, { readonly workload: string; readonly stats: Stats }>;
  readonly unread: readonly string[];
}

export async function readDryRuns(
  mesh: Mesh,
  namespace: string,
  { cluster, signal }: { readonly cluster: Cluster; readonly signal: AbortSignal },
): Promise<DryRunReading> {
  const admin = new AdminReader(cluster, signal);
  const stats = new Map<string, { workload: string; stats: Stats }>();
  const unread: string[] = [];
  const pods = workloads(mesh, [namespace])
    .filter(({ dataplane }) => dataplane === 'sidecar')
    .flatMap(({ kind, name, pods: own }) => own.map((pod) => ({ workload: `${kind}/${name}`, pod })))
    .filter(({ pod }) => pod.phase === 'Running' && !pod.deleting);
  await mapLimited(pods, 8, async ({ workload, pod }) => {
    const answer = await admin.get(namespace, pod.name, '/stats?filter=istio_dry_run');
    if (answer.ok) stats.set(pod.name, { workload, stats: parseStats(answer.text) });
    else unread.push(`${pod.name}: ${answer.reasons.join('; ')}`);
  });
  return { stats, unread };
}

/** What was counted between two readings. A pod that was not there before counts from zero. */
export function dryRunsBetween(before: DryRunReading, after: DryRunReading): readonly DryRunCount[] {
  const counts = new Map<string, DryRunCount>();
  for (const [pod, { workload, stats }] of after.stats) {
    const delta = statsDelta(before.stats.get(pod)?.stats ?? new Map(), stats);
    for (const name of stats.keys()) {
      const match = /istio_dry_run_(allow|deny)_\.shadow_(allowed|denied)$/.exec(name);
      if (match === null) continue;
      const action = match[1] === 'deny' ? 'deny' : 'allow';
      const port = /inbound_.*_(\d+);?\.rbac/.exec(name)?.[1] ?? 'TCP';
      const key = `${pod} ${port} ${action}`;
      const known = counts.get(key) ?? { workload, pod, port, action, allowed: 0, denied: 0 };
      const added = delta.get(name) ?? 0;
      counts.set(key, {
        ...known,
        allowed: known.allowed + (match[2] === 'allowed' ? added : 0),
        denied: known.denied + (match[2] === 'denied' ? added : 0),
      });
    }
  }
  return [...counts.values()].toSorted((a, b) => b.denied - a.denied || (a.pod < b.pod ? -1 : 1));
}
