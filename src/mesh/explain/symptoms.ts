/**
 * What a line of a log or an error message says about mutual TLS: which side is wrong, and what to look at. The texts are those that Envoy,
 * ztunnel, curl, OpenSSL, BoringSSL and Go print (Envoy: "Access logging", response flags; each was met on a real mesh or stands in their
 * documentation).
 */
import type { FindingCode } from '../findings/codes.ts';

export interface Symptom {
  readonly id: string;
  /** How to recognise it in a line. */
  readonly pattern: RegExp;
  /** What it is called where it is printed. */
  readonly title: string;
  /** Whose side has to change: the caller's, the server's, either may be it, or it is not about mutual TLS. */
  readonly wrong: 'client' | 'server' | 'either' | 'neither';
  /** What happened, in one or two sentences. */
  readonly means: string;
  /** What to look at, the likeliest first. */
  readonly checks: readonly string[];
  /** Findings of `padlock check` that name the cause. */
  readonly findings: readonly FindingCode[];
}

const callerChecks = [
  'has the caller a sidecar at all? Pods without one, Jobs and init containers before theirs runs, nodes, load balancers and the API server send plaintext',
  'does a DestinationRule for the host say tls mode DISABLE (or SIMPLE), or have a tls block without a mode? It beats automatic mutual TLS',
  'is the namespace (or the mesh) at DISABLE while the workload is STRICT? Clients go by the namespace and send plaintext',
  'does the caller call a pod by its own address, or a host that its Sidecar resource or exportTo hides? Such calls pass through as plaintext',
  "do annotations traffic.sidecar.istio.io/excludeOutbound... lead the call past the caller's sidecar?",
] as const;

const certificateChecks = [
  'do both sides hold certificates of one root? `padlock certs` compares the roots of all proxies (istio-ca-secret, cacerts, several clusters)',
  'is a trust domain of one side missing in trustDomainAliases of the other? Add the alias before the trust domain changes',
  'has a certificate run out, or did a proxy miss a rotation? `padlock certs` shows validity and renewal',
] as const;

