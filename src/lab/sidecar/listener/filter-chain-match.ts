/**
 * Which filter chain takes a connection: Envoy's FilterChainMatch rules
 * (https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/listener/v3/listener_components.proto). Criteria are
 * tried in a fixed order and the most specific value of each decides for good: there is no way back.
 */
import type { FilterChain, ListenerConfig } from '../config/listener.ts';

/** What the listener filters found out about a connection. */
export interface ConnectionTraits {
  readonly destinationPort: number;
  readonly transport: 'tls' | 'raw_buffer';
  /** In the order in which the client offered them. */
  readonly applicationProtocols: readonly string[];
}

/** @returns the chain; undefined where none matches, which refuses the connection. */
export function matchFilterChain(
  listener: Pick<ListenerConfig, 'filter_chains' | 'default_filter_chain'>,
  traits: ConnectionTraits,
): FilterChain | undefined {
  const byPort = mostSpecific(listener.filter_chains, (chain) =>
    specificity(chain.filter_chain_match?.destination_port, traits.destinationPort),
  );
  const byTransport = mostSpecific(byPort, (chain) =>
    specificity(chain.filter_chain_match?.transport_protocol, traits.transport),
  );
  return matchProtocol(byTransport, traits.applicationProtocols) ?? listener.default_filter_chain;
}

type Specificity = 'exact' | 'any' | 'other';

function specificity<T>(wanted: T | undefined, found: T): Specificity {
  if (wanted === undefined) return 'any';
  return wanted === found ? 'exact' : 'other';
}

/** The chains that name the value; where there are none, the chains that do not care. */
function mostSpecific(
  chains: readonly FilterChain[],
  judge: (chain: FilterChain) => Specificity,
): readonly FilterChain[] {
  const exact = chains.filter((chain) => judge(chain) === 'exact');
  return exact.length > 0 ? exact : chains.filter((chain) => judge(chain) === 'any');
}

function matchProtocol(chains: readonly FilterChain[], offered: readonly string[]): FilterChain | undefined {
  for (const protocol of offered) {
    const chain = chains.find((item) => item.filter_chain_match?.application_protocols?.includes(protocol));
    if (chain !== undefined) return chain;
  }
  return chains.find((item) => item.filter_chain_match?.application_protocols === undefined);
}
