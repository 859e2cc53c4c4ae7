/** A certificate authority of the lab's own for the cluster's inside: ECDSA P-256, made anew at each start. */
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

export interface ServerNames {
  readonly ips: readonly string[];
  readonly names: readonly string[];
}

export interface Authority {
  /** PEM of the authority's certificate. */
  readonly caCertificate: string;
  /** Signs a serving certificate. */
  readonly issueServer: (name: string, served: ServerNames) => Promise<KeyPem>;
  /** Signs a client certificate: `CN` is the user's name, each `O` a group. */
  readonly issueClient: (name: string, groups: readonly string[]) => Promise<KeyPem>;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const lifetime = 365 * 24 * 60 * 60 * 1000;

interface Issuer {
  readonly certificate: X509Certificate;
  readonly key: webcrypto.CryptoKey;
  readonly validity: { readonly notBefore: Date; readonly notAfter: Date };
}

/** Makes an authority. `now` dates the certificates: valid from an hour before, for a year. */
export async function createAuthority(name: string, now: Date): Promise<Authority> {
  const validity = {
    notBefore: new Date(now.getTime() - 60 * 60 * 1000),
    notAfter: new Date(now.getTime() + lifetime),
  };
  const caKeys = await generate();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    keys: caKeys,
    signingAlgorithm: algorithm,
    ...validity,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.digitalSignature, true),
    ],
  });
  const issuer: Issuer = { certificate, key: caKeys.privateKey, validity };
  return {
    caCertificate: certificate.toString('pem'),
    issueServer: (server, { ips, names }) =>
      issue(issuer, `CN=${server}`, ExtendedKeyUsage.serverAuth, [
        new SubjectAlternativeNameExtension([
          ...ips.map((value) => ({ type: 'ip' as const, value })),
          ...names.map((value) => ({ type: 'dns' as const, value })),
        ]),
      ]),
    issueClient: (client, groups) => issue(issuer, subject(client, groups), ExtendedKeyUsage.clientAuth, []),
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
  extensions: readonly SubjectAlternativeNameExtension[],
): Promise<KeyPem> {
  const keys = await generate();
  const certificate = await X509CertificateGenerator.create({
    subject: name,
    issuer: issuer.certificate.subject,
    publicKey: keys.publicKey,
    signingKey: issuer.key,
    signingAlgorithm: algorithm,
    ...issuer.validity,
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
