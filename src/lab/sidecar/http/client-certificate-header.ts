/** X-Forwarded-Client-Cert: who the client was, as Envoy tells the application (forward_client_cert_details). */
import type { HttpConnectionManager } from '../config/listener.ts';
import type { PeerIdentity } from '../tls/peer-verification.ts';
import type { HeaderList } from './header-list.ts';

const name = 'x-forwarded-client-cert';

/**
 * SANITIZE, and every mode on a connection without a client certificate, takes the header out: what a plaintext
 * caller forges never arrives. APPEND_FORWARD keeps what came and adds this hop.
 * @param ownUri the proxy's own SPIFFE id: `By`.
 */
export function setClientCertificateHeader(
  headers: HeaderList,
  config: HttpConnectionManager,
  peer: PeerIdentity | undefined,
  ownUri: string | undefined,
): void {
  if (config.forward_client_cert_details !== 'APPEND_FORWARD' || peer === undefined) {
    headers.remove(name);
    return;
  }
  const details = config.set_current_client_cert_details;
  const parts: string[] = [];
  if (ownUri !== undefined) parts.push(`By=${ownUri}`);
  parts.push(`Hash=${peer.fingerprint}`);
  if (details?.subject === true) parts.push(`Subject="${peer.subject.replaceAll('"', '\\"')}"`);
  if (details?.uri === true) for (const uri of peer.uris) parts.push(`URI=${uri}`);
  if (details?.dns === true) for (const dns of peer.dnsNames) parts.push(`DNS=${dns}`);
  const before = headers.get(name);
  const element = parts.join(';');
  headers.set(name, before === undefined || before === '' ? element : `${before},${element}`);
}
