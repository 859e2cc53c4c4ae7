/**
 * Envoy's choice of a filter chain (envoy.config.listener.v3.FilterChainMatch): destination port, destination address,
 * server name, transport protocol, application protocols, then the source. At each step the most specific entry is
 * taken and the others are never tried again: there is no backtracking.
 *
 * Steps that depend on who calls (server name where it is not given, source) branch: every chain that some caller can
 * reach is returned, because a proxy that takes plaintext from one address takes plaintext.
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
  /** Absent: the caller may send any. */
  readonly serverName?: string;
}

interface Match {
  readonly chain: JsonObject;
  readonly port: number | undefined;
  readonly prefixes: readonly string[];
  readonly serverNames: readonly string[];
  readonly transport: string;
  readonly alpn: readonly string[];
  /** The source criteria as text; `''` for none. */
  readonly source: string;
}

/** @returns the chains that a connection can end in; none: Envoy closes it (unless there is a default filter chain). */
export function matchingChains(chains: readonly JsonObject[], connection: Connection): readonly JsonObject[] {
  const byPort = narrow(chains.map(readMatch), (match) => match.port, connection.port);
  return byAddress(byPort, connection.address)
    .flatMap((group) => byServerName(group, connection))
    .map((group) => narrow(group, (match) => match.transport || undefined, connection.transport))
    .map((group) => byAlpn(group, connection.alpn))
    .flatMap((group) => group.map((match) => match.chain));
}

function readMatch(chain: JsonObject): Match {
  const match = field(chain, 'filter_chain_match');
  const prefixes = (name: string): readonly string[] => asObjects(field(match, name)).map(prefixText);
  const source = {
    type: field(match, 'source_type') ?? 'ANY',
    direct: prefixes('direct_source_prefix_ranges'),
    ranges: prefixes('source_prefix_ranges'),
    ports: field(match, 'source_ports') ?? [],
  };
  return {
    chain,
    port: asNumber(field(match, 'destination_port')),
    prefixes: prefixes('prefix_ranges'),
    serverNames: asTexts(field(match, 'server_names')),
    transport: asText(field(match, 'transport_protocol')) ?? '',
    alpn: asTexts(field(match, 'application_protocols')),
    source: JSON.stringify(source),
  };
}

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
  const of = (prefix: string): readonly Match[] => matches.filter((match) => match.prefixes.includes(prefix));
  if (prefixes.length === 0) return [any];
  if (address === undefined) return [...prefixes.map(of), any];
  const longest = prefixes
    .filter((prefix) => inPrefix(address, prefix))
    .toSorted((a, b) => bitsOf(b) - bitsOf(a))[0];
  return [longest === undefined ? any : of(longest)];
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

/** Exact name, then the longest wildcard, then none; every name on its own where the caller is free to choose. */
function byServerName(matches: readonly Match[], connection: Connection): readonly (readonly Match[])[] {
  const any = matches.filter((match) => match.serverNames.length === 0);
  const names = [...new Set(matches.flatMap((match) => match.serverNames))];
  const of = (name: string): readonly Match[] => matches.filter((match) => match.serverNames.includes(name));
  // Plaintext carries no server name.
  if (names.length === 0 || connection.transport === 'raw_buffer') return [any];
  const { serverName } = connection;
  if (serverName === undefined) return [...names.map(of), any];
  if (names.includes(serverName)) return [of(serverName)];
  const wildcard = names
    .filter((name) => name.startsWith('*.') && serverName.endsWith(name.slice(1)))
    .toSorted((a, b) => b.length - a.length)[0];
  return [wildcard === undefined ? any : of(wildcard)];
}

/** The first of the client's protocols that any entry names decides. */
function byAlpn(matches: readonly Match[], offered: readonly string[]): readonly Match[] {
  const taken = offered.find((protocol) => matches.some((match) => match.alpn.includes(protocol)));
  return taken === undefined
    ? matches.filter((match) => match.alpn.length === 0)
    : matches.filter((match) => match.alpn.includes(taken));
}
