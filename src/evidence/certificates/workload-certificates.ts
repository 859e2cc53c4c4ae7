/** The certificates that one proxy holds: its own chain and the roots that it trusts, from its dump or its `/certs`. */
import { asObjects, asText, isObject } from '../../sources/json-value.ts';
import { type CertificateSummary, parseCerts } from '../envoy/certs.ts';
import type { ConfigDump, EnvoyDump, ZtunnelDump } from '../envoy/config-dump.ts';
import { field, inlineData, path } from '../envoy/proto-json.ts';
import { type Certificate, type ReadCertificate, readCertificates } from './certificate.ts';

export interface ProxyCertificates {
  /** The proxy's own certificate and its intermediates, leaf first. */
  readonly chain: readonly Certificate[];
  readonly roots: readonly Certificate[];
  /** When the secret reached the proxy; RFC 3339. */
  readonly received?: string;
  /** False: some root signed the chain. Absent where only summaries are known. */
  readonly chainIsBroken?: boolean;
}

/** @returns the workload certificate sets in a dump; a sidecar has one, a ztunnel one for each workload of its node. */
export function certificatesInDump(dump: ConfigDump): readonly ProxyCertificates[] {
  return dump.kind === 'envoy' ? sidecarCertificates(dump) : ztunnelCertificates(dump);
}

/** Istio's SDS names: `default` is the workload's own certificate, `ROOTCA` what it trusts. */
function sidecarCertificates(dump: EnvoyDump): readonly ProxyCertificates[] {
  const roots = dump.secrets
    .filter((secret) => secret.name === 'ROOTCA' || secret.name.startsWith('file-root:'))
    .flatMap(({ secret }) => pem(path(secret, 'validation_context', 'trusted_ca')));
  return dump.secrets
    .filter(({ secret, state }) => state === 'active' && isObject(field(secret, 'tls_certificate')))
    .filter((secret) => secret.name === 'default' || secret.name.startsWith('file-cert:'))
    .map(({ secret, lastUpdated }) => {
      const chain = pem(path(secret, 'tls_certificate', 'certificate_chain'));
      return assemble(chain, roots, lastUpdated);
    })
    .filter((set) => set.chain.length > 0);
}

function pem(source: unknown): readonly ReadCertificate[] {
  const text = inlineData(source);
  return text === undefined ? [] : readCertificates(text);
}

/** ztunnel prints PEM beside what it read of it (ztunnel's src/admin.rs). */
function ztunnelCertificates(dump: ZtunnelDump): readonly ProxyCertificates[] {
  const read = (list: unknown): readonly ReadCertificate[] =>
    asObjects(list).flatMap((entry) => readCertificates(decoded(asText(entry.pem) ?? '')));
  return asObjects(dump.raw.certificates)
    .map((entry) => assemble(read(field(entry, 'cert_chain')), read(field(entry, 'root_certs')), ''))
    .filter((set) => set.chain.length > 0);
}

function decoded(text: string): string {
  return text.includes('-----BEGIN') ? text : Buffer.from(text, 'base64').toString('utf8');
}

function assemble(
  chain: readonly ReadCertificate[],
  roots: readonly ReadCertificate[],
  received: string,
): ProxyCertificates {
  // istiod appends the root to the chain; it is no intermediate.
  const own = chain.filter((one, index) => index === 0 || !one.selfSigned);
  return {
    chain: own.map(plain),
    roots: roots.map(plain),
    ...(received === '' ? {} : { received }),
    chainIsBroken: !leadsToRoot(own, roots),
  };
}

/**
 * What a server showed in a handshake, as PEM with the leaf first.
 * @param roots the roots that the mesh trusts; without any, whether the chain leads to one is left open
 */
export function certificatesServed(
  pem: string,
  roots: readonly ReadCertificate[],
): ProxyCertificates | undefined {
  const chain = readCertificates(pem);
  if (chain.length === 0) return undefined;
  const { chainIsBroken, ...set } = assemble(chain, roots, '');
  return roots.length === 0 || chainIsBroken === undefined ? set : { ...set, chainIsBroken };
}

function plain(certificate: ReadCertificate): Certificate {
  const { x509: _kept, ...shown } = certificate;
  return shown;
}

/** Each certificate is signed by the next, the last one by a trusted root. */
function leadsToRoot(chain: readonly ReadCertificate[], roots: readonly ReadCertificate[]): boolean {
  const last = chain.at(-1);
  if (last === undefined || roots.length === 0) return roots.length === 0;
  const linked = chain.every((one, index) => {
    const next = chain[index + 1];
    return next === undefined || one.x509.verify(next.x509.publicKey);
  });
  return linked && roots.some((root) => last.x509.verify(root.x509.publicKey));
}

/**
 * The same from `/certs`, where the dump may not be read: without keys, signatures and fingerprints.
 * @throws SyntaxError where the text is not JSON
 */
export function certificatesInCerts(text: string): readonly ProxyCertificates[] {
  return parseCerts(text)
    .filter((set) => set.chain.some((one) => one.uris.some((uri) => uri.startsWith('spiffe://'))))
    .map((set) => ({ chain: set.chain.map(fromSummary), roots: set.roots.map(fromSummary) }));
}

function fromSummary(summary: CertificateSummary): Certificate {
  return {
    subject: '',
    issuer: '',
    serial: summary.serial,
    uris: summary.uris,
    dnsNames: summary.dnsNames,
    key: '',
    keyBits: 0,
    signature: '',
    validFrom: summary.validFrom,
    validTo: summary.validTo,
    fingerprint: '',
    isAuthority: false,
    selfSigned: false,
  };
}
