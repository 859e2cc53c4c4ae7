/** Who called what, with an identity: from the servers' access logs, and the identities alone from their counters. */
import { portsOf } from '../../mesh/inbound.ts';
import { type Mesh, workloads } from '../../mesh/mesh.ts';
import type { Workload } from '../../mesh/workload.ts';
import { mapLimited } from '../../sources/kube/limit.ts';
import type { Sample } from '../envoy/prometheus.ts';
import { accessLogRecords } from '../observed/access-log-records.ts';
import { type AddressBook, addressBook } from '../observed/address-book.ts';
import { receivedCounters } from '../probe/server-records.ts';
import type { LoggedEntry } from '../proxy/log.ts';
import { type ProxyPod, podsWithProxy } from '../proxy/pods.ts';
import { ProxyReader, type ReaderEffects } from '../proxy/reader.ts';
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
  effects: ReaderEffects,
): Promise<readonly WorkloadCalls[]> {
  const reader = new ProxyReader(effects);
  const callers: Callers = { book: addressBook([mesh]), identities: identitiesByAddress(mesh) };
  const servers = workloads(mesh, [namespace]).filter(
    (workload) => workload.dataplane === 'sidecar' && portsOf(mesh, workload).length > 0,
  );
  const pods = Map.groupBy(podsWithProxy(mesh, servers), ({ workload }) => workload);
  return mapLimited(servers, atOnce, async (workload) => {
    const calls = new Map<string, Call>();
    const counted = new Set<string>();
    const unseen: string[] = [];
    for (const pod of pods.get(workload) ?? []) {
      const log = await reader.accessLog({ ...pod, pod: pod.name }, { since }, (entries) =>
        addCalls(calls, pod, entries, callers),
      );
      if (!log.read) unseen.push(`${pod.name}: ${log.reason}`);
      else if (log.gap !== undefined) unseen.push(`${pod.name}: ${log.gap}`);
      const samples = await receivedCounters(reader, { namespace, pod: pod.name });
      if (samples === undefined) unseen.push(`${pod.name}: its counters cannot be read`);
      for (const principal of principalsIn(samples ?? [])) counted.add(principal);
    }
    return { workload, calls: [...calls.values()], counted, unseen };
  });
}

/** Who may be behind an address. */
interface Callers {
  readonly book: AddressBook;
  readonly identities: ReadonlyMap<string, string>;
}

function addCalls(
  calls: Map<string, Call>,
  pod: ProxyPod,
  entries: readonly LoggedEntry[],
  callers: Callers,
): void {
  for (const entry of entries) {
    const call = callOf(pod, entry, callers);
    if (call === undefined) continue;
    const key = [call.port, call.principal ?? call.address, call.method, call.path].join(' ');
    calls.set(key, { ...call, count: (calls.get(key)?.count ?? 0) + 1 });
  }
}

/** Identities that were counted, as an AuthorizationPolicy names them. */
function principalsIn(samples: readonly Sample[]): readonly string[] {
  const scheme = 'spiffe://';
  return samples
    .filter(({ labels, value }) => value > 0 && labels.source_principal?.startsWith(scheme) === true)
    .map(({ labels }) => (labels.source_principal ?? '').slice(scheme.length));
}

function callOf(
  { workload, addresses }: ProxyPod,
  logged: LoggedEntry,
  { book, identities }: Callers,
): Call | undefined {
  const [record] = accessLogRecords(workload, addresses, [logged], book);
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
