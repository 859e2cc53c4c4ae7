/** Who called what, with an identity: from the servers' access logs, and the identities alone from their counters. */
import { portsOf } from '../../mesh/inbound.ts';
import { type Mesh, workloads } from '../../mesh/mesh.ts';
import type { Workload } from '../../mesh/workload.ts';
import type { Cluster } from '../../sources/cluster.ts';
import { mapLimited } from '../../sources/kube/limit.ts';
import { AdminReader } from '../admin.ts';
import { accessLogRecords } from '../observed/access-log-records.ts';
import { addressBook } from '../observed/address-book.ts';
import { type LoggedEntry, readAccessLog } from '../observed/read-access-log.ts';
import { receivedCounters } from '../probe/server-records.ts';
import { idOf } from '../verify/identities.ts';

export interface Call {
  readonly port: number;
  /** `cluster.local/ns/shop/sa/cart`: as an AuthorizationPolicy names it. Undefined: mutual TLS from an address that is nobody's any more. */
  readonly principal: string | undefined;
  readonly address: string;
  /** Absent on TCP. */
  readonly method?: string;
  /** Without the query. */
  readonly path?: string;
  readonly count: number;
}

export interface WorkloadCalls {
  readonly workload: Workload;
  readonly calls: readonly Call[];
  /** Principals that its proxies have counted since they started. */
  readonly counted: ReadonlySet<string>;
  /** Why a part could not be seen. */
  readonly unseen: readonly string[];
}

const atOnce = 8;

/** @param since milliseconds since the epoch */
export async function observedCalls(
  mesh: Mesh,
  namespace: string,
  since: number,
  effects: { readonly cluster: Cluster; readonly signal: AbortSignal },
): Promise<readonly WorkloadCalls[]> {
  const { cluster, signal } = effects;
  const book = addressBook([mesh]);
  const admin = new AdminReader(cluster, signal);
  const identities = identitiesByAddress(mesh);
  const servers = workloads(mesh, [namespace]).filter(
    (workload) => workload.dataplane === 'sidecar' && portsOf(mesh, workload).length > 0,
  );
  return mapLimited(servers, atOnce, async (workload) => {
    const calls = new Map<string, Call>();
    const counted = new Set<string>();
    const unseen: string[] = [];
    for (const pod of workload.pods) {
      if (pod.phase !== 'Running' || pod.deleting) continue;
      const own = new Set(pod.ips);
      const take = (entries: readonly LoggedEntry[]): void => {
        for (const entry of entries) {
          const call = callOf(workload, own, entry, book, identities);
          if (call === undefined) continue;
          const key = [call.port, call.principal ?? call.address, call.method, call.path].join(' ');
          calls.set(key, { ...call, count: (calls.get(key)?.count ?? 0) + 1 });
        }
      };
      const log = await readAccessLog(
        cluster,
        { namespace, pod: pod.name, restarts: 0 },
        since,
        take,
        signal,
      );
      if (!log.read) unseen.push(`${pod.name}: ${log.reason}`);
      else if (log.gap !== undefined) unseen.push(`${pod.name}: ${log.gap}`);
      const samples = await receivedCounters(admin, { namespace, pod: pod.name });
      if (samples === undefined) unseen.push(`${pod.name}: its counters cannot be read`);
      for (const { labels, value } of samples ?? []) {
        const principal = labels.source_principal ?? '';
        if (value > 0 && principal.startsWith('spiffe://')) counted.add(principal.slice('spiffe://'.length));
      }
    }
    return { workload, calls: [...calls.values()], counted, unseen };
  });
}

function callOf(
  workload: Workload,
  own: ReadonlySet<string>,
  logged: LoggedEntry,
  book: ReturnType<typeof addressBook>,
  identities: ReadonlyMap<string, string>,
): Call | undefined {
  const [record] = accessLogRecords(workload, own, [logged], book);
  if (record === undefined || record.security !== 'mtls' || record.refused === true) return undefined;
  if (record.port === undefined || record.sender.kind === 'padlock' || record.sender.kind === 'self')
    return undefined;
  const { entry } = logged;
  const address = record.address ?? entry.remoteAddress ?? '';
  const [method, target] = entry.request?.split(' ') ?? [];
  return {
    port: record.port,
    principal: identities.get(address),
    address,
    ...(method === undefined || target === undefined ? {} : { method, path: target.replace(/[?#].*$/, '') }),
    count: 1,
  };
}

/** An address that two workloads have is nobody's: the host's network has no identity. */
function identitiesByAddress(mesh: Mesh): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const twice = new Set<string>();
  for (const workload of mesh.workloads) {
    if (workload.dataplane === 'none') continue;
    const id = idOf(mesh, workload).slice('spiffe://'.length);
    for (const { ips } of workload.pods) {
      for (const ip of ips) {
        if (found.has(ip) && found.get(ip) !== id) twice.add(ip);
        found.set(ip, id);
      }
    }
  }
  for (const ip of twice) found.delete(ip);
  return found;
}
