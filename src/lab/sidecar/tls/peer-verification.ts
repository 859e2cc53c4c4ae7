/**
 * Whether a peer's certificate is acceptable: its chain leads to a trusted root, it is valid now, and one of its URI
 * names matches, as Envoy's default certificate validator checks (RFC 5280 §6.1 for a path of names, signatures and
 * dates; the SPIFFE X.509-SVID standard for the names). Node is told to let every certificate pass, so that this
 * alone decides and can say why.
 */
import { X509Certificate } from 'node:crypto';
import type { StringMatcher } from '../config/tls.ts';
import { matchesString } from './string-match.ts';

export interface PeerIdentity {
  readonly uris: readonly string[];
  readonly dnsNames: readonly string[];
  /** RFC 4514 text; empty for workload certificates. */
  readonly subject: string;
  /** SHA-256 of the certificate, lower-case hexadecimal: XFCC's `Hash`. */
  readonly fingerprint: string;
  readonly serialNumber: string;
}

/** `chain`: no trusted root, or outside its dates (Envoy's fail_verify_error); `name`: fail_verify_san. */
export type PeerProblem = { readonly kind: 'chain' | 'name'; readonly reason: string };

export interface TrustedRoots {
  readonly certificates: readonly X509Certificate[];
}

const maxChainLength = 5;

/** Reads a PEM bundle. Throws where it is none. */
export function readRoots(pem: string): TrustedRoots {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return { certificates: blocks.map((block) => new X509Certificate(block)) };
}

/** @returns null where the peer is acceptable. An empty list of matchers accepts every name. */
export function verifyPeer(
  leaf: X509Certificate,
  roots: TrustedRoots,
  names: readonly StringMatcher[],
  now: number,
): PeerProblem | null {
  const chain = verifyChain(leaf, roots, now);
  if (chain !== null) return { kind: 'chain', reason: chain };
  if (names.length === 0) return null;
  const { uris, dnsNames } = identityOf(leaf);
  const accepted = [...uris, ...dnsNames].some((name) =>
    names.some((matcher) => matchesString(matcher, name)),
  );
  return accepted ? null : { kind: 'name', reason: 'SAN matcher' };
}

function verifyChain(leaf: X509Certificate, roots: TrustedRoots, now: number): string | null {
  let current = leaf;
  for (let depth = 0; depth < maxChainLength; depth += 1) {
    if (now < current.validFromDate.getTime()) return 'certificate is not yet valid';
    if (now > current.validToDate.getTime()) return 'certificate has expired';
    const subject = current;
    const root = roots.certificates.find((item) => isSignedBy(subject, item));
    if (root !== undefined) {
      return now > root.validToDate.getTime() ? 'certificate has expired' : null;
    }
    const issuer = current.issuerCertificate;
    if (issuer === undefined || issuer.fingerprint256 === current.fingerprint256) break;
    if (!issuer.ca || !isSignedBy(current, issuer)) break;
    current = issuer;
  }
  return 'unable to get local issuer certificate';
}

function isSignedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

/** The names in a certificate. */
export function identityOf(certificate: X509Certificate): PeerIdentity {
  const names = (certificate.subjectAltName ?? '').split(', ');
  const of = (prefix: string): readonly string[] =>
    names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
  return {
    uris: of('URI:'),
    dnsNames: of('DNS:'),
    subject: rfc4514(certificate.subject),
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    serialNumber: certificate.serialNumber.toLowerCase(),
  };
}

/** Node prints `C=..\nO=..\nCN=..`; RFC 4514 wants the last first, with commas. */
function rfc4514(subject: string | undefined): string {
  return (subject ?? '').split('\n').reverse().join(',');
}
