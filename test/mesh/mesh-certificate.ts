/** Certificates for probes: of the mesh's own authority, as any workload has one, and of a stranger's. */
import 'reflect-metadata';
import type { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { dataOf } from '../../src/lab/kubelet/environment.ts';
import type { Cluster } from '../../src/sources/cluster.ts';

export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

interface Authority {
  readonly certificate: x509.X509Certificate;
  readonly key: webcrypto.CryptoKey;
}

const rsa = {
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  publicExponent: new Uint8Array([1, 0, 1]),
  modulusLength: 2048,
};
const hour = 3_600_000;

/** The authority of istiod, from the secret that it keeps it in. */
export async function meshAuthority(cluster: Cluster): Promise<Authority> {
  const type = { group: '', version: 'v1', plural: 'secrets', namespaced: true };
  const secret = await cluster.get(type, 'istio-system', 'istio-ca-secret');
  const { 'ca-cert.pem': cert = '', 'ca-key.pem': pem = '' } = dataOf(secret?.data, true);
  const der = x509.PemConverter.decodeFirst(await pkcs8(pem));
  const key = await crypto.subtle.importKey('pkcs8', der, rsa, false, ['sign']);
  return { certificate: new x509.X509Certificate(cert), key };
}

/** An authority that nobody trusts, with the same name. */
export async function strangeAuthority(): Promise<Authority> {
  const keys = await crypto.subtle.generateKey(rsa, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'O=cluster.local',
    notBefore: new Date(Date.now() - hour),
    notAfter: new Date(Date.now() + hour),
    keys,
    signingAlgorithm: rsa,
    extensions: [new x509.BasicConstraintsExtension(true)],
  });
  return { certificate, key: keys.privateKey };
}

/** @param validFor milliseconds from now; negative for one that has ended */
export async function issue(authority: Authority, spiffeId: string, validFor = hour): Promise<KeyPair> {
  const keys = await crypto.subtle.generateKey(rsa, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.create({
    subject: '',
    issuer: authority.certificate.subject,
    notBefore: new Date(Date.now() - 2 * hour),
    notAfter: new Date(Date.now() + validFor),
    publicKey: keys.publicKey,
    signingKey: authority.key,
    signingAlgorithm: rsa,
    extensions: [
      new x509.SubjectAlternativeNameExtension([{ type: 'url', value: spiffeId }], true),
      new x509.ExtendedKeyUsageExtension([
        x509.ExtendedKeyUsage.clientAuth,
        x509.ExtendedKeyUsage.serverAuth,
      ]),
    ],
  });
  const key = await crypto.subtle.exportKey('pkcs8', keys.privateKey);
  return { cert: certificate.toString('pem'), key: x509.PemConverter.encode(key, 'PRIVATE KEY') };
}

async function pkcs8(pem: string): Promise<string> {
  const { createPrivateKey } = await import('node:crypto');
  return createPrivateKey(pem).export({ type: 'pkcs8', format: 'pem' }).toString();
}
