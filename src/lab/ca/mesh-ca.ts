/**
 * The mesh's certificate authority: a self-signed root and short-lived workload certificates, as istiod's own
 * (ECDSA P-256, X.509v3 of RFC 5280, identities by the SPIFFE X.509-SVID standard). Keys never leave memory.
 */
import 'reflect-metadata';
import { randomBytes, type webcrypto, X509Certificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';

/** A key with its certificate: what Envoy's secret `default` holds. */
export interface WorkloadCertificate {
  readonly spiffeId: string;
  /** PEM: the leaf, then its issuers. */
  readonly chain: string;
  /** PEM, PKCS #8. Never logged, never printed. */
  readonly privateKey: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Lower-case hexadecimal. */
  readonly serialNumber: string;
}

export interface IssueRequest {
  readonly spiffeId: string;
  readonly ttlSeconds: number;
  /** Milliseconds since the epoch; now when absent. */
  readonly issuedAt?: number;
}

export interface MeshCaOptions {
  readonly trustDomain: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Both methods reject with `CaUnavailable` while the authority is switched off (`setAvailable`). */
export interface MeshCa {
  /** PEM: every root that workloads must trust, the newest last. One, but while the root is being rotated. */
  trustBundle(): string;
  issue(request: IssueRequest): Promise<WorkloadCertificate>;
  /** Adds a new root to the bundle; certificates are still signed by the old one. */
  addRoot(): Promise<void>;
  /** Signs with the newest root from now on. */
  signWithNewestRoot(): void;
  /** Stops trusting every root but the one that signs. */
  dropOldRoots(): void;
  /** An outage on purpose, for the tests of rotation. */
  setAvailable(available: boolean): void;
  /** Calls the listener after each change of the bundle; returns the unsubscribing function. */
  onBundleChange(listener: () => void): () => void;
}

/** The authority is switched off: what a workload hears during an outage of istiod. */
export class CaUnavailable extends Error {
  override readonly name = 'CaUnavailable';
}

interface Root {
  readonly certificate: x509.X509Certificate;
  readonly pem: string;
  readonly key: webcrypto.CryptoKey;
}

const keyAlgorithm = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const signingAlgorithm = { name: 'ECDSA', hash: 'SHA-256' } as const;
const rootYears = 10;
const dayMs = 86_400_000;
/** istiod dates certificates two minutes back, for nodes whose clocks run behind. */
const clockSkewMs = 120_000;

/** @returns a new authority with a fresh ten-year root. */
export async function createMeshCa(options: MeshCaOptions): Promise<MeshCa> {
  const listeners = new Set<() => void>();
  const first = await createRoot(options);
  let roots: readonly Root[] = [first];
  let signer: Root = first;
  let available = true;
  const announce = (): void => {
    for (const listener of listeners) listener();
  };
  return {
    trustBundle: () => roots.map((root) => root.pem).join(''),
    async issue(request) {
      if (!available) throw new CaUnavailable('the certificate authority does not answer');
      return issueFrom(signer, request, request.issuedAt ?? options.now());
    },
    async addRoot() {
      roots = [...roots, await createRoot(options)];
      announce();
    },
    signWithNewestRoot() {
      signer = roots.at(-1) ?? signer;
    },
    dropOldRoots() {
      roots = [signer];
      announce();
    },
    setAvailable(value) {
      available = value;
    },
    onBundleChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** A positive serial number of 128 bits, as istiod's (RFC 5280 §4.1.2.2 allows up to 20 octets). */
function newSerialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

async function createRoot(options: MeshCaOptions): Promise<Root> {
  const keys = await crypto.subtle.generateKey(keyAlgorithm, true, ['sign', 'verify']);
  const notBefore = new Date(options.now() - clockSkewMs);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerialNumber(),
    name: `O=${options.trustDomain}`,
    notBefore,
    notAfter: new Date(notBefore.getTime() + rootYears * 365 * dayMs),
    keys,
    signingAlgorithm,
    extensions: [
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      new x509.BasicConstraintsExtension(true, undefined, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate, pem: pem(certificate), key: keys.privateKey };
}

async function issueFrom(root: Root, request: IssueRequest, now: number): Promise<WorkloadCertificate> {
  const keys = await crypto.subtle.generateKey(keyAlgorithm, true, ['sign', 'verify']);
  const serialNumber = newSerialNumber();
  // Certificates carry whole seconds; rounding here keeps what is reported equal to what is encoded.
  const second = Math.floor(now / 1000) * 1000;
  const notBefore = new Date(second - clockSkewMs);
  const notAfter = new Date(second + request.ttlSeconds * 1000);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber,
    subject: '',
    issuer: root.certificate.subject,
    notBefore,
    notAfter,
    publicKey: keys.publicKey,
    signingKey: root.key,
    signingAlgorithm,
    extensions: [
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment,
        true,
      ),
      new x509.ExtendedKeyUsageExtension([
        x509.ExtendedKeyUsage.serverAuth,
        x509.ExtendedKeyUsage.clientAuth,
      ]),
      new x509.BasicConstraintsExtension(false, undefined, true),
      await x509.AuthorityKeyIdentifierExtension.create(root.certificate.publicKey),
      // RFC 5280 §4.2.1.6: with an empty subject the alternative name must be critical.
      new x509.SubjectAlternativeNameExtension([{ type: 'url', value: request.spiffeId }], true),
    ],
  });
  const pkcs8 = await crypto.subtle.exportKey('pkcs8', keys.privateKey);
  return {
    spiffeId: request.spiffeId,
    chain: pem(certificate) + root.pem,
    privateKey: toPem('PRIVATE KEY', pkcs8),
    notBefore,
    notAfter,
    serialNumber,
  };
}

function pem(certificate: x509.X509Certificate): string {
  return new X509Certificate(Buffer.from(certificate.rawData)).toString();
}

function toPem(label: string, der: ArrayBuffer): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
