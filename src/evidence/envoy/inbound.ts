/**
 * The configured column: what a sidecar's loaded filter chains do with each kind of caller on a port, worked out by
 * walking them as Envoy does. Ports that no Service declares meet the pass-through chains.
 */
import { asNumber, asObjects, asText, isObject, type JsonObject } from '../../sources/json-value.ts';
import type { EnvoyDump, ListenerStates } from './config-dump.ts';
import { type Connection, matchingChains } from './filter-chain-match.ts';
import { inspection } from './listener-filters.ts';
import { extensionConfig, field, path } from './proto-json.ts';
import { type ServerSocket, serverSocket } from './transport-socket.ts';

/** Kinds of caller that the chains can tell apart. */
export type Caller =
  | 'plaintext-http'
  | 'plaintext-tcp'
  | 'istio-mtls-http'
  | 'istio-mtls-tcp'
  | 'foreign-tls';

export interface ReachedChain {
  readonly caller: Caller;
  /** The chain's name; `default filter chain`; absent where Envoy closes the connection. */
  readonly chain?: string;
  readonly socket?: ServerSocket;
  /** Network filters in order, ECDS references included. */
  readonly filters: readonly string[];
  /** The chain leads nowhere (BlackHoleCluster, or no filters). */
  readonly blackhole: boolean;
}

/** PeerAuthentication's words, and three that it has none for. */
export type ConfiguredMode = 'STRICT' | 'PERMISSIVE' | 'DISABLE' | 'REFUSES' | 'ANONYMOUS_TLS' | 'UNKNOWN';

export interface Configured {
  readonly port: number;
  /** The listener that new connections meet; absent: the proxy has none for this port. */
  readonly listener?: string;
  readonly version?: string;
  /** What the chains come to. */
  readonly mode: ConfiguredMode;
  readonly acceptsMtls: boolean;
  readonly acceptsPlaintext: boolean;
  /** Every chain that ends TLS demands a client certificate and checks it against a root. */
  readonly requiresClientCertificate: boolean;
  /** Some chain ends TLS without asking for a client certificate, or without checking it: encrypted, but from anybody. */
  readonly acceptsAnonymousTls: boolean;
  /** TLS that is not Istio's is handed to the application unopened. */
  readonly passesForeignTls: boolean;
  /** What a client's certificate must carry: `spiffe://cluster.local/*`. */
  readonly acceptedNames: readonly string[];
  readonly chains: readonly ReachedChain[];
  /** Connections from before the last change still meet the older chains, and these take plaintext. */
  readonly drainingAcceptsPlaintext: boolean;
  /** A newer listener waits for something, or was refused by Envoy; what stands here is older than what istiod sent. */
  readonly notes: readonly string[];
}

/** What each kind of caller shows to the listener filters (istio.io ALPN names; pilot/pkg/networking/util). */
const callers: readonly {
  readonly caller: Caller;
  readonly tls: boolean;
  readonly alpn: readonly string[];
}[] = [
  { caller: 'plaintext-http', tls: false, alpn: ['http/1.1'] },
  // The HTTP inspector tells three kinds of plaintext HTTP apart, and a chain may be there for one of them only.
  { caller: 'plaintext-http', tls: false, alpn: ['h2c'] },
  { caller: 'plaintext-http', tls: false, alpn: ['http/1.0'] },
  { caller: 'plaintext-tcp', tls: false, alpn: [] },
  { caller: 'istio-mtls-http', tls: true, alpn: ['istio-http/1.1', 'istio', 'http/1.1'] },
  { caller: 'istio-mtls-tcp', tls: true, alpn: ['istio-peer-exchange', 'istio'] },
  { caller: 'foreign-tls', tls: true, alpn: ['h2', 'http/1.1'] },
];

/**
 * What the proxy does with connections to a port of its pod.
 * @param address the pod's address; read from the proxy's own node id when absent
 */
