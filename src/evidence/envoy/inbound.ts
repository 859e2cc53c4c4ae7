/**
 * The configured column: what a sidecar's loaded filter chains do with each kind of caller on a port, worked out by
 * walking them as Envoy does. Ports that no Service declares meet the pass-through chains.
 */
import { asText, isObject, type JsonObject } from '../../sources/json-value.ts';
import type { EnvoyDump, ListenerStates, SecretState } from './config-dump.ts';
import { capturedListener, drainingEntrances, type Entrance, entrances } from './inbound-listeners.ts';
import { inspection } from './listener-filters.ts';
import { field } from './proto-json.ts';
import { distinct, everyChain, isPlaintext, type ReachedChain, reachedChains } from './reached-chains.ts';
import type { ServerTls } from './server-tls.ts';

/**
 * PeerAuthentication's words, and three that it has none for. Under `UNKNOWN` what is said to be accepted is, and what is
 * not said to be is left open.
 */
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
  /** Some TLS is handed to the application unopened. */
  readonly passesForeignTls: boolean;
  /** What a client's certificate must carry: `spiffe://cluster.local/*`. */
  readonly acceptedNames: readonly string[];
  readonly chains: readonly ReachedChain[];
  /** Connections from before the last change still meet the older chains, and these take plaintext, or may. */
  readonly drainingAcceptsPlaintext: boolean;
  /** A newer listener waits for something, or was refused by Envoy; what stands here is older than what istiod sent. */
  readonly notes: readonly string[];
}

/**
 * What the proxy does with connections to a port of its pod.
 * @param address the pod's address; read from the proxy's own node when absent
 */
export function configured(dump: EnvoyDump, port: number, address?: string): Configured {
  if (!dump.hasListeners) return nothing(port, 'UNKNOWN', ['the dump has no listeners section']);
  const addresses = addressesOf(dump, address);
  const found = entrances(dump, port, addresses);
  const [first] = found;
  if (first === undefined) return nothing(port, 'REFUSES', ['the proxy has no inbound listener']);
  const notes = found.flatMap(({ states }) => stateNotes(states));
  if (found.some(({ states }) => states.active === undefined)) {
    return nothing(port, 'UNKNOWN', [...notes, 'no listener is active yet']);
  }
  const met = found.map(({ states, ports }) => meeting(states.active, ports, addresses, dump.secrets));
  const draining = drainingEntrances(dump, port, addresses).flatMap(
    ({ states, ports }) => meeting(states.draining, ports, addresses, dump.secrets).chains,
  );
  const judged = judge(port, met);
  return {
    ...judged,
    listener: found.map(({ states }) => states.name).join(', '),
    ...(first.states.activeVersion === undefined ? {} : { version: first.states.activeVersion }),
    drainingAcceptsPlaintext: draining.some(takesPlaintext),
    notes: [...notes, ...entranceNotes(found), ...met.flatMap(({ doubts }) => doubts), ...chainNotes(judged)],
  };
}

/** Whether the dump holds the listener that captured connections enter. */
export function hasInboundListener(dump: EnvoyDump): boolean {
  return capturedListener(dump) !== undefined;
}

function nothing(port: number, mode: ConfiguredMode, notes: readonly string[]): Configured {
  return { ...judge(port, []), mode, drainingAcceptsPlaintext: false, notes };
}

/** A pod on two networks has an address on each. */
function addressesOf(dump: EnvoyDump, given: string | undefined): readonly string[] {
  // `sidecar~10.77.1.7~httpbin-59bcc5b8d9-jntrt.secure-apps~secure-apps.svc.cluster.local`
  const own = given ?? dump.node.id.split('~')[1] ?? '';
  const more = asText(dump.node.metadata.INSTANCE_IPS) ?? '';
  return [...new Set([own, ...more.split(',')])].filter((address) => address !== '');
}

/** What connections meet in one listener. */
interface Meeting {
  readonly chains: readonly ReachedChain[];
  /** Why more chains than these may be met, and in `atWorst` all of them. */
  readonly doubts: readonly string[];
  readonly atWorst: readonly ReachedChain[];
  /** Whether ordinary callers get to a chain at all, or to which one, is not told. */
  readonly undecided: boolean;
}

function meeting(
  listener: JsonObject | undefined,
  ports: Entrance['ports'],
  addresses: readonly string[],
  secrets: readonly SecretState[],
): Meeting {
  if (listener === undefined) return { chains: [], doubts: [], atWorst: [], undecided: false };
  const seen = inspection(listener, ports);
  const byMatcher = isObject(field(listener, 'filter_chain_matcher'));
  const doubts = [
    ...seen.anyChain,
    ...(seen.closes ? ['callers without a PROXY protocol header are closed'] : []),
    ...(byMatcher ? ['the listener picks filter chains by a matcher tree (xds.type.matcher)'] : []),
  ];
  return {
    chains: byMatcher ? [] : reachedChains(listener, seen, addresses, secrets),
    doubts,
    atWorst: doubts.length === 0 ? [] : everyChain(listener, secrets),
    undecided: byMatcher || seen.closes,
  };
}

