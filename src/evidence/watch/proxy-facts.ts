/** Facts that the proxies tell: certificates that are due, configuration that is behind, versions that are old. */
import { inbound, portsOf } from '../../mesh/inbound.ts';
import { type Mesh, workloads } from '../../mesh/mesh.ts';
import type { Workload } from '../../mesh/workload.ts';
import type { Cluster } from '../../sources/cluster.ts';
import { asList, asText, dig } from '../../sources/json-value.ts';
import { mapLimited } from '../../sources/kube/limit.ts';
import { meshRootFingerprints } from '../certificates/inventory.ts';
import { judgeCertificates, judgeRoots, type PodCertificates, shortId } from '../certificates/judge.ts';
import { readProxy } from '../proxy/loaded.ts';
import { podsWithProxy } from '../proxy/pods.ts';
import { ProxyReader } from '../proxy/reader.ts';
import { idOf } from '../verify/identities.ts';
import type { Fact } from './fact.ts';

export interface CertificateEnd {
  readonly namespace: string;
  readonly pod: string;
  /** Milliseconds since the epoch. */
  readonly ends: number;
}

export interface ProxyLook {
  readonly facts: readonly Fact[];
  readonly certificates: readonly CertificateEnd[];
  readonly roots: readonly { readonly root: string; readonly ends: number }[];
  /** Pods whose proxy differs from what is declared, or cannot be read: told only when the next look finds the same. */
  readonly behind: ReadonlyMap<string, string>;
  readonly read: number;
  readonly unread: number;
}

const atOnce = 8;

/**
 * Asks every proxy of the namespaces.
 * @param behindBefore what the look before found behind; a proxy is called stale when it is so twice
 */
export async function lookAtProxies(
  mesh: Mesh,
  namespaces: readonly string[] | undefined,
  behindBefore: ReadonlyMap<string, string>,
  effects: { readonly cluster: Cluster; readonly signal: AbortSignal; now(): number },
): Promise<ProxyLook> {
  const reader = new ProxyReader(effects);
  const newest = controlPlaneVersion(mesh);
  const roots = meshRootFingerprints(mesh);
  const facts: Fact[] = [];
  const behind = new Map<string, string>();
  const held: PodCertificates[] = [];
  let unread = 0;
  const pods = podsWithProxy(mesh, workloads(mesh, namespaces));
  await mapLimited(pods, atOnce, async ({ workload, namespace, name: pod }) => {
    const name = `${namespace}/${pod}`;
    const fact = (kind: string, subject: string, value: string, detail: string): Fact => ({
      key: `${kind} ${subject}`,
      value,
      namespace,
      detail,
    });
    facts.push(fact('pod', name, '', ''));
    const wanted = workload.dataplane === 'sidecar' ? portsOf(mesh, workload) : [];
    const proxy = await readProxy(reader, namespace, pod, wanted, undefined);
    if (!proxy.read) {
      unread += 1;
      behind.set(`unseen ${name}`, proxy.why);
      if (behindBefore.has(`unseen ${name}`)) facts.push(fact('unseen', name, '', proxy.why));
      return;
    }
    const expectedId = idOf(mesh, workload);
    for (const set of proxy.certificates) {
      const certificates = { ...set, namespace, pod, expectedId };
      held.push(certificates);
      for (const { problem, message } of judgeCertificates(certificates, effects.now(), roots)) {
        facts.push(fact('certificate', `${name} ${problem}`, '', message));
      }
    }
    const different = differs(mesh, workload, proxy.byPort);
    if (different !== undefined) behind.set(name, different);
    if (different !== undefined && behindBefore.has(name)) facts.push(fact('stale', name, '', different));
    else if (isOlder(proxy.istioVersion, newest)) {
      facts.push(fact('stale', name, '', `it runs Istio ${proxy.istioVersion}, the control plane ${newest}`));
    }
  });
  for (const { problem, message } of judgeRoots(held)) {
    facts.push({ key: `certificate mesh ${problem}`, value: '', namespace: '', detail: message });
  }
  facts.push({ key: 'pod mesh', value: '', namespace: '', detail: '' });
  const rootEnds = new Map(
    held.flatMap(({ roots: own }) => own.map((root) => [shortId(root), Date.parse(root.validTo)] as const)),
  );
  return {
    facts: [...new Map(facts.map((fact) => [fact.key, fact])).values()],
    certificates: held.flatMap(({ namespace, pod, chain: [leaf] }) =>
      leaf === undefined ? [] : [{ namespace, pod, ends: Date.parse(leaf.validTo) }],
    ),
    roots: [...rootEnds].map(([root, ends]) => ({ root, ends })),
    behind,
    read: pods.length - unread,
    unread,
  };
}

function differs(
  mesh: Mesh,
  workload: Workload,
  byPort: ReadonlyMap<
    number,
    { readonly acceptsMtls: boolean; readonly acceptsPlaintext: boolean; readonly mode: string }
  >,
): string | undefined {
  for (const [port, loaded] of byPort) {
    const declared = inbound(mesh, workload, port);
    if (!declared.captured) continue;
    const differs = loaded.acceptsMtls !== declared.mtls || loaded.acceptsPlaintext !== declared.plaintext;
    if (differs || loaded.mode === 'UNKNOWN') {
      return `port ${port} is ${loaded.mode} in the proxy, ${declared.mode} is declared`;
    }
  }
  return undefined;
}

/** The newest version among istiod's images: `1.29.1`. */
function controlPlaneVersion(mesh: Mesh): string {
  const versions = mesh.snapshot.objects
    .filter(({ object }) => object.kind === 'Pod' && object.metadata.labels?.app === 'istiod')
    .flatMap(({ object }) => asList(dig(object.spec, 'containers')))
    .map((container) => /:v?(\d+\.\d+\.\d+)/.exec(asText(dig(container, 'image')) ?? '')?.[1] ?? '');
  return versions.toSorted(compareVersions).at(-1) ?? '';
}

function isOlder(version: string, than: string): boolean {
  const plain = /^\d+\.\d+\.\d+/.exec(version)?.[0] ?? '';
  return plain !== '' && than !== '' && compareVersions(plain, than) < 0;
}

function compareVersions(a: string, b: string): number {
  const [one, other] = [a, b].map((version) => version.split('.').map(Number));
  for (const index of [0, 1, 2]) {
    const difference = (one?.[index] ?? 0) - (other?.[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