export function configured(dump: EnvoyDump, port: number, address = nodeAddress(dump)): Configured {
  if (!dump.hasListeners) return nothing(port, 'UNKNOWN', ['the dump has no listeners section']);
  const states = inboundListener(dump.listeners, port);
  if (states === undefined) return nothing(port, 'REFUSES', ['the proxy has no inbound listener']);
  const notes = stateNotes(states);
  if (states.active === undefined) return nothing(port, 'UNKNOWN', [...notes, 'no listener is active yet']);
  const listener = states.active;
  if (isObject(field(listener, 'filter_chain_matcher'))) {
    return nothing(port, 'UNKNOWN', [
      ...notes,
      'the listener picks filter chains by a matcher tree (xds.type.matcher)',
    ]);
  }
  const chains = reachedChains(listener, port, address);
  const draining = states.draining === undefined ? [] : reachedChains(states.draining, port, address);
  const { unknown } = inspection(listener, port);
  const filterNotes = unknown.map((name) => `the listener filter ${name} is not known here`);
  return {
    ...judge(port, chains),
    listener: states.name,
    ...(states.activeVersion === undefined ? {} : { version: states.activeVersion }),
    drainingAcceptsPlaintext: draining.some(takesPlaintext),
    notes: [...notes, ...filterNotes],
  };
}

function nothing(port: number, mode: ConfiguredMode, notes: readonly string[]): Configured {
  return { ...judge(port, []), mode, drainingAcceptsPlaintext: false, notes };
}

function judge(
  port: number,
  chains: readonly ReachedChain[],
): Omit<Configured, 'notes' | 'drainingAcceptsPlaintext'> {
  const tls = chains.filter((chain) => !chain.blackhole && chain.socket?.kind === 'tls');
  const acceptsMtls = tls.some(
    (chain) => chain.caller.startsWith('istio-mtls') && demandsIdentity(chain.socket),
  );
  const acceptsPlaintext = chains.some(takesPlaintext);
  const requiresClientCertificate = tls.length > 0 && tls.every((chain) => demandsIdentity(chain.socket));
  const isUnknown = chains.some((chain) => chain.socket?.kind === 'unknown');
  const names = tls.flatMap((chain) => (chain.socket?.kind === 'tls' ? chain.socket.acceptedNames : []));
  return {
    port,
    mode: modeOf({
      acceptsMtls,
      acceptsPlaintext,
      requiresClientCertificate,
      hasTls: tls.length > 0,
      isUnknown,
    }),
    acceptsMtls,
    acceptsPlaintext,
    requiresClientCertificate,
    acceptsAnonymousTls: tls.some((chain) => !demandsIdentity(chain.socket)),
    passesForeignTls: chains.some(
      (chain) => chain.caller === 'foreign-tls' && !chain.blackhole && chain.socket?.kind === 'raw',
    ),
    acceptedNames: [...new Set(names)],
    chains,
  };
}

function demandsIdentity(socket: ServerSocket | undefined): boolean {
  return socket?.kind === 'tls' && socket.requiresClientCertificate && socket.validatesClient;
}

function takesPlaintext(chain: ReachedChain): boolean {
  return chain.caller.startsWith('plaintext') && !chain.blackhole && chain.socket?.kind === 'raw';
}

function modeOf(facts: {
  readonly acceptsMtls: boolean;
  readonly acceptsPlaintext: boolean;
  readonly requiresClientCertificate: boolean;
  readonly hasTls: boolean;
  readonly isUnknown: boolean;
}): ConfiguredMode {
  if (facts.acceptsPlaintext) return facts.acceptsMtls ? 'PERMISSIVE' : 'DISABLE';
  if (facts.isUnknown) return 'UNKNOWN';
  // TLS that lets in callers without a certificate is encryption, not STRICT.
  if (facts.hasTls && !facts.requiresClientCertificate) return 'ANONYMOUS_TLS';
  return facts.acceptsMtls ? 'STRICT' : 'REFUSES';
}

function stateNotes(states: ListenerStates): readonly string[] {
  const { error, warming } = states;
  return [
    ...(error === undefined ? [] : [`the proxy refused an update of ${states.name}: ${error.details}`]),
    ...(warming === undefined ? [] : [`a newer version of ${states.name} is still warming`]),
  ];
}

/** Whether the dump holds the listener that captured connections enter. */
export function hasInboundListener(dump: EnvoyDump): boolean {
  return dump.listeners.some((states) => isInbound(states) && entersAt15006(states));
}

/**
 * A listener that is bound to the port itself (a Sidecar resource without capture, the proxy's own 15021 and 15090), else
 * the one that captured connections enter: `virtualInbound` on 15006.
 */
