/** `padlock certs`: the certificates of every proxy in the asked namespaces, and what is wrong with them. */
import { type Mesh, workloads } from '../../mesh/mesh.ts';
import type { Workload } from '../../mesh/workload.ts';
import type { Cluster } from '../../sources/cluster.ts';
import { asText, dig } from '../../sources/json-value.ts';
import { mapLimited } from '../../sources/kube/limit.ts';
import { readProxy } from '../proxy/loaded.ts';
import { podsWithProxy } from '../proxy/pods.ts';
import { ProxyReader } from '../proxy/reader.ts';
import { idOf } from '../verify/identities.ts';
import type { Certificate, ReadCertificate } from './certificate.ts';
import { readCertificates } from './certificate.ts';
import {
  type CertificateFinding,
  judgeCertificates,
  judgeRoots,
  type PodCertificates,
  renewalDue,
  rootsInUse,
} from './judge.ts';

export interface InventoryEntry {
  readonly namespace: string;
  readonly workload: string;
  readonly pod: string;
  readonly expectedId: string;
  /** Of the certificate; absent where it names none. */
  readonly trustDomain?: string;
  readonly chain: readonly Certificate[];
  readonly roots: readonly string[];
  /** RFC 3339. */
  readonly renewalDue: string;
  readonly received?: string;
  readonly findings: readonly CertificateFinding[];
}

export interface Inventory {
  readonly context: string;
  /** RFC 3339. */
  readonly takenAt: string;
  readonly entries: readonly InventoryEntry[];
  readonly roots: readonly { readonly root: Certificate; readonly pods: readonly string[] }[];
  /** About the mesh as a whole: a mix of roots. */
  readonly findings: readonly CertificateFinding[];
  /** Of all certificates that were read, sorted. */
  readonly trustDomains: readonly string[];
  /** Istio versions of the proxies that were read, sorted. */
  readonly istioVersions: readonly string[];
  /** Proxies that could not be read, and why. */
  readonly unread: readonly { readonly pod: string; readonly why: string; readonly notAllowed: boolean }[];
}

const podConcurrency = 8;

export interface InventoryEffects {
  readonly cluster: Cluster;
  readonly now: () => number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (done: number, total: number) => void;
}

/** @throws only what a broken connection throws; proxies that cannot be read are listed */
export async function certificateInventory(
  mesh: Mesh,
  namespaces: readonly string[] | undefined,
  effects: InventoryEffects,
  wants: (workload: Workload) => boolean = () => true,
): Promise<Inventory> {
  const reader = new ProxyReader(effects);
  const unread: Inventory['unread'][number][] = [];
  const pods = podsWithProxy(mesh, workloads(mesh, namespaces).filter(wants));
  const meshRoots = meshRootFingerprints(mesh);
  const versions = new Set<string>();
  let done = 0;
  const read = await mapLimited(pods, podConcurrency, async ({ workload, namespace, name: pod }) => {
    const facts = await readProxy(reader, namespace, pod, [], undefined);
    done++;
    effects.onProgress?.(done, pods.length);
    if (!facts.read) {
      unread.push({ pod: `${namespace}/${pod}`, why: facts.why, notAllowed: facts.notAllowed });
      return [];
    }
    if (facts.certificatesUnread !== undefined) {
      const why = `a certificate in its dump is none: ${facts.certificatesUnread}`;
      unread.push({ pod: `${namespace}/${pod}`, why, notAllowed: false });
    }
    if (facts.istioVersion !== '') versions.add(facts.istioVersion);
    const expectedId = idOf(mesh, workload);
    return facts.certificates.map((set) => ({
      workload,
      certificates: { ...set, namespace, pod, expectedId },
    }));
  });
  const all = read.flat();
  const domains = all.flatMap(({ certificates }) => trustDomainOf(certificates.chain[0]?.uris ?? []) ?? []);
  return {
    context: effects.cluster.context,
    takenAt: new Date(effects.now()).toISOString(),
    entries: all.map(({ workload, certificates }) =>
      entryOf(workload, certificates, meshRoots, effects.now()),
    ),
    roots: rootsInUse(all.map(({ certificates }) => certificates)),
    findings: judgeRoots(all.map(({ certificates }) => certificates)),
    trustDomains: [...new Set(domains)].toSorted(),
    istioVersions: [...versions].toSorted(),
    unread,
  };
}

function entryOf(
  workload: Workload,
  certificates: PodCertificates & { readonly expectedId: string },
  meshRoots: ReadonlySet<string>,
  now: number,
): InventoryEntry {
  const [leaf] = certificates.chain;
  const trustDomain = trustDomainOf(leaf?.uris ?? []);
  return {
    namespace: workload.namespace,
    workload: `${workload.kind}/${workload.name}`,
    pod: certificates.pod,
    expectedId: certificates.expectedId,
    ...(trustDomain === undefined ? {} : { trustDomain }),
    chain: certificates.chain,
    roots: certificates.roots.map((root) => root.fingerprint),
    renewalDue: leaf === undefined ? '' : new Date(renewalDue(leaf, certificates.received)).toISOString(),
    ...(certificates.received === undefined ? {} : { received: certificates.received }),
    findings: judgeCertificates(certificates, now, meshRoots),
  };
}

/** `spiffe://cluster.local/ns/…`: the first one’s authority. */
export function trustDomainOf(uris: readonly string[]): string | undefined {
  return uris.map((uri) => /^spiffe:\/\/([^/]+)/.exec(uri)?.[1]).find((domain) => domain !== undefined);
}

/** The roots that the control plane gives out (ConfigMap istio-ca-root-cert), where that was read. */
export function meshRootsOf(mesh: Mesh): readonly ReadCertificate[] {
  const pems = mesh.snapshot.objects
    .filter(({ object }) => object.kind === 'ConfigMap' && object.metadata.name === 'istio-ca-root-cert')
    .map(({ object }) => asText(dig(object, 'data', 'root-cert.pem')) ?? '');
  const roots = new Map(pems.flatMap(readCertificates).map((root) => [root.fingerprint, root]));
  return [...roots.values()];
}

export function meshRootFingerprints(mesh: Mesh): ReadonlySet<string> {
  return new Set(meshRootsOf(mesh).map((root) => root.fingerprint));
}
