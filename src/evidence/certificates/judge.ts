/** What is wrong with the certificates of a mesh's proxies. */
import type { Certificate } from './certificate.ts';
import type { ProxyCertificates } from './workload-certificates.ts';

export type CertificateProblem =
  | 'expired'
  | 'not-yet-valid'
  | 'expiring'
  | 'not-rotated'
  | 'wrong-identity'
  | 'broken-chain'
  | 'foreign-root'
  | 'weak-key'
  | 'weak-signature'
  | 'root-expiring'
  | 'mixed-roots'
  | 'unreadable';

const severities = {
  expired: 'error',
  'not-yet-valid': 'error',
  expiring: 'warning',
  'not-rotated': 'warning',
  'wrong-identity': 'error',
  'broken-chain': 'error',
  'foreign-root': 'error',
  'weak-key': 'warning',
  'weak-signature': 'warning',
  'root-expiring': 'warning',
  'mixed-roots': 'warning',
  unreadable: 'error',
} as const satisfies Record<CertificateProblem, 'error' | 'warning'>;

export interface CertificateFinding {
  readonly problem: CertificateProblem;
  readonly severity: 'error' | 'warning';
  readonly message: string;
}

export interface PodCertificates extends ProxyCertificates {
  readonly namespace: string;
  readonly pod: string;
  /** `spiffe://TRUST-DOMAIN/ns/NAMESPACE/sa/SERVICE-ACCOUNT`; absent where the trust domain is not known. */
  readonly expectedId?: string;
}

const hour = 3_600_000;
const day = 24 * hour;
/** A root that ends sooner than this needs a plan now (istio.io: plug-in CA rotation). */
const rootWarning = 90 * day;
/** How far past half its life a certificate may be before it counts as not rotated, as a share of its life. */
const rotationSlack = 0.1;

/**
 * When the agent renews a certificate: at half of what was left when it got it (SECRET_GRACE_PERIOD_RATIO 0.5). istiod
 * dates certificates two minutes back, which counts where they are short. Milliseconds.
 * @param received RFC 3339; the certificate's beginning stands in where it is not known
 */
export function renewalDue(certificate: Certificate, received?: string): number {
  const from = lifeBegins(certificate, received);
  return from + (Date.parse(certificate.validTo) - from) / 2;
}

function lifeBegins(certificate: Certificate, received: string | undefined): number {
  const from = Date.parse(certificate.validFrom);
  const got = Date.parse(received ?? '');
  return got > from && got < Date.parse(certificate.validTo) ? got : from;
}

/**
 * @param now milliseconds since the epoch
 * @param meshRoots fingerprints of the roots that the control plane gives out; empty where they are not known
 */
export function judgeCertificates(
  proxy: PodCertificates,
  now: number,
  meshRoots: ReadonlySet<string> = new Set(),
): readonly CertificateFinding[] {
  const [leaf] = proxy.chain;
  const findings: CertificateFinding[] = [];
  const add = (problem: CertificateProblem, message: string): void => {
    findings.push({ problem, severity: severities[problem], message });
  };
  if (leaf !== undefined) {
    judgeLeaf(leaf, proxy, now, add);
    if (proxy.chainIsBroken === true)
      add('broken-chain', 'the chain does not lead to a root that the proxy trusts');
  }
  const known = proxy.roots.filter((root) => root.fingerprint !== '');
  if (meshRoots.size > 0 && known.length > 0 && !known.some((root) => meshRoots.has(root.fingerprint))) {
    add('foreign-root', 'the proxy trusts none of the roots that the control plane gives out');
  }
  for (const certificate of [...proxy.chain, ...proxy.roots]) judgeStrength(certificate, add);
  for (const root of proxy.roots) {
    const left = Date.parse(root.validTo) - now;
    if (left < rootWarning) add('root-expiring', `the root ${shortId(root)} ends ${root.validTo}`);
  }
  return findings;
}

type Add = (problem: CertificateProblem, message: string) => void;

function judgeLeaf(leaf: Certificate, proxy: PodCertificates, now: number, add: Add): void {
  const { expectedId, received } = proxy;
  const from = Date.parse(leaf.validFrom);
  const to = Date.parse(leaf.validTo);
  const life = to - lifeBegins(leaf, received);
  const due = renewalDue(leaf, received);
  const late = now - due > life * rotationSlack;
  if (now > to) add('expired', `the certificate ended ${leaf.validTo}`);
  else if (now < from) add('not-yet-valid', `the certificate begins ${leaf.validFrom}`);
  else if (to - now < Math.min(hour, life / 10)) add('expiring', `the certificate ends ${leaf.validTo}`);
  else if (late) {
    add('not-rotated', `the certificate was due for renewal ${new Date(due).toISOString()}`);
  }
  if (expectedId !== undefined && !leaf.uris.includes(expectedId)) {
    const shown = leaf.uris.join(', ') || 'no SPIFFE id';
    add('wrong-identity', `the certificate says ${shown}, the service account’s is ${expectedId}`);
  }
}

/** Below what NIST SP 800-57 gives for use today: RSA 2048, EC 224, SHA-2. Summaries carry neither and are passed over. */
function judgeStrength(certificate: Certificate, add: Add): void {
  const { key, keyBits, signature } = certificate;
  const smallest = key.startsWith('RSA') ? 2048 : 224;
  if (keyBits > 0 && keyBits < smallest) add('weak-key', `${shortId(certificate)} has a key of ${key}`);
  if (/MD5|SHA1/.test(signature))
    add('weak-signature', `${shortId(certificate)} is signed with ${signature}`);
}

/** Names a certificate in a sentence. */
export function shortId(certificate: Certificate): string {
  const id = certificate.fingerprint === '' ? certificate.serial : certificate.fingerprint;
  return id.slice(0, 16);
}

/** Every root that some proxy trusts, with the proxies that do. */
export function rootsInUse(
  proxies: readonly PodCertificates[],
): readonly { readonly root: Certificate; readonly pods: readonly string[] }[] {
  const roots = new Map<string, { root: Certificate; pods: string[] }>();
  for (const proxy of proxies) {
    for (const root of proxy.roots) {
      const known = roots.get(shortId(root)) ?? { root, pods: [] };
      known.pods.push(`${proxy.namespace}/${proxy.pod}`);
      roots.set(shortId(root), known);
    }
  }
  return [...roots.values()];
}

/** A mix of roots: some proxies trust a root that others do not, so their certificates may be refused. */
export function judgeRoots(proxies: readonly PodCertificates[]): readonly CertificateFinding[] {
  const all = rootsInUse(proxies);
  const withRoots = proxies.filter((proxy) => proxy.roots.length > 0).length;
  return all
    .filter(({ pods }) => new Set(pods).size < withRoots)
    .map(({ root, pods }) => {
      const shown = pods.slice(0, 5).join(', ') + (pods.length > 5 ? ` and ${pods.length - 5} more` : '');
      const message = `the root ${shortId(root)} is trusted by ${pods.length} of ${withRoots} proxies (${shown})`;
      return { problem: 'mixed-roots', severity: severities['mixed-roots'], message };
    });
}