function inboundListener(listeners: readonly ListenerStates[], port: number): ListenerStates | undefined {
  const inbound = listeners.filter(isInbound);
  const captured = inbound.find((states) => states.name === 'virtualInbound') ?? inbound.find(entersAt15006);
  const handsOff = captured !== undefined && field(anyState(captured), 'use_original_dst') === true;
  const bound = inbound.find(
    (states) => states !== captured && portOf(states) === port && (binds(states) || handsOff),
  );
  return bound ?? captured;
}

function anyState(states: ListenerStates): JsonObject {
  return states.active ?? states.warming ?? states.draining ?? {};
}

function isInbound(states: ListenerStates): boolean {
  const direction = field(anyState(states), 'traffic_direction');
  if (direction === 'INBOUND') return true;
  // The proxy's own listeners for metrics and health carry no direction; before Istio 1.6 none did.
  if (direction !== undefined && direction !== 'UNSPECIFIED') return false;
  return states.isStatic || states.name === 'virtualInbound';
}

function entersAt15006(states: ListenerStates): boolean {
  return portOf(states) === 15006;
}

function portOf(states: ListenerStates): number | undefined {
  return asNumber(path(anyState(states), 'address', 'socket_address', 'port_value'));
}

function binds(states: ListenerStates): boolean {
  const listener = anyState(states);
  const toPort = field(listener, 'bind_to_port') ?? path(listener, 'deprecated_v1', 'bind_to_port');
  return toPort !== false && field(toPort, 'value') !== false;
}

/** `sidecar~10.77.1.7~httpbin-59bcc5b8d9-jntrt.secure-apps~secure-apps.svc.cluster.local` */
function nodeAddress(dump: EnvoyDump): string | undefined {
  return dump.node.id.split('~')[1] || undefined;
}

function reachedChains(
  listener: JsonObject,
  port: number,
  address: string | undefined,
): readonly ReachedChain[] {
  const seen = inspection(listener, port);
  const chains = asObjects(field(listener, 'filter_chains'));
  const fallback = field(listener, 'default_filter_chain');
  const all = callers.flatMap(({ caller, tls, alpn }): readonly ReachedChain[] => {
    // Without an inspector TLS is just bytes, and plaintext HTTP is not told from other plaintext.
    const read = tls ? seen.tls : seen.http;
    const connection: Connection = {
      port,
      address,
      transport: tls && seen.tls ? 'tls' : 'raw_buffer',
      alpn: read ? alpn : [],
    };
    const matched = matchingChains(chains, connection);
    const found = matched.chains.map((chain) => reached(caller, chain, undefined));
    if (isObject(fallback) && (found.length === 0 || !matched.everybody)) {
      return [...found, reached(caller, fallback, 'default filter chain')];
    }
    return found.length > 0 ? found : [{ caller, filters: [], blackhole: false }];
  });
  return distinct(all);
}

/** Each chain once for a caller; that Envoy closes the connection only where no kind of that caller gets anywhere. */
function distinct(all: readonly ReachedChain[]): readonly ReachedChain[] {
  return all.filter(
    (one, index) =>
      !all.slice(0, index).some((other) => sameAs(other, one)) &&
      (one.chain !== undefined ||
        !all.some((other) => other.caller === one.caller && other.chain !== undefined)),
  );
}

function sameAs(one: ReachedChain, other: ReachedChain): boolean {
  return (
    one.caller === other.caller && one.chain === other.chain && JSON.stringify(one) === JSON.stringify(other)
  );
}

function reached(caller: Caller, chain: JsonObject, name: string | undefined): ReachedChain {
  const filters = asObjects(field(chain, 'filters'));
  return {
    caller,
    chain: name ?? asText(field(chain, 'name')) ?? 'unnamed filter chain',
    socket: serverSocket(chain),
    filters: filters.map((filter) => asText(field(filter, 'name')) ?? ''),
    blackhole: filters.length === 0 || filters.some(isBlackhole),
  };
}

function isBlackhole(filter: JsonObject): boolean {
  const { message } = extensionConfig(filter);
  return asText(field(message, 'cluster')) === 'BlackHoleCluster';
}
