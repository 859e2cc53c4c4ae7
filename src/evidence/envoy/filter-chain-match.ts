/**
 * Envoy's choice of a filter chain (envoy.config.listener.v3.FilterChainMatch): destination port, destination address,
 * server name, transport protocol, application protocols, then the source. At each step the most specific entry is
 * taken and the others are never tried again: there is no backtracking.
 *
 * Steps that depend on who calls (server name, source) branch: every chain that some caller can reach is returned, because
 * a proxy that takes plaintext from one address takes plaintext.
 */
import { BlockList, isIP } from 'node:net';
import { asNumber, asObjects, asText, asTexts, type JsonObject } from '../../sources/json-value.ts';
import { field } from './proto-json.ts';

export interface Connection {
  readonly port: number;
  /** The pod's address; absent: every prefix is a possibility. */
  readonly address: string | undefined;
  readonly transport: 'tls' | 'raw_buffer';
  /** In the client's order. */
  readonly alpn: readonly string[];
}

interface Match {
  readonly chain: JsonObject;
  readonly port: number | undefined;
  readonly prefixes: readonly string[];
  readonly serverNames: readonly string[];
  readonly transport: string;
  readonly alpn: readonly string[];
  /** `ANY`, `SAME_IP_OR_LOOPBACK` or `EXTERNAL`. */
  readonly sourceType: string;
  /** It names addresses or ports of callers. */
  readonly narrowsSource: boolean;
}

/** Every protocol that some chain asks for. */
export function protocolsOf(chains: readonly JsonObject[]): readonly string[] {
  return [...new Set(chains.flatMap((chain) => readMatch(chain).alpn))];
}

export interface Reachable {
  /** The chains that such a connection can end in; none: Envoy closes it, or its default filter chain takes it. */
  readonly chains: readonly JsonObject[];
  /** False: some callers meet none of them, and are left to the default filter chain. */
  readonly everybody: boolean;
}

/** @returns what connections like this one can end in, from whatever address and under whatever server name. */
export function matchingChains(chains: readonly JsonObject[], connection: Connection): Reachable {
  const byPort = narrow(chains.map(readMatch), (match) => match.port, connection.port);
  const groups = byAddress(byPort, connection.address)
    .flatMap((group) => byServerName(group, connection))
    .map((group) => narrow(group, (match) => match.transport || undefined, connection.transport))
    .map((group) => byAlpn(group, connection.alpn));
  return {
    chains: groups.flatMap((group) => group.map((match) => match.chain)),
    everybody: groups.every(takesEverySource),
  };
}

/**
 * Whether no caller is left over for the default filter chain. The steps by source do not go back either: a caller whose
 * kind of source is named, but whose address is not, meets no chain at all.
 */
function takesEverySource(group: readonly Match[]): boolean {
  if (group.some((match) => match.narrowsSource)) return false;
  const types = new Set(group.map((match) => match.sourceType));
  return types.has('ANY') || (types.has('SAME_IP_OR_LOOPBACK') && types.has('EXTERNAL'));
}

function readMatch(chain: JsonObject): Match {
  const match = field(chain, 'filter_chain_match');
  const prefixes = (name: string): readonly string[] => asObjects(field(match, name)).map(prefixText);
  const sources = ['direct_source_prefix_ranges', 'source_prefix_ranges', 'source_ports'];
  return {
    chain,
    port: asNumber(field(match, 'destination_port')),
    prefixes: prefixes('prefix_ranges'),
    serverNames: asTexts(field(match, 'server_names')),
    transport: asText(field(match, 'transport_protocol')) ?? '',
    alpn: asTexts(field(match, 'application_protocols')),
    // The values of envoy.config.listener.v3.FilterChainMatch.ConnectionSourceType, as names or as numbers.
    sourceType:
      sourceTypes[asNumber(field(match, 'source_type')) ?? -1] ??
      asText(field(match, 'source_type')) ??
      'ANY',
    narrowsSource: sources.some((name) => {
      const value = field(match, name);
      return Array.isArray(value) && value.length > 0;
    }),
  };
}

const sourceTypes: readonly string[] = ['ANY', 'SAME_IP_OR_LOOPBACK', 'EXTERNAL'];

function prefixText(range: JsonObject): string {
  const address = asText(field(range, 'address_prefix')) ?? '';
  return `${address}/${asNumber(field(range, 'prefix_len')) ?? 0}`;
}

/** The entries for exactly this value; where there are none, those that do not care. */
function narrow<Value>(
  matches: readonly Match[],
  value: (match: Match) => Value | undefined,
  wanted: Value,
): readonly Match[] {
  const exact = matches.filter((match) => value(match) === wanted);
  return exact.length > 0 ? exact : matches.filter((match) => value(match) === undefined);
}

/** The entries of the longest prefix that holds the address; of every prefix, each on its own, where it is unknown. */
function byAddress(matches: readonly Match[], address: string | undefined): readonly (readonly Match[])[] {
  const any = matches.filter((match) => match.prefixes.length === 0);
  const prefixes = [...new Set(matches.flatMap((match) => match.prefixes))];
  const of = (taken: readonly string[]): readonly Match[] =>
    matches.filter((match) => match.prefixes.some((prefix) => taken.includes(prefix)));
  if (prefixes.length === 0) return [any];
  if (address === undefined) return [...prefixes.map((prefix) => of([prefix])), any];
  const holding = prefixes.filter((prefix) => inPrefix(address, prefix));
  const longest = Math.max(0, ...holding.map(bitsOf));
  // Envoy masks what is written: 127.0.0.1/8 and 127.9.0.0/8 are one network, and both entries count.
  const widest = of(holding.filter((prefix) => bitsOf(prefix) === longest));
  if (longest > 0) return [widest];
  // No prefix means 0.0.0.0/0 to Envoy. Where both are written one hides the other, by the order of a hash table: an
  // Envoy 1.40 took now this one and now that one, from one start to the next.
  return [any, widest].filter((group) => group.length > 0);
}

function bitsOf(prefix: string): number {
  return Number(prefix.split('/')[1] ?? 0);
}

function inPrefix(address: string, prefix: string): boolean {
  const [network = ''] = prefix.split('/');
  const family = isIP(address) === 4 ? 'ipv4' : 'ipv6';
  if (isIP(network) === 0 || isIP(address) !== isIP(network)) return false;
  const list = new BlockList();
  list.addSubnet(network, bitsOf(prefix), family);
  return list.check(address, family);
}

/** A caller is free to send any name, and plaintext carries none: the entries of every name, each on its own. */
function byServerName(matches: readonly Match[], { transport }: Connection): readonly (readonly Match[])[] {
  const any = matches.filter((match) => match.serverNames.length === 0);
  if (transport === 'raw_buffer') return [any];
  const names = [...new Set(matches.flatMap((match) => match.serverNames))];
  return [...names.map((name) => matches.filter((match) => match.serverNames.includes(name))), any];
}

/** The first of the client's protocols that any entry names decides. */
function byAlpn(matches: readonly Match[], offered: readonly string[]): readonly Match[] {
  const taken = offered.find((protocol) => matches.some((match) => match.alpn.includes(protocol)));
  return taken === undefined
    ? matches.filter((match) => match.alpn.length === 0)
    : matches.filter((match) => match.alpn.includes(taken));
}
