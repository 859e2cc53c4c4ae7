/** What the dry runs of AuthorizationPolicies would have denied within a window, from the proxies' own shadow counters. */
import { type Mesh, workloads } from '../../mesh/mesh.ts';
import { mapLimited } from '../../sources/kube/limit.ts';
import { type Stats, statsDelta } from '../envoy/stats.ts';
import { podsWithProxy } from '../proxy/pods.ts';
import { ProxyReader, type ReaderEffects } from '../proxy/reader.ts';

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
  effects: ReaderEffects,
): Promise<DryRunReading> {
  const reader = new ProxyReader(effects);
  const stats = new Map<string, { workload: string; stats: Stats }>();
  const unread: string[] = [];
  const servers = workloads(mesh, [namespace]).filter(({ dataplane }) => dataplane === 'sidecar');
  await mapLimited(podsWithProxy(mesh, servers), 8, async ({ workload: { kind, name }, name: pod }) => {
    const answer = await reader.stats(namespace, pod, 'istio_dry_run');
    if (answer.read) stats.set(pod, { workload: `${kind}/${name}`, stats: answer.stats });
    else unread.push(`${pod}: ${answer.reason}`);
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
