/**
 * What a sidecar's inbound filter chains make of each kind of connection, by the port's mode and protocol (the behaviour that
 * istiod's generated listeners have; docs/concepts.md has the table in words).
 */
import type { MtlsMode } from './peer-authentication.ts';
import type { ProtocolClass } from './protocol.ts';

/** What arrives on the wire: Istio's mutual TLS, TLS that is not Istio's, or neither. */
export type Wire = 'istio-mtls' | 'tls' | 'plaintext';

/**
 * `mtls`: ended by the sidecar. `plaintext`, `tls`: handed to the application as it came. `refused`: no filter chain, a failed
 * handshake, or bytes that the application cannot read.
 */
export type ChainOutcome = 'mtls' | 'plaintext' | 'tls' | 'refused';

/** The outcome at a captured port. */
export function chainOutcome(mode: MtlsMode, protocol: ProtocolClass, wire: Wire): ChainOutcome {
  switch (wire) {
    case 'istio-mtls':
      // Under DISABLE nobody ends the TLS: an HTTP port answers a protocol error, others pass bytes that the application cannot read.
      return mode === 'DISABLE' ? 'refused' : 'mtls';
    case 'plaintext':
      return mode === 'STRICT' ? 'refused' : 'plaintext';
    case 'tls':
      // STRICT asks for a certificate of the mesh. A port that is declared HTTP has no chain for other TLS, PERMISSIVE included.
      return mode === 'STRICT' || protocol === 'HTTP' ? 'refused' : 'tls';
  }
}

/** The outcome at a port that no proxy captures. */
export function uncapturedOutcome(wire: Wire): ChainOutcome {
  return wire === 'istio-mtls' ? 'refused' : wire;
}
