/**
 * The certificates of the lab's API server: its own authority, a serving certificate for 127.0.0.1 and
 * localhost, and the administrator's client certificate. ECDSA P-256, made anew at each start.
 */
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

export interface KeyPem {
  /** PEM of the certificate. */
  readonly certificate: string;
  /** PEM (PKCS 8) of its private key. */
  readonly key: string;
}

export interface ApiCertificates {
  /** PEM of the authority's certificate: what a kubeconfig trusts. */
  readonly caCertificate: string;
  readonly server: KeyPem;
  /** `O=system:masters, CN=padlock-lab-admin`. */
  readonly admin: KeyPem;
  /** Signs a client certificate for another user: `CN` is the name, each `O` a group. */
  readonly issueClient: (name: string, groups: readonly string[]) => Promise<KeyPem>;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const lifetime = 365 * 24 * 60 * 60 * 1000;

interface Issuer {
  readonly certificate: X509Certificate;
  readonly key: webcrypto.CryptoKey;
}

/** Makes an authority and what it signs. `now` dates the certificates: valid from an hour before, for a year. */
export async function createApiCertificates(now: Date): Promise<ApiCertificates> {
  const notBefore = new Date(now.getTime() - 60 * 60 * 1000);
  const notAfter = new Date(now.getTime() + lifetime);
  const caKeys = await generate();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=padlock-lab-api-ca',
    keys: caKeys,
    signingAlgorithm: algorithm,
    notBefore,
    notAfter,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.digitalSignature, true),
    ],
  });
  const issuer: Issuer = { certificate, key: caKeys.privateKey };
  const server = await issue(issuer, 'CN=kube-apiserver', ExtendedKeyUsage.serverAuth, notBefore, notAfter, [
    new SubjectAlternativeNameExtension([
      { type: 'ip', value: '127.0.0.1' },
      { type: 'ip', value: '10.96.0.1' },
      { type: 'dns', value: 'localhost' },
      { type: 'dns', value: 'kubernetes' },
      { type: 'dns', value: 'kubernetes.default' },
      { type: 'dns', value: 'kubernetes.default.svc' },
      { type: 'dns', value: 'kubernetes.default.svc.cluster.local' },
    ]),
  ]);
  const issueClient = (name: string, groups: readonly string[]): Promise<KeyPem> =>
    issue(issuer, subject(name, groups), ExtendedKeyUsage.clientAuth, notBefore, notAfter, []);
  return {
    caCertificate: certificate.toString('pem'),
    server,
    admin: await issueClient('padlock-lab-admin', ['system:masters']),
    issueClient,
  };
}

function generate(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
}

/** The distinguished name of a user, as JSON so that no character in a name needs escaping. */
function subject(name: string, groups: readonly string[]): { [attribute: string]: string[] }[] {
  return [...groups.map((group) => ({ O: [group] })), { CN: [name] }];
}

async function issue(
  issuer: Issuer,
  name: string | { [attribute: string]: string[] }[],
  usage: ExtendedKeyUsage,
  notBefore: Date,
  notAfter: Date,
  extensions: readonly SubjectAlternativeNameExtension[],
): Promise<KeyPem> {
  const keys = await generate();
  const certificate = await X509CertificateGenerator.create({
    subject: name,
    issuer: issuer.certificate.subject,
    publicKey: keys.publicKey,
    signingKey: issuer.key,
    signingAlgorithm: algorithm,
    notBefore,
    notAfter,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([usage]),
      ...extensions,
    ],
  });
  const exported = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return { certificate: certificate.toString('pem'), key: PemConverter.encode(exported, 'PRIVATE KEY') };
}