/**
 * What is certain, and the mode as far as it is. Where chains may be met that are not worked out here, the mode stands if
 * those would not change it, or if plaintext is taken anyway; else it is UNKNOWN.
 */
function judge(
  port: number,
  met: readonly Meeting[],
): Omit<Configured, 'notes' | 'drainingAcceptsPlaintext'> {
  const chains = distinct(met.flatMap((one) => one.chains));
  const certain = factsOf(chains);
  const worst = factsOf([...chains, ...met.flatMap(({ atWorst }) => atWorst)]);
  const settled = worst.mode === certain.mode && !met.some(({ undecided }) => undecided);
  return {
    port,
    ...certain,
    mode: settled || certain.acceptsPlaintext ? certain.mode : 'UNKNOWN',
    chains,
  };
}

function factsOf(chains: readonly ReachedChain[]) {
  const open = chains.filter(({ blackhole }) => !blackhole);
  const tls = open.flatMap(({ caller, socket }) => (socket?.kind === 'tls' ? [{ caller, socket }] : []));
  const acceptsMtls = tls.some(
    ({ caller, socket }) => caller.startsWith('istio-mtls') && demandsIdentity(socket) && socket.admitsSpiffe,
  );
  const acceptsPlaintext = chains.some(takesPlaintext);
  const passesForeignTls = open.some((chain) => !isPlaintext(chain) && chain.socket?.kind === 'raw');
  const requiresClientCertificate = tls.length > 0 && tls.every(({ socket }) => demandsIdentity(socket));
  const facts = {
    acceptsMtls,
    acceptsPlaintext,
    requiresClientCertificate,
    acceptsAnonymousTls: tls.some(({ socket }) => !demandsIdentity(socket)),
    passesForeignTls,
    acceptedNames: [...new Set(tls.flatMap(({ socket }) => socket.acceptedNames))],
  };
  return {
    ...facts,
    mode: modeOf(
      facts,
      open.some(({ socket }) => socket?.kind === 'unknown'),
    ),
  };
}

function demandsIdentity(socket: ServerTls): boolean {
  return socket.requiresClientCertificate && socket.validatesClient;
}

function takesPlaintext(chain: ReachedChain): boolean {
  return isPlaintext(chain) && !chain.blackhole && chain.socket?.kind === 'raw';
}

function modeOf(
  facts: Pick<Configured, 'acceptsMtls' | 'acceptsPlaintext' | 'acceptsAnonymousTls' | 'passesForeignTls'>,
  isUnknown: boolean,
): ConfiguredMode {
  if (facts.acceptsPlaintext) return facts.acceptsMtls ? 'PERMISSIVE' : 'DISABLE';
  if (isUnknown) return 'UNKNOWN';
  // TLS that lets in callers without a certificate is encryption, not STRICT; and what is handed on unopened may begin
  // like TLS and go on as anything.
  if (facts.acceptsAnonymousTls || facts.passesForeignTls) return 'ANONYMOUS_TLS';
  return facts.acceptsMtls ? 'STRICT' : 'REFUSES';
}

function stateNotes(states: ListenerStates): readonly string[] {
  const { error, warming } = states;
  return [
    ...(error === undefined ? [] : [`the proxy refused an update of ${states.name}: ${error.details}`]),
    ...(warming === undefined ? [] : [`a newer version of ${states.name} is still warming`]),
  ];
}

function entranceNotes(found: readonly Entrance[]): readonly string[] {
  if (found.length < 2) return [];
  const names = found.map(({ states }) => states.name).join(' or ');
  return [`connections meet ${names}, by whether the port is captured: both are counted`];
}

function chainNotes(
  judged: Pick<Configured, 'acceptsPlaintext' | 'passesForeignTls' | 'chains'>,
): readonly string[] {
  const sockets = judged.chains.flatMap(({ socket }) => socket ?? []);
  const waiting = new Set(sockets.flatMap((socket) => (socket.kind === 'waiting' ? socket.secrets : [])));
  const unknown = new Set(sockets.flatMap((socket) => (socket.kind === 'unknown' ? [socket.name] : [])));
  const takesExpired = sockets.some((socket) => socket.kind === 'tls' && socket.takesExpired);
  return [
    ...[...waiting].map(
      (name) => `the secret ${name} has not arrived: its filter chains close every connection`,
    ),
    ...[...unknown].map((name) => `the transport socket ${name} is not known here`),
    ...(takesExpired ? ['client certificates that have expired are taken (allow_expired_certificate)'] : []),
    ...(judged.passesForeignTls && !judged.acceptsPlaintext
      ? ['TLS is handed to the application unopened, from whomever it comes']
      : []),
  ];
}
