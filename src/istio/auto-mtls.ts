/**
 * What a client's proxy sends: the cluster stage (one answer for a service port, subset included) and the endpoint stage (one
 * answer for each endpoint), joined. Both must agree before automatic mutual TLS is spoken.
 */
import type { ClientTls } from './destination-rule.ts';
import type { MtlsMode } from './peer-authentication.ts';

/** How the proxy finds the endpoints: from istiod (`eds`), by DNS, or it keeps the address that was called (`original-dst`). */
export type Discovery = 'eds' | 'dns' | 'original-dst';

/** The transport of a cluster. `auto` leaves the choice to each endpoint. */
export type ClusterTransport = 'plaintext' | 'istio-mtls' | 'tls' | 'auto';

export interface ClusterInput {
  /** The TLS block that counts, if any. */
  readonly tls?: ClientTls;
  readonly discovery: Discovery;
  /** A ServiceEntry with `location: MESH_EXTERNAL`: never automatic. */
  readonly meshExternal: boolean;
  readonly enableAutoMtls: boolean;
  /** The service's mode as clients guess it: see `serviceHint`. */
  readonly hint: MtlsMode;
  /** True for a sidecar, false for a gateway: some settings count only for gateways. */
  readonly sidecar: boolean;
  /** The rule has a `workloadSelector`. */
  readonly selectsClients: boolean;
}

/** Why a transport was chosen; `explainTransport` of mesh/ puts it into words. */
export type TransportCause =
  | 'rule'
  | 'rule-no-mode'
  | 'rule-credential-ignored'
  | 'rule-no-certificate'
  | 'external'
  | 'auto-off'
  | 'hint-disable'
  | 'auto'
  | 'auto-all-endpoints';

export interface ClusterDecision {
  readonly transport: ClusterTransport;
  readonly cause: TransportCause;
}

/** The cluster stage. */
export function clusterTransport(input: ClusterInput): ClusterDecision {
  if (input.tls !== undefined) return transportOfBlock(input.tls, input);
  if (input.meshExternal) return { transport: 'plaintext', cause: 'external' };
  if (!input.enableAutoMtls) return { transport: 'plaintext', cause: 'auto-off' };
  if (input.hint === 'DISABLE') return { transport: 'plaintext', cause: 'hint-disable' };
  // A cluster that keeps the called address has no endpoints to tell apart: one transport serves all.
  if (input.discovery === 'original-dst') return { transport: 'istio-mtls', cause: 'auto-all-endpoints' };
  return { transport: 'auto', cause: 'auto' };
}

/** An explicit TLS block holds for every endpoint, sidecar or not. */
function transportOfBlock(tls: ClientTls, input: ClusterInput): ClusterDecision {
  switch (tls.mode) {
    case 'DISABLE':
      return { transport: 'plaintext', cause: tls.modeOmitted ? 'rule-no-mode' : 'rule' };
    case 'ISTIO_MUTUAL':
      return { transport: 'istio-mtls', cause: 'rule' };
    case 'SIMPLE':
    case 'MUTUAL': {
      const secret = tls.credentialName !== '' && !tls.credentialName.startsWith('configmap://');
      if (secret && input.sidecar && !input.selectsClients) {
        return { transport: 'plaintext', cause: 'rule-credential-ignored' };
      }
      const certified = tls.credentialName !== '' || (tls.clientCertificate !== '' && tls.privateKey !== '');
      if (tls.mode === 'MUTUAL' && !certified)
        return { transport: 'plaintext', cause: 'rule-no-certificate' };
      return { transport: 'tls', cause: 'rule' };
    }
  }
}

/** What an endpoint says of itself: the label `security.istio.io/tlsMode`, or `disabled`. */
export type EndpointTlsMode = string;

export const tlsModeLabel = 'security.istio.io/tlsMode';

/**
 * The service's mode as clients guess it: the namespace's policy or the mesh's, workload and port levels left out. Where the
 * cluster keeps the called address (`allEndpoints` given), one endpoint without a sidecar, or none at all, turns mutual TLS off.
 */
export function serviceHint(namespaceMode: MtlsMode, allEndpoints?: readonly EndpointTlsMode[]): MtlsMode {
  if (allEndpoints === undefined) return namespaceMode;
  const off = allEndpoints.length === 0 || allEndpoints.includes('disabled');
  return off ? 'DISABLE' : namespaceMode;
}

/** The endpoint stage: true when the endpoint is marked for mutual TLS. A rule's block replaces what policies and labels say. */
export function endpointTakesMtls(
  ruleMode: ClientTls['mode'] | undefined,
  endpoint: { readonly tlsMode: EndpointTlsMode; readonly mode: MtlsMode },
): boolean {
  if (endpoint.tlsMode !== 'istio') return false;
  return ruleMode === undefined ? endpoint.mode !== 'DISABLE' : ruleMode === 'ISTIO_MUTUAL';
}
