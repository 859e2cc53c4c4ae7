/** Which filter chain each kind of caller ends in, by walking a listener as Envoy does. */
import { asObjects, asText, isObject, type JsonObject } from '../../sources/json-value.ts';
import type { SecretState } from './config-dump.ts';
import { type Connection, matchingChains, protocolsOf } from './filter-chain-match.ts';
import type { Inspection } from './listener-filters.ts';
import { extensionConfig, field } from './proto-json.ts';
import type { ServerSocket } from './server-tls.ts';
import { serverSocket } from './transport-socket.ts';

/** Kinds of caller that the chains can tell apart; `any-tls` picks the protocols (ALPN) that it likes. */
export type Caller =
  | 'plaintext-http'
  | 'plaintext-tcp'
  | 'istio-mtls-http'
  | 'istio-mtls-tcp'
  | 'foreign-tls'
  | 'any-tls';

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

interface Kind {
  readonly caller: Caller;
  readonly tls: boolean;
  readonly alpn: readonly string[];
}

/** What each kind of caller shows to the listener filters (istio.io ALPN names; pilot/pkg/networking/util). */
const kinds: readonly Kind[] = [
  { caller: 'plaintext-http', tls: false, alpn: ['http/1.1'] },
  // The HTTP inspector tells three kinds of plaintext HTTP apart, and a chain may be there for one of them only.
  { caller: 'plaintext-http', tls: false, alpn: ['h2c'] },
  { caller: 'plaintext-http', tls: false, alpn: ['http/1.0'] },
  { caller: 'plaintext-tcp', tls: false, alpn: [] },
  { caller: 'istio-mtls-http', tls: true, alpn: ['istio-http/1.1', 'istio', 'http/1.1'] },
  { caller: 'istio-mtls-tcp', tls: true, alpn: ['istio-peer-exchange', 'istio'] },
  { caller: 'foreign-tls', tls: true, alpn: ['h2', 'http/1.1'] },
];

export const isPlaintext = ({ caller }: ReachedChain): boolean => caller.startsWith('plaintext');

/** @param addresses the pod's; empty where they are not known */
export function reachedChains(
  listener: JsonObject,
  seen: Inspection,
  addresses: readonly string[],
  secrets: readonly SecretState[],
): readonly ReachedChain[] {
  const chains = asObjects(field(listener, 'filter_chains'));
  const fallback = field(listener, 'default_filter_chain');
  const of = ({ caller, tls, alpn }: Kind, address: string | undefined): readonly ReachedChain[] => {
    // Without an inspector TLS is just bytes, and plaintext HTTP is not told from other plaintext.
    const read = tls ? seen.tls : seen.http;
    const connection: Connection = {
      port: seen.port,
      address,
      transport: tls && seen.tls ? 'tls' : 'raw_buffer',
      alpn: read ? alpn : [],
    };
    const matched = matchingChains(chains, connection);
    const found = matched.chains.map((chain) => reached(caller, chain, undefined, secrets));
    if (isObject(fallback) && (found.length === 0 || !matched.everybody)) {
      return [...found, reached(caller, fallback, defaultName, secrets)];
    }
    return found.length > 0 ? found : [{ caller, filters: [], blackhole: false }];
  };
  const destinations = addresses.length === 0 ? [undefined] : addresses;
  const all = (list: readonly Kind[]): readonly ReachedChain[] =>
    distinct(list.flatMap((kind) => destinations.flatMap((address) => of(kind, address))));
  const usual = all(kinds);
  // One protocol at a time is enough: the first of a client's protocols that some chain names decides.
  const picky = ['', ...protocolsOf(chains)].map((one): Kind => {
    return { caller: 'any-tls', tls: true, alpn: one === '' ? [] : [one] };
  });
  return [...usual, ...all(picky).filter((one) => one.chain !== undefined && !knows(usual, one))];
}

/** Every chain of the listener, for callers that may choose: what could be met at worst. */
export function everyChain(listener: JsonObject, secrets: readonly SecretState[]): readonly ReachedChain[] {
  const fallback = field(listener, 'default_filter_chain');
  const callers = ['plaintext-tcp', 'istio-mtls-tcp', 'any-tls'] as const;
  return callers.flatMap((caller) => [
    ...asObjects(field(listener, 'filter_chains')).map((chain) => reached(caller, chain, undefined, secrets)),
    ...(isObject(fallback) ? [reached(caller, fallback, defaultName, secrets)] : []),
  ]);
}

const defaultName = 'default filter chain';

function reached(
  caller: Caller,
  chain: JsonObject,
  name: string | undefined,
  secrets: readonly SecretState[],
): ReachedChain {
  const filters = asObjects(field(chain, 'filters'));
  return {
    caller,
    chain: name ?? asText(field(chain, 'name')) ?? 'unnamed filter chain',
    socket: serverSocket(chain, secrets),
    filters: filters.map((filter) => asText(field(filter, 'name')) ?? ''),
    blackhole: filters.length === 0 || filters.some(isBlackhole),
  };
}

function isBlackhole(filter: JsonObject): boolean {
  const { message } = extensionConfig(filter);
  return asText(field(message, 'cluster')) === 'BlackHoleCluster';
}

/** Each chain once for a caller; that Envoy closes the connection only where no kind of that caller gets anywhere. */
export function distinct(all: readonly ReachedChain[]): readonly ReachedChain[] {
  const known = new Set<string>();
  return all.filter((one) => {
    const key = JSON.stringify(one);
    if (known.has(key)) return false;
    known.add(key);
    const getsIn = (other: ReachedChain): boolean => other.caller === one.caller && other.chain !== undefined;
    return one.chain !== undefined || !all.some(getsIn);
  });
}

/** Some caller by TLS meets the same chain already. */
function knows(usual: readonly ReachedChain[], { caller: _caller, ...one }: ReachedChain): boolean {
  const key = JSON.stringify(one);
  return usual.some((other) => {
    const { caller: _other, ...rest } = other;
    return !isPlaintext(other) && JSON.stringify(rest) === key;
  });
}
