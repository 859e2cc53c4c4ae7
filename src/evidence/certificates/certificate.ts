/** One X.509 certificate as the inventory shows it. Private keys are never read. */
import { X509Certificate } from 'node:crypto';
import { normalSerial } from '../envoy/certs.ts';
import { signatureAlgorithm } from './signature-algorithm.ts';

export interface Certificate {
  readonly subject: string;
  readonly issuer: string;
  readonly serial: string;
  readonly uris: readonly string[];
  readonly dnsNames: readonly string[];
  /** `EC P-256`, `RSA 2048`, `Ed25519`. */
  readonly key: string;
  readonly keyBits: number;
  readonly signature: string;
  /** RFC 3339. */
  readonly validFrom: string;
  readonly validTo: string;
  /** SHA-256 of the whole certificate, lower-case hexadecimal. */
  readonly fingerprint: string;
  readonly isAuthority: boolean;
  readonly selfSigned: boolean;
}

const pemBlock = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** A certificate that was read, with Node's own object for checking signatures. */
export interface ReadCertificate extends Certificate {
  readonly x509: X509Certificate;
}

/**
 * All certificates of a PEM text, in order; anything else in it, keys above all, is not touched.
 * @throws Error of OpenSSL where a block is not a certificate
 */
export function readCertificates(pem: string): readonly ReadCertificate[] {
  return [...pem.matchAll(pemBlock)].map(([block]) => readCertificate(block));
}

function readCertificate(pem: string): ReadCertificate {
  const x509 = new X509Certificate(pem);
  const names = (x509.subjectAltName ?? '').split(', ');
  const of = (kind: string): readonly string[] =>
    names.filter((name) => name.startsWith(`${kind}:`)).map((name) => name.slice(kind.length + 1));
  return {
    x509,
    subject: oneLine(x509.subject),
    issuer: oneLine(x509.issuer),
    serial: normalSerial(x509.serialNumber),
    uris: of('URI'),
    dnsNames: of('DNS'),
    ...keyOf(x509),
    signature: signatureAlgorithm(x509.raw),
    validFrom: new Date(x509.validFrom).toISOString(),
    validTo: new Date(x509.validTo).toISOString(),
    fingerprint: x509.fingerprint256.replaceAll(':', '').toLowerCase(),
    isAuthority: x509.ca,
    selfSigned: x509.subject === x509.issuer && x509.verify(x509.publicKey),
  };
}

/** Node prints one attribute a line; Istio's workload certificates have none. */
function oneLine(name: string | undefined): string {
  return (name ?? '').trim().split('\n').join(', ');
}

const curves: Readonly<Record<string, { readonly name: string; readonly bits: number }>> = {
  prime256v1: { name: 'P-256', bits: 256 },
  secp384r1: { name: 'P-384', bits: 384 },
  secp521r1: { name: 'P-521', bits: 521 },
};

function keyOf(x509: X509Certificate): { readonly key: string; readonly keyBits: number } {
  const { asymmetricKeyType: type = 'unknown', asymmetricKeyDetails: details } = x509.publicKey;
  if (type === 'ec') {
    const curve = curves[details?.namedCurve ?? ''];
    return { key: `EC ${curve?.name ?? details?.namedCurve ?? ''}`, keyBits: curve?.bits ?? 0 };
  }
  if (type === 'ed25519') return { key: 'Ed25519', keyBits: 256 };
  const bits = details?.modulusLength ?? 0;
  return { key: `${type.toUpperCase()} ${bits}`, keyBits: bits };
}