/** The most telling first: the first that matches a line is its explanation. */
export const symptoms: readonly Symptom[] = [
  {
    id: 'ztunnel-strict',
    pattern: /istio_converted_static_strict|istio_converted_[\w-]*peer/i,
    title: "ztunnel: denied by the mesh's STRICT",
    wrong: 'client',
    means:
      'Plaintext came to an ambient workload that is STRICT: ztunnel holds PeerAuthentication as a deny rule of this name for callers without an identity.',
    checks: [
      'is the caller in the mesh? Only ambient pods (and sidecars of a mesh with HBONE) tunnel to ambient workloads',
      'does a sidecar call a headless Service of ambient pods? It sends plaintext there',
      'must this caller stay outside? Give the port portLevelMtls PERMISSIVE in a PeerAuthentication with a selector',
    ],
    findings: ['PL021', 'PL035'],
  },
  {
    id: 'ztunnel-policy',
    pattern:
      /connection closed due to policy (?:rejection|change)|explicitly denied by|allow policies exist, but none allowed/i,
    title: 'ztunnel: connection closed due to policy rejection',
    wrong: 'client',
    means:
      'ztunnel refused the caller by a policy: PeerAuthentication STRICT, if it came in plaintext (no src.identity in the line), else an AuthorizationPolicy. Unlike a sidecar, ztunnel also closes connections that were open when the policy changed.',
    checks: [
      'does the line have a src.identity? Without one the caller came in plaintext and STRICT refused it: is its pod in ambient mode, or has it a sidecar?',
      'with an identity it is authorization: the policy after "denied by" names the rule; "none allowed" means that no ALLOW policy matched',
    ],
    findings: ['PL021', 'PL031', 'PL036'],
  },
  {
    id: 'ztunnel-hbone-blocked',
    pattern: /NetworkPolicy is blocking HBONE|HBONE port 15008/i,
    title: 'ztunnel: HBONE port 15008 cannot be reached',
    wrong: 'neither',
    means: 'The tunnel to the other node could not be opened: something between the nodes drops port 15008.',
    checks: ['does a NetworkPolicy or a firewall let port 15008 in and out?'],
    findings: [],
  },
  {
    id: 'filter-chain-not-found',
    pattern: /filter_chain_not_found|no matching filter chain|NoFilterChain/i,
    title: 'NR filter_chain_not_found',
    wrong: 'client',
    means:
      "The server's sidecar had no filter chain for what arrived and reset the connection. Under STRICT that is plaintext; on an HTTP port under PERMISSIVE it is also TLS that is not the mesh's. The caller showed no certificate, so only its address is known.",
    checks: callerChecks,
    findings: ['PL011', 'PL017', 'PL019', 'PL021', 'PL022'],
  },
  {
    id: 'connection-termination',
    pattern:
      /upstream_reset_before_response_started\{connection_termination|reset reason: connection termination|reset before headers.*connection termination/i,
    title: 'upstream_reset_before_response_started{connection_termination}',
    wrong: 'client',
    means:
      "The client's sidecar had a connection, and the server closed it before it answered (flag UC). With mutual TLS in play the client's sidecar sent plaintext to a STRICT server, whose log then says NR filter_chain_not_found at the same second. If it does not, the application itself closed the connection.",
    checks: [
      "does the server's sidecar log NR filter_chain_not_found at the same time? If not, look at the application: a crash, or an idle time-out shorter than the client's",
      'does a DestinationRule for the host say tls mode DISABLE or SIMPLE? It beats automatic mutual TLS',
      'is the namespace (or the mesh) at DISABLE while the workload is STRICT? Clients go by the namespace and send plaintext',
      'is automatic mutual TLS off (enableAutoMtls: false)?',
    ],
    findings: ['PL011', 'PL017', 'PL020'],
  },
  {
    id: 'wrong-version-number',
    pattern:
      /wrong[_ ]version[_ ]number|packet length too long|http: server gave HTTP response to HTTPS client|first record does not look like a TLS handshake/i,
    title: 'WRONG_VERSION_NUMBER',
    wrong: 'either',
    means:
      'The client spoke TLS and got bytes back that are none: nobody ends TLS at the port that it reached. In a mesh the client sends mutual TLS to a pod without a sidecar, to a port that is excluded from it, or to a port at DISABLE.',
    checks: [
      'does a DestinationRule say ISTIO_MUTUAL (or SIMPLE)? It holds for every endpoint, those without a sidecar and those at DISABLE included; remove it and let automatic mutual TLS decide',
      'is the port excluded from the server (traffic.sidecar.istio.io/excludeInboundPorts)? Clients do not know that',
      'is the workload or port at DISABLE behind a headless Service? Clients cannot see such an exception there',
      'did the policy leave DISABLE just now? Clients and servers do not switch at one moment: take the step with a DestinationRule tls DISABLE in between',
      'is the pod labelled security.istio.io/tlsMode=istio without having a sidecar?',
    ],
    findings: ['PL012', 'PL013', 'PL018', 'PL024', 'PL028'],
  },
  {
    id: 'codec-error',
    pattern: /http1\.codec_error|http2\.(?:codec|unexpected)|\bDPE\b/,
    title: 'DPE http1.codec_error',
    wrong: 'client',
    means:
      'The server expected HTTP and got something else (400, flag DPE). At a port at DISABLE this is the mutual TLS of a client that does not know of the DISABLE.',
    checks: [
      'does a DestinationRule say ISTIO_MUTUAL for a host at DISABLE? Remove it',
      'did the policy change to or from DISABLE just now? The client was told before the server',
      'is the port HTTP at all? A name like http-... makes the sidecar read it as HTTP',
    ],
    findings: ['PL012', 'PL018'],
  },
  {
    id: 'san-mismatch',
    pattern:
      /verify SAN list|SAN matcher|subject ?alt(?:ernative)? ?name(?:s)?.{0,30}(?:mismatch|not match|no alternative)/i,
    title: 'CERTIFICATE_VERIFY_FAILED: the SPIFFE id is not the expected one',
    wrong: 'either',
    means:
      'The server showed a certificate of the right root with another SPIFFE id than those that the client expects for the service: its service accounts, or subjectAltNames of the DestinationRule.',
    checks: [
      'does the DestinationRule name subjectAltNames of another service account, namespace or trust domain?',
      'does another workload answer at the address: a pod of a wrong selector, or a service account that just changed?',
      'did the trust domain change without its alias?',
    ],
    findings: [],
  },
  {
    id: 'certificate-expired',
    pattern: /certificate (?:has )?expired|CERTIFICATE_EXPIRED|not yet valid/i,
    title: 'a certificate has expired',
    wrong: 'either',
    means: 'One side holds a certificate that ran out: the proxy could not renew it, or a clock is wrong.',
    checks: [
      '`padlock certs` shows which proxy, and since when',
      'can that proxy reach istiod (port 15012)? Its log says what the certificate signing request met',
    ],
    findings: [],
  },
  {
    id: 'verify-failed',
    pattern:
      /certificate[_ ]verify[_ ]failed|unable to get local issuer|self[- ]signed certificate|x509: certificate signed by unknown authority/i,
    title: 'CERTIFICATE_VERIFY_FAILED',
    wrong: 'either',
    means:
      'The side that printed this does not accept the certificate that it was shown: another root, another identity, or out of date.',
    checks: [
      ...certificateChecks,
      'is it a client without a sidecar that calls https? It then meets the mesh’s certificate, whose root it does not know',
    ],
    findings: [],
  },
  {
    id: 'certificate-required',
    pattern:
      /certificate[_ ]required|PEER_DID_NOT_RETURN_A_CERTIFICATE|handshake[_ ]failure|bad[_ ]certificate/i,
    title: 'TLS alert: certificate required',
    wrong: 'client',
    means:
      'The client spoke TLS and showed no certificate (or not one of the mesh); a STRICT port demands one. Ordinary HTTPS from outside the mesh ends so under STRICT, although it passed under PERMISSIVE.',
    checks: [
      'has the caller a sidecar? Its own https inside mutual TLS works, from outside it does not',
      'does a DestinationRule say SIMPLE where ISTIO_MUTUAL is meant?',
      'must callers outside the mesh reach this port? Use a gateway, or portLevelMtls PERMISSIVE for the port',
    ],
    findings: ['PL011', 'PL021'],
  },
  {
    id: 'certificate-refused',
    pattern: /unknown[_ ]ca\b|unknown (?:certificate|authority)|certificate[_ ]unknown/i,
    title: 'TLS alert: unknown certificate authority',
    wrong: 'either',
    means:
      'The other side refused the certificate of the one that printed this: its root or trust domain is not accepted there.',
    checks: certificateChecks,
    findings: [],
  },
  {
    id: 'no-secret',
    pattern:
      /secret is not supplied by SDS|SDS: no (?:secret|certificate)|failed to (?:generate|sign) (?:workload )?(?:secret|certificate|CSR)/i,
    title: 'the proxy has no certificate yet',
    wrong: 'either',
    means:
      'The proxy was told to speak mutual TLS and has not been given a certificate: istiod did not sign one.',
    checks: [
      "can the proxy reach istiod? Its container's log says what the signing request met",
      'has the pod a service account token with audience istio-ca?',
    ],
    findings: [],
  },
  {
    id: 'access-denied',
    pattern: /RBAC: access denied|rbac_access_denied|AuthzPolicy.*denied/i,
    title: 'RBAC: access denied',
    wrong: 'either',
    means:
      'The connection was accepted and an AuthorizationPolicy refused the request (403). Rules on principals or namespaces never match a plaintext caller: it has no identity.',
    checks: [
      'did the caller come in mutual TLS? In the access log the requested server name then starts with outbound_',
      'rbac_access_denied_matched_policy[...] names the policy; "none" means that no ALLOW policy matched',
      'does the rule name the service account and trust domain that the caller really has?',
    ],
    findings: ['PL031'],
  },
  {
    id: 'cluster-not-found',
    pattern: /cluster_not_found|\bNC\b/,
    title: 'NC cluster_not_found',
    wrong: 'client',
    means:
      "A route names a destination that the client's proxy does not have: most often a subset that no DestinationRule visible to the client defines.",
    checks: [
      'does the DestinationRule that counts for this client define the subset? One in the client’s own namespace hides the owner’s',
      'is the host exported to the client’s namespace, and imported by its Sidecar resource?',
    ],
    findings: ['PL016'],
  },
  {
    id: 'route-not-found',
    pattern: /route_not_found|direct_response.*404/,
    title: 'NR route_not_found',
    wrong: 'neither',
    means: 'The proxy has no route for the host and path: this is about routing, not about mutual TLS.',
    checks: ['look at the VirtualServices for the host, and at the Host header that the client sent'],
    findings: [],
  },
  {
    id: 'no-healthy-upstream',
    pattern: /no[_ ]healthy[_ ]upstream|\bUH\b/,
    title: 'UH no_healthy_upstream',
    wrong: 'server',
    means:
      'The service has no endpoint that is ready (or outlier detection took all out): nobody was called at all.',
    checks: [
      'are the pods ready? HTTP probes fail under STRICT where their rewriting is turned off (sidecar.istio.io/rewriteAppHTTPProbers: "false")',
      'does a subset’s selector match any pod?',
    ],
    findings: ['PL030'],
  },
  {
    id: 'reset-by-peer',
    pattern:
      /connection reset by peer|ECONNRESET|\(56\) Recv failure|reset reason: (?:remote )?(?:connection )?reset|\(52\) Empty reply/i,
    title: 'Connection reset by peer',
    wrong: 'client',
    means:
      'The connection was taken and then reset. From a caller without a sidecar (also `kubectl exec -c istio-proxy -- curl`, the API server’s pod proxy, a node) that is what a STRICT port does with plaintext; the server’s sidecar logs NR filter_chain_not_found.',
    checks: callerChecks,
    findings: ['PL011', 'PL019', 'PL021', 'PL022'],
  },
  {
    id: 'curl-tls',
    pattern: /curl: \((?:35|60)\)/,
    title: 'curl: the TLS handshake failed',
    wrong: 'client',
    means:
      'curl spoke TLS itself. A STRICT port demands a client certificate of the mesh; an HTTP port under PERMISSIVE takes no TLS but the mesh’s.',
    checks: [
      'call http:// from a pod with a sidecar: the sidecar adds the mutual TLS',
      'if the application serves https itself, is its Service port named https-... or tls-...?',
    ],
    findings: ['PL011', 'PL021'],
  },
  {
    id: 'connection-failure',
    pattern:
      /upstream_reset_before_response_started\{(?:remote_|local_)?connection_failure|\bUF\b|delayed connect error/,
    title: 'UF: the upstream connection failed',
    wrong: 'either',
    means:
      'The client’s sidecar could not set up the connection. What follows in quotes, the transport failure reason, says why; without one it is the network, or nobody listens.',
    checks: [
      'read the transport failure reason: TLS_error with WRONG_VERSION_NUMBER or CERTIFICATE_VERIFY_FAILED has an explanation of its own here',
      'is there a TLS origination (SIMPLE, MUTUAL) in a DestinationRule for a server that does not speak it?',
      'without a reason: does the application listen on the port, and does a NetworkPolicy let the call through?',
    ],
    findings: ['PL012', 'PL013', 'PL024'],
  },
  {
    id: 'connection-refused',
    pattern: /connection refused|ECONNREFUSED|curl: \(7\)/i,
    title: 'Connection refused',
    wrong: 'neither',
    means:
      'Nobody listens at that address and port. A policy never does that: it lets the connection begin and resets it.',
    checks: [
      'does the application listen on the port, and on 0.0.0.0?',
      'did the caller start before its sidecar? Use holdApplicationUntilProxyStarts or a native sidecar',
    ],
    findings: [],
  },
  {
    id: 'passthrough',
    pattern: /PassthroughCluster|BlackHoleCluster/,
    title: 'PassthroughCluster or BlackHoleCluster',
    wrong: 'client',
    means:
      "The client's proxy did not know the destination as a service. PassthroughCluster sends the bytes on as plaintext, which a STRICT server refuses; BlackHoleCluster drops them (REGISTRY_ONLY).",
    checks: [
      'was a pod’s own address called? Call its Service',
      'does the Sidecar resource of the client import the host, and is it exported to the client’s namespace?',
    ],
    findings: ['PL032'],
  },
];

/** What a line says; undefined for one that says nothing known. */
export function symptomOf(line: string): Symptom | undefined {
  // Envoy writes its reasons with underscores in an access log, and with blanks elsewhere.
  const blank = line.replaceAll('_', ' ');
  return symptoms.find(({ pattern }) => pattern.test(line) || pattern.test(blank));
}
