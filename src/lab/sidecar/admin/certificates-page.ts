/** `/certs`: one entry for each TLS context that is loaded, each with the proxy's own certificate and its roots. */
import type { X509Certificate } from 'node:crypto';
import { upstreamTlsType } from '../config/tls.ts';
import { chainsOf } from '../listener/listener.ts';
import { identityOf } from '../tls/peer-verification.ts';
import type { AdminContext } from './admin.ts';

export function certificatesPage(context: AdminContext): { readonly certificates: readonly unknown[] } {
  const { secrets, now } = context.proxy;
  const own = secrets.certificate?.value.leaf;
  const roots = secrets.roots?.value.certificates ?? [];
  const entry = {
    ca_cert: roots.map((root) => describe(root, now())),
    cert_chain: own === undefined ? [] : [describe(own, now())],
  };
  return { certificates: Array.from({ length: countContexts(context) }, () => entry) };
}

function countContexts({ loader }: AdminContext): number {
  let contexts = 0;
  for (const { config } of loader.listeners.values()) {
    contexts += chainsOf(config).filter((chain) => chain.transport_socket !== undefined).length;
  }
  for (const { config } of loader.clusters.values()) {
    const sockets = [
      config.transport_socket,
      ...(config.transport_socket_matches ?? []).map((match) => match.transport_socket),
    ];
    contexts += sockets.filter((socket) => socket?.typed_config['@type'] === upstreamTlsType).length;
  }
  return contexts;
}

function describe(certificate: X509Certificate, now: number): unknown {
  const { uris, dnsNames, serialNumber } = identityOf(certificate);
  const days = Math.floor((certificate.validToDate.getTime() - now) / 86_400_000);
  return {
    path: '<inline>',
    serial_number: serialNumber,
    subject_alt_names: [...uris.map((uri) => ({ uri })), ...dnsNames.map((dns) => ({ dns }))],
    days_until_expiration: String(Math.max(0, days)),
    valid_from: toSeconds(certificate.validFromDate),
    expiration_time: toSeconds(certificate.validToDate),
  };
}

function toSeconds(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, 'Z');
}
